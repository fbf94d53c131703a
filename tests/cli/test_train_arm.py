"""Trainings of the arm from the command line: what is missing is named, a stopped run goes on."""

import json

import pytest

pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

from typer.testing import CliRunner

from pilotfish.cli.main import main
from pilotfish.cli.train import app
from pilotfish.cli.worlds import app as worlds
from pilotfish.policies.registry import make_chunk_policy
from pilotfish.worlds.registry import make_task, task_class


def message(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        main(["train", *words])
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["dsrl", "--task", "juggle"], "'juggle': choose one of pick_place"),
        (["vgps", "--task", "push"], "pilotfish worlds demonstrate push"),
        (["diffusion", "--task", "push", "--data", "nowhere"], "no LeRobotDataset at"),
        (["dsrl", "--task", "push,stack"], "only a value (vgps) is learned for several"),
        (["vgps", "--task", "push,stack", "--data", "nowhere"], "one folder for each task"),
        (["follower", "--task", "push"], "not for follower"),
        (["dsrl"], "--task is missing"),
        (["dsrl", "--resume", "runs/x", "--seed", "3"], "leave --seed away"),
        (["vgps", "--task", "push", "--steps", "5"], "settings (--config)"),
        (["diffusion", "--task", "push", "--data", "x", "--base", "y"], "trains the base policy itself"),
        (["juggler"], "no training for 'juggler'"),
    ],
)
def test_what_is_missing_is_named(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    assert says in message(capsys, *words)


def test_a_failed_start_leaves_the_folder_free(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert "no LeRobotDataset" in message(capsys, "diffusion", "--task", "push", "--data", "nowhere")


def test_demonstrate_train_and_go_on(tmp_path):
    runner = CliRunner()
    data, run = tmp_path / "data", tmp_path / "run"
    shown = runner.invoke(worlds, ["demonstrate", "push", str(data), "--episodes", "3"])
    assert shown.exit_code == 0 and "3 episodes" in shown.output
    settings = tmp_path / "small.yaml"
    settings.write_text("hidden: [16]\nsteps: 20\nbatch: 8\n")
    words = ["diffusion", "--task", "push", "--data", str(data), "--config", str(settings)]
    first = runner.invoke(app, [*words, "--out", str(run), "--budget", "0.000001"])
    assert "go on with --resume" in first.output
    again = runner.invoke(app, ["diffusion", "--resume", str(run)])
    assert "finished" in again.output, again.output
    assert json.loads((run / "arm.json").read_text())["task"] == "push"
    assert (run / "model" / "model.onnx").is_file()


def test_one_value_of_two_tasks(tmp_path):
    runner = CliRunner()
    tasks = ("push", "stack")
    for task in tasks:
        runner.invoke(worlds, ["demonstrate", task, str(tmp_path / task), "--episodes", "4"])
    settings = tmp_path / "small.yaml"
    settings.write_text("method: iql\nwidth: 16\nsteps: 3\nbatch: 8\n")
    data = ",".join(str(tmp_path / task) for task in tasks)
    words = ["vgps", "--task", "push,stack", "--data", data, "--config", str(settings)]
    shown = runner.invoke(app, [*words, "--out", str(tmp_path / "run")])
    assert "finished" in shown.output, shown.output
    for task in tasks:
        guided = make_chunk_policy(f"vgps@2={tmp_path / 'run' / 'model'}", task)
        seen, _ = make_task(task).reset(seed=1)
        chunk = guided.act({name: values[None] for name, values in seen.items()})
        assert chunk.shape == (1, 4, len(task_class(task).ACTIONS))

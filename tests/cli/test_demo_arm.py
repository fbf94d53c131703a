import json
import os
import subprocess
import sys

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from pilotfish.cli import demo, demo_arm, view
from pilotfish.cli.demo_parts import Run
from pilotfish.cli.main import main
from pilotfish.worlds.manipulation.tasks.push import THERE
from pilotfish.worlds.render.arm_recording import load_arm


@pytest.mark.system
def test_an_arm_works_and_leaves_all_its_files(tmp_path):
    out = tmp_path / "results"
    words = ["--episodes", "3", "--speed", "2", "--seed", "5", "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("ROS_DOMAIN_ID", None)  # it finds one of its own
    code = "from pilotfish.cli.main import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", code, "demo", "arm", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    said = process.stdout
    assert process.returncode == 0, said
    report = json.loads((out / "summary.json").read_text())
    row = report["rows"][0]
    assert not row["trouble"] and row["n"] == 3 and f"{row['successes']} of 3 episodes" in said
    assert row["successes"] == sum(one["success"] for one in report["outcomes"]) >= 2
    first = report["outcomes"][0]["start"]
    assert [one["start"] for one in report["outcomes"]] == [first, first + 1, first + 2] and first >= 400_005
    assert row["rate_hz"] == pytest.approx(10.0, rel=0.2) and row["latency_p50_ms"] > 0 < row["chunks"]
    for name in ("arm.mp4", "arm.gif", "arm.png", "summary.json", "recording/recording.mcap"):
        assert (out / name).exists() and str(out / name) in said.replace("\n", "")
    assert imageio.improps(out / "arm.mp4").shape[0] >= 3 * 10
    assert Image.open(out / "arm.gif").n_frames >= 3 * 6

    trajectory = load_arm(out / "recording")
    assert (trajectory.task, trajectory.policy) == ("push", "dsrl")
    assert [one.success for one in trajectory.led()[:3]] == [one["success"] for one in report["outcomes"]]
    for one in trajectory.decided:
        if one.success:  # and then the bar is over the mark, in the picture too
            things = trajectory.things[trajectory.rows_of(one)][-1]
            bar, goal = things[:2], things[-2:]
            assert np.linalg.norm(bar - goal) < THERE + 1e-4
    film = tmp_path / "film.gif"
    again = ["--until", "2", "--fps", "5", "--width", "480", "-o", str(film)]
    shown = CliRunner().invoke(view.app, [str(out / "recording"), *again])
    assert shown.exit_code == 0 and "an arm, " in shown.output, shown.output
    assert Image.open(film).n_frames == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "juggle"], "no task 'juggle': choose one of pick_place, push, stack, detour"),
        (["--policy", "nope"], "no arm policy 'nope': choose one of base"),
        (["--policy", "dsrl=nowhere"], "no model 'nowhere'"),
        (["--policy", "dsrl@3"], "policy 'dsrl@3': write random_k@K, vgps@K"),
    ],
)
def test_what_cannot_be_run_is_named_before_anything_starts(words, message, tmp_path, capsys):
    pytest.importorskip("rclpy")
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as end:
        main(["demo", "arm", *words, "--out", str(out)])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_with_something_else_in_it_is_not_written_over(tmp_path, capsys):
    pytest.importorskip("rclpy")
    notes = tmp_path / "recording" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with pytest.raises(SystemExit) as end:
        main(["demo", "arm", "--out", str(tmp_path)])
    assert end.value.code == 2 and notes.read_text() == "mine"
    said = capsys.readouterr().err
    assert f"{tmp_path / 'recording'} is in the way" in said and "another --out" in said
    with pytest.raises(SystemExit) as end:
        main(["demo", "arm", "--out", str(notes)])
    assert end.value.code == 2 and "is a file: name a folder" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "group"), [("rclpy", "ros"), ("gymnasium", "manipulation")])
def test_a_missing_install_group_is_named(module, group, monkeypatch, capsys, tmp_path):
    pytest.importorskip("rclpy")
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith("pilotfish.worlds.manipulation")]:
        monkeypatch.delitem(sys.modules, name)  # they hold what is missing now
    with pytest.raises(SystemExit) as end:
        main(["demo", "arm", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert f"pilotfish[{group}]" in capsys.readouterr().err


def test_help_shows_what_can_be_chosen():
    said = CliRunner().invoke(demo.app, ["arm", "--help"]).output
    for word in ("--task", "--policy", "--episodes", "--seed", "--out", "pick_place", "vgps", "NAME=FOLDER"):
        assert word in said
    assert "arm" in CliRunner().invoke(demo.app, ["--help"]).output


def test_a_run_in_which_nothing_was_led_says_where_to_look(tmp_path):
    settings = demo_arm.Settings("push", "dsrl", 3, 1.0, 0, tmp_path)
    with pytest.raises(ValueError, match="nothing to show: .*nodes.log"):
        demo_arm._load(settings, Run(tmp_path / "recording", status=None))

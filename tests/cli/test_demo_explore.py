import json
import os
import subprocess
import sys

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pilotfish.cli import demo, demo_explore
from pilotfish.cli.demo_parts import Run
from pilotfish.cli.main import main
from pilotfish.policies.exploration.blocks import FREE
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.exploration_recording import load_exploration
from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory, MapHistory


@pytest.mark.system
def test_a_small_team_explores_and_leaves_all_its_files(tmp_path):
    out = tmp_path / "results"
    words = [
        "gen:offices?size=60x80&seed=1",
        "--robots",
        "2",
        "--seconds",
        "60",
        "--speed",
        "0",
        "--out",
        str(out),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("ROS_DOMAIN_ID", None)  # it finds one of its own
    code = "from pilotfish.cli.main import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", code, "demo", "explore", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    said = process.stdout
    assert process.returncode == 0, said
    row = json.loads((out / "summary.json").read_text())["rows"][0]
    assert not row["trouble"] and row["known_0"] >= 0.99 and row["known_1"] >= 0.99, said
    assert 0 < row["whole_after"] <= row["simulated_seconds"] + 1.0
    assert row["path_length"] == max(row["path_length_0"], row["path_length_1"]) > 0.5
    assert row["bytes_per_minute"] > 0 and row["decision_p50_ms"] > 0
    for name in ("explore.mp4", "explore.gif", "explore.png", "summary.json", "recording/recording.mcap"):
        assert (out / name).exists() and str(out / name) in said.replace("\n", "")
    assert imageio.improps(out / "explore.mp4").shape[0] >= 25
    assert Image.open(out / "explore.gif").n_frames >= 10
    assert load_exploration(out / "recording").n_robots == 2


@pytest.mark.parametrize(
    "words, chosen",
    [
        ([], ["fleet"]),
        (["warehouse", "--robots", "3"], ["fleet", "warehouse", "--robots", "3"]),
        (["--robots", "3"], ["fleet", "--robots", "3"]),
        (["explore", "--radio", "mid"], ["explore", "--radio", "mid"]),
    ],
)
def test_without_a_name_the_fleet_is_shown(words, chosen, monkeypatch):
    called = []

    class Stand:
        def load(self):
            return self

        def make_context(self, name, arguments, **options):
            called.append([name, *arguments])
            raise SystemExit(0)

    monkeypatch.setattr("pilotfish.cli.lazy.LazyCommand.load", lambda command: Stand())
    CliRunner().invoke(demo.app, words)
    assert called == [chosen]


def test_help_names_both_demos():
    said = CliRunner().invoke(demo.app, ["--help"]).output
    assert "fleet" in said and "explore" in said
    assert "--radio" in CliRunner().invoke(demo.app, ["explore", "--help"]).output


def test_without_ros_the_install_group_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(SystemExit) as end:
        main(["demo", "explore", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert "pilotfish[ros]" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--robots", "33"), ("--seed", "-1")])
def test_a_wrong_number_costs_no_recording(words, tmp_path):
    (tmp_path / "recording").mkdir()
    (tmp_path / "recording" / "metadata.yaml").touch()
    result = CliRunner().invoke(demo_explore.app, [*words, "--out", str(tmp_path)])
    assert result.exit_code == 2 and f"Invalid value for '{words[0]}'" in result.output
    assert (tmp_path / "recording").exists()


def trajectory_of(shares) -> ExplorationTrajectory:
    """Two robots in a corridor of 100 px; each tenth of a share is known one second later."""
    walls = np.ones((3, 102), bool)
    walls[1, 1:101] = False
    grid = GridMap("corridor", walls)
    maps = [MapHistory(walls.shape) for _ in range(2)]
    for time, known in enumerate(shares):
        for history, share in zip(maps, known, strict=True):
            pixels = np.zeros(walls.shape, np.uint8)
            pixels[1, 1 : 1 + round(100 * share)] = FREE
            history.add(float(time), pixels)
    steps = len(shares)
    poses = np.full((steps, 2, 3), 0.0, np.float32)
    poses[..., 0] = np.arange(steps)[:, None] + 1.5
    poses[..., 1] = 1.5
    nowhere = np.full((steps, 2, 2), np.nan, np.float32)
    return ExplorationTrajectory(
        grid=grid,
        times=np.arange(float(steps)),
        poses=poses,
        links=np.zeros((steps, 2, 2), np.float32),
        maps=maps,
        believed=np.full((steps, 2, 2, 2), np.nan, np.float32),
        targets=nowhere,
    )


def test_maps_are_whole_when_the_last_one_is():
    shares = [(0.1, 0.1), (1.0, 0.5), (1.0, 0.98), (1.0, 0.99)]
    assert demo_explore.whole_after(trajectory_of(shares)) == 3.0
    assert demo_explore.whole_after(trajectory_of(shares[:3])) is None


def test_the_figures_of_a_run_that_was_cut_off(tmp_path, capsys):
    pytest.importorskip("rclpy")
    from rich.console import Console

    from pilotfish.cli.fleet_watch import TEAM_RADIO, TEAM_WORLD, FleetStatus

    status = FleetStatus()
    settings = demo_explore.Settings("corridor", 2, "mid", "grid", "nearest", 60.0, 0, tmp_path)
    facts, run = demo_explore.Facts(), Run(tmp_path, status)
    trajectory = trajectory_of([(0.1, 0.1), (0.5, 0.4)])
    demo_explore._print_figures(Console(), demo_explore._figures(settings, trajectory, run, facts))
    assert "not in this time" in capsys.readouterr().out
    status.statuses = {
        TEAM_WORLD: ("running", {"known_0": "0.5", "known_1": "0.4", "overlaps": "1"}),
        TEAM_RADIO: ("relaying", {"connected_share": "0.25", "sent_bytes_per_minute_1": "2000"}),
        "robot_0: explorer": ("exploring", {"decision_p50_ms": "1.0", "decision_p99_ms": "4"}),
    }
    facts.hear(run, 2)
    row = demo_explore._figures(settings, trajectory, run, facts)
    assert (row["known"], row["known_0"], row["overlaps"], row["whole_after"]) == (0.4, 0.5, 1, None)
    assert (row["bytes_per_minute"], row["bytes_per_minute_1"]) == (1000, 2000)
    assert row["path_length"] == pytest.approx(1.0) and row["decision_p99_ms"] == 4.0
    demo_explore._print_figures(Console(), row)
    assert "2,000" in capsys.readouterr().out

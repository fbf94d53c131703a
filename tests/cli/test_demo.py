import json
import os
import signal
import subprocess
import sys
import time

import imageio.v3 as imageio
import pytest
from PIL import Image
from rich.console import Console

from pilotfish.cli import demo_parts as demo
from pilotfish.cli.main import main
from pilotfish.ros_nodes.launcher import Launcher
from pilotfish.ros_nodes.plan import NodeSpec
from pilotfish.worlds.render.recording import load_recording


def start_demo(out, seconds) -> subprocess.Popen:
    words = ["--robots", "4", "--seconds", str(seconds), "--policy", "planner_pibt", "--out", str(out)]
    code = "from pilotfish.cli.main import main; main()"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("ROS_DOMAIN_ID", None)  # it finds one of its own
    return subprocess.Popen(
        [sys.executable, "-c", code, "demo", "crossing", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def check_results(out, said: str) -> dict:
    row = json.loads((out / "summary.json").read_text())["rows"][0]
    assert row["robots"] == 4 and row["map"] == "crossing" and row["n"] == 1
    assert row["overlaps"] == 0 and not row["trouble"], said
    for name in ("fleet.mp4", "fleet_3d.mp4", "fleet.gif", "fleet.png", "summary.json"):
        assert str(out / name) in said.replace("\n", "")
    assert f"{out}/recording/recording.mcap" in said.replace("\n", "")
    assert imageio.improps(out / "fleet.mp4").shape[0] >= 25
    assert Image.open(out / "fleet.gif").n_frames >= 10
    return row


@pytest.mark.system
def test_a_small_demo_delivers_and_leaves_all_its_files(tmp_path):
    process = start_demo(tmp_path / "results", seconds=8)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    row = check_results(tmp_path / "results", said)
    assert row["goals"] > 0 and row["throughput"] == pytest.approx(
        row["goals"] / row["simulated_seconds"], 1e-2
    )
    trajectory = load_recording(tmp_path / "results" / "recording")
    assert trajectory.n_robots == 4 and trajectory.grid.walls.any()


@pytest.mark.system
def test_ctrl_c_keeps_what_there_is(tmp_path):
    out = tmp_path / "results"
    process = start_demo(out, seconds=600)
    deadline = time.monotonic() + 100
    while not ((out / "nodes.log").exists() and "leads robots" in (out / "nodes.log").read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(6.0)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=100)
    row = check_results(out, said)
    assert 0 < row["simulated_seconds"] < 60


def test_a_node_that_dies_is_named_with_its_last_words(tmp_path, capsys):
    specs = [NodeSpec("no_such_node", "broken")]
    run = demo.Run(tmp_path / "fleet.mcap", status=None)
    with Launcher(specs, output=lambda name, line: None) as system:
        system.wait(20.0)
        for _ in range(2):
            demo.report_deaths(run, system, Console())
    said = capsys.readouterr().out
    assert said.count("broken ended") == 1 and "no_such_node" in said
    assert run.trouble == ["broken ended; its last lines:"]


def test_a_domain_in_use_is_passed_over():
    pytest.importorskip("rclpy")
    import rclpy

    domain = demo.free_domain(first=7)
    context = rclpy.Context()
    context.init(args=[], domain_id=domain)
    try:
        node = rclpy.create_node("occupant", context=context)
        assert demo.free_domain(first=domain - 1) != domain
        node.destroy_node()
    finally:
        context.try_shutdown()
    assert 1 <= demo.free_domain(first=12345) <= 100


def test_without_ros_the_install_group_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(SystemExit) as end:
        main(["demo", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert "pilotfish[ros]" in capsys.readouterr().err


def test_status_sums_up_what_the_nodes_say():
    pytest.importorskip("rclpy")
    from pilotfish.cli.fleet_watch import WORLD, FleetStatus

    status = FleetStatus()
    assert (status.goals, status.led, status.overlaps) == (0, 0, None)
    assert set(status.latency_ms().values()) == {None}
    status.statuses = {
        WORLD: ("running", {"overlaps": "3"}),
        "robot_0: follower": (
            "driving",
            {"goals_reached": "2", "decision_p50_ms": "1.0", "decision_p99_ms": "4"},
        ),
        "robot_1: follower": (
            "no goal",
            {"goals_reached": "5", "decision_p50_ms": "2.0", "decision_p99_ms": "9"},
        ),
        "robot_2: follower": ("no goal", {"goals_reached": "0"}),
    }
    assert (status.goals, status.led, status.overlaps) == (7, 2, 3)
    assert list(status.latency_ms().values()) == [1.5, 6.5, 9.0]


def test_only_a_recording_is_replaced(tmp_path):
    folder = tmp_path / "recording"
    demo.remove_recording(folder)  # nothing is in the way
    folder.mkdir()
    (folder / "voice.wav").write_bytes(b"dear to somebody")
    with pytest.raises(ValueError, match=r"recording is in the way.*another --out"):
        demo.remove_recording(folder)
    assert (folder / "voice.wav").exists()
    (folder / "metadata.yaml").write_text("rosbag2_bagfile_information:")
    demo.remove_recording(folder)
    assert not folder.exists()

"""A node that cannot do its work says why, and ends with an exit code that is not 0."""

import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

MAP = "gen:random?size=8&density=0&seed=0"


def failed_start(executable: str, **parameters: object) -> str:
    """What a node's process printed, after it has ended with an error."""
    words = [sys.executable, "-m", f"pilotfish.ros_nodes.{executable}", "--ros-args"]
    for name, value in parameters.items():
        words += ["-p", f"{name}:={value}"]
    process = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert process.returncode == 1, process.stderr
    return process.stderr


@pytest.mark.parametrize("executable", ["follower_node", "follower_host"])
def test_a_follower_without_its_policy(executable):
    printed = failed_start(executable, world=MAP, policy="no_such_policy")
    assert "cannot be configured: no fleet policy 'no_such_policy': choose one of" in printed
    assert "No transition matching" not in printed


def test_a_robot_too_large_for_the_map():
    assert "does not fit in cells of 1.0 m" in failed_start("follower_host", world=MAP, margin=0.3)


@pytest.mark.parametrize("executable", ["fleet_sim_node", "task_node"])
def test_a_map_that_does_not_exist(executable):
    printed = failed_start(executable, world="nowhere")
    assert "nowhere: no such file or folder" in printed.splitlines()[-1]


def test_a_recording_that_exists(tmp_path):
    assert "exists already" in failed_start("recorder_node", path=tmp_path).splitlines()[-1]

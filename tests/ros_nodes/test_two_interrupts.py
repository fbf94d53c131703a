"""Ctrl-C reaches a node twice where both the terminal and a launcher send it; its recording gets whole."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("rclpy")

pytestmark = pytest.mark.system


def test_a_recording_is_complete_after_two_interrupts(tmp_path):
    path = tmp_path / "bag"
    command = [sys.executable, "-m", "pilotfish.ros_nodes.recorder_node", "--ros-args", "-p", f"path:={path}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "records to" in line:
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        for _ in range(20):
            time.sleep(0.005)
            process.send_signal(signal.SIGINT)
        process.wait(10.0)
    assert (path / "metadata.yaml").is_file()

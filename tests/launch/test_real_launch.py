"""The launch files under the real ``ros2 launch``, watched on their topics."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pilotfish.ros_nodes.plan import share_file

pytestmark = pytest.mark.system

BIN = Path(sys.executable).parent
SECONDS = 90


def ros2_launch() -> list[str] | None:
    """``ros2 launch`` of this environment or of a sourced ROS, run by this Python, which knows pilotfish."""
    script = shutil.which("ros2", path=os.pathsep.join([str(BIN), os.environ.get("PATH", "")]))
    if script is None:
        return None
    command = [sys.executable, script, "launch"]
    works = subprocess.run([*command, "--help"], capture_output=True).returncode == 0
    return command if works else None


@pytest.fixture
def ament_prefix(tmp_path):
    """What a colcon build leaves, as far as ``ros2 launch`` looks at it."""
    index = tmp_path / "share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    (index / "pilotfish").touch()
    share = tmp_path / "share/pilotfish"
    share.mkdir(parents=True)
    shutil.copytree(share_file("launch/fleet.launch.py").parent, share / "launch")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/pilotfish").symlink_to(BIN, target_is_directory=True)
    return tmp_path


def watch(seconds: float, goals: int) -> dict[str, int]:
    """Last values of ``goals_reached`` and ``overlaps``, as soon as enough goals were reached."""
    import rclpy
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from std_msgs.msg import Int64

    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    seen = {"goals_reached": 0, "overlaps": -1}
    with rclpy.init():
        node = rclpy.create_node("watcher")
        for topic in seen:
            node.create_subscription(Int64, topic, lambda m, t=topic: seen.update({t: m.data}), latched)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (seen["goals_reached"] < goals or seen["overlaps"] < 0):
            rclpy.spin_once(node, timeout_sec=0.2)
        node.destroy_node()
    return seen


def watch_status(name: str, figure: str, enough: float, seconds: float) -> dict[str, float]:
    """A node's last numbers on /diagnostics, as soon as one of them is large enough."""
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray

    seen = {figure: 0.0}

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == name:
                for pair in status.values:
                    with contextlib.suppress(ValueError):
                        seen[pair.key] = float(pair.value)

    with rclpy.init():
        node = rclpy.create_node("watcher")
        node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 50)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and seen[figure] < enough:
            rclpy.spin_once(node, timeout_sec=0.2)
        node.destroy_node()
    return seen


@pytest.fixture
def launched(ament_prefix, tmp_path, monkeypatch):
    """``launched(words, watch)``: what ``watch()`` saw, the launch's exit code and what it said."""
    command = ros2_launch()
    if command is None:
        pytest.skip("no `ros2 launch` here: install ROS 2 (apt), source it, and run `make test-launch`")
    # A domain of its own: what another system does must not count.
    monkeypatch.setenv("ROS_DOMAIN_ID", str(40 + os.getpid() % 60))
    prefixes = [str(ament_prefix), os.environ.get("AMENT_PREFIX_PATH", "")]
    env = {**os.environ, "AMENT_PREFIX_PATH": os.pathsep.join(filter(None, prefixes))}
    log = tmp_path / "launch.log"

    def run(words, watch):
        with log.open("w") as output:
            launch = subprocess.Popen(
                [*command, "pilotfish", *words],
                env=env,
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                seen = watch()
                os.killpg(launch.pid, signal.SIGINT)
                code = launch.wait(timeout=20)
            finally:
                if launch.poll() is None:
                    os.killpg(launch.pid, signal.SIGKILL)
        return seen, code, log.read_text()

    return run


def test_robots_reach_goals_under_ros2_launch(launched):
    words = ["fleet.launch.py", "world:=random", "robots:=8", "policy:=planner_pibt"]
    seen, code, said = launched(words, lambda: watch(SECONDS, goals=3))
    assert seen["goals_reached"] >= 3, f"{seen} after {SECONDS} s; the launch said:\n{said}"
    assert seen["overlaps"] == 0
    assert code == 0, said


def test_a_team_explores_under_ros2_launch(launched):
    words = ["explore.launch.py", "world:=gen:offices?size=80x120&seed=1", "robots:=3", "radio:=mid"]
    seen, code, said = launched(words, lambda: watch_status("explore_sim: world", "known", 0.99, SECONDS))
    assert seen["known"] >= 0.99, f"{seen} after {SECONDS} s; the launch said:\n{said}"
    assert seen["overlaps"] == 0
    assert code == 0, said


def test_an_arm_is_led_under_ros2_launch(launched):
    pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")
    words = ["manipulate.launch.py", "task:=push", "policy:=dsrl", "real_time_factor:=2"]
    seen, code, said = launched(
        words, lambda: watch_status("manipulation_sim: arm", "episodes_ended", 4, SECONDS)
    )
    assert seen["episodes_ended"] >= 4, f"{seen} after {SECONDS} s; the launch said:\n{said}"
    assert seen["episodes_succeeded"] >= 2
    assert seen["rejected"] == 0
    assert code == 0, said

"""One follower process in a hand-made world: it stops when inputs go stale, and shrugs off garbage."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("rclpy")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import UInt8MultiArray

from pilotfish.ros_nodes.common import LATCHED, SENSOR, STREAM
from pilotfish.ros_nodes.conversions.fleet import bytes_to_message, sightings_to_message
from pilotfish.ros_nodes.conversions.geometry import odometry, pose_stamped
from pilotfish.ros_nodes.conversions.maps import occupancy_grid
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:random?size=8&density=0&seed=0")
CORNER, FAR = int(GRID.free_cells[0]), int(GRID.free_cells[-1])


class Stand:
    """Plays the world for robot 0, which stands where it is put."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        self.context.init(args=[])
        self.node = rclpy.create_node("stand", context=self.context)
        self.executor = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.odometry = self.node.create_publisher(Odometry, "/robot_0/odom", SENSOR)
        self.seen = self.node.create_publisher(PointCloud2, "/robot_0/seen", SENSOR)
        self.inbox = self.node.create_publisher(UInt8MultiArray, "/robot_0/inbox", STREAM)
        self.goal = self.node.create_publisher(PoseStamped, "/robot_0/goal_pose", LATCHED)
        self.map = self.node.create_publisher(OccupancyGrid, "/map", LATCHED)
        self.commands: list[TwistStamped] = []
        self.status: tuple[str, dict[str, str]] = ("", {})
        self.node.create_subscription(TwistStamped, "/robot_0/cmd_vel", self.commands.append, SENSOR)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        now = time.time()
        self.map.publish(occupancy_grid(GRID, now))
        x, y = GRID.cell_centre(FAR).tolist()
        self.goal.publish(pose_stamped(x, y, now))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.status = (status.message, {pair.key: pair.value for pair in status.values})

    def live(self, seconds: float, poses: bool = True, until=lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            if poses:
                now = time.time()
                x, y = GRID.cell_centre(CORNER).tolist()
                self.odometry.publish(odometry((x, y, 0.0), (0.0, 0.0), "robot_0", now))
                self.seen.publish(sightings_to_message({}, now))
            self.executor.spin_once(timeout_sec=0.03)

    def moves(self) -> bool:
        """Whether the last command is one to move."""
        twist = self.commands[-1].twist if self.commands else None
        return twist is not None and (twist.linear.x > 0.01 or abs(twist.angular.z) > 0.01)

    def close(self) -> None:
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def stand():
    stand = Stand()
    parameters = {"robot": 0, "policy": "follow", "lease": 1.0, "dead_after": 5.0}
    words = ["-r", "__ns:=/robot_0"]
    for name, value in parameters.items():
        words += ["-p", f"{name}:={value}"]
    command = [sys.executable, "-m", "pilotfish.ros_nodes.follower_node", "--ros-args", *words]
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    yield stand
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(10.0) == 0
        stand.live(0.3, poses=False)
        assert not stand.moves(), "its last word is a stop"
    finally:
        process.kill()
        stand.close()


def test_it_drives_stops_when_poses_go_stale_and_shrugs_off_garbage(stand):
    stand.live(30.0, until=stand.moves)
    assert stand.moves(), f"no motion; {stand.status}"

    stand.live(2.0, poses=False)
    assert not stand.moves()
    stand.live(3.0, poses=False, until=lambda: "too old" in stand.status[0])
    assert "too old" in stand.status[0]

    for garbage in (b"", b"\x00", os.urandom(200), b"\x05\x00hello", b"\xff" * 1000):
        stand.inbox.publish(bytes_to_message(garbage))
    stand.live(15.0, until=lambda: stand.moves() and int(stand.status[1].get("bad_messages", 0)) >= 3)
    assert stand.moves()
    assert int(stand.status[1]["bad_messages"]) >= 3

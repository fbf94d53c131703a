"""One explorer process in a hand-made world: a signal that ends it stops the robot first."""

import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import LaserScan

from pilotfish.ros_nodes.common import SENSOR
from pilotfish.ros_nodes.conversions.geometry import odometry, to_time


def room(now: float) -> LaserScan:
    """Walls 4 m to each side, and a door behind."""
    increment = 2 * math.pi / 360
    angles = -math.pi + increment * np.arange(360)
    ranges = 4.0 / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    ranges[170:190] = math.inf
    message = LaserScan(angle_min=-math.pi, angle_increment=increment, range_min=0.02, range_max=8.0)
    message.angle_max = math.pi - increment
    message.header.stamp = to_time(now)
    message.ranges = ranges.astype(np.float32).tolist()
    return message


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_ended_stops_its_robot_and_keeps_its_map(how, tmp_path):
    context = rclpy.Context()
    context.init(args=[])
    node = rclpy.create_node("stand", context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    poses = node.create_publisher(Odometry, "/robot_0/odom", SENSOR)
    scans = node.create_publisher(LaserScan, "/robot_0/scan", SENSOR)
    speeds: list[float] = []
    keep = lambda m: speeds.append(abs(m.twist.linear.x) + abs(m.twist.angular.z))  # noqa: E731
    node.create_subscription(TwistStamped, "/robot_0/cmd_vel", keep, SENSOR)
    given = {"policy": "nearest", "state_file": tmp_path / "{robot}.npz", "save_period": 1000.0}
    given |= {"map_origin": "[-10.0, -10.0]", "map_size": "[20.0, 20.0]"}
    words = [
        "-r",
        "__ns:=/robot_0",
        *(w for name, value in given.items() for w in ("-p", f"{name}:={value}")),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "pilotfish.ros_nodes.explorer_node", "--ros-args", *words]
    )
    try:
        end = time.monotonic() + 40.0
        while time.monotonic() < end and not (speeds and speeds[-1] > 0.3):
            poses.publish(odometry((0.0, 0.0, 0.0), (0.0, 0.0), "robot_0", time.time()))
            scans.publish(room(time.time()))
            executor.spin_once(timeout_sec=0.03)
        assert speeds[-1] > 0.3
        process.send_signal(how)
        assert process.wait(10.0) == 0
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
        assert speeds[-1] == 0.0
        with np.load(tmp_path / "0.npz") as kept:
            assert kept["pixels"].any()
    finally:
        process.kill()
        node.destroy_node()
        context.try_shutdown()

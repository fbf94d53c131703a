"""Recording of topics that are given by name."""

import time

import pytest

pytest.importorskip("rclpy")

import rclpy
from std_msgs.msg import Int64

from pilotfish.ros_nodes.common import LATCHED
from pilotfish.ros_nodes.recorder_node import RecorderNode


def test_what_was_latched_before_the_recording_began_is_in_it(make_node, tmp_path):
    context = rclpy.Context()
    context.init(args=[])
    other = rclpy.create_node("other", context=context)
    try:
        other.create_publisher(Int64, "recorder_test/latched", LATCHED).publish(Int64(data=7))
        topics = '["recorder_test/latched"]'
        recorder = make_node(RecorderNode, path=tmp_path / "bag", topics=topics, rate=0.1)
        deadline = time.monotonic() + 10.0
        while not recorder.written and time.monotonic() < deadline:
            rclpy.spin_once(recorder, timeout_sec=0.1)
        assert recorder.written == 1
    finally:
        other.destroy_node()
        context.try_shutdown()

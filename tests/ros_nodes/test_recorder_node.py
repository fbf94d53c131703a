"""Recording of topics that are given by name."""

import time
from types import SimpleNamespace

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


def test_maps_are_thinned_out_and_the_last_one_is_kept(make_node, tmp_path, monkeypatch):
    recorder = make_node(RecorderNode, path=tmp_path / "bag", system="explore", robots=1)
    stored = []
    monkeypatch.setattr(recorder._writer, "write", lambda connection, now, data: stored.append(data))
    now = [0]
    monkeypatch.setattr(
        recorder, "get_clock", lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=now[0]))
    )
    (store,) = [sub.callback for sub in recorder.subscriptions if sub.topic_name == "/robot_0/map"]
    for second in (10.0, 10.5, 11.0):
        now[0] = int(second * 1e9)
        store(str(second).encode())
        recorder._write_late()
    assert stored == [b"10.0"]
    now[0] = int(12.1e9)
    recorder._write_late()
    assert stored == [b"10.0", b"11.0"], "the newest of those that came too early"
    store(b"12.2")
    recorder.destroy_node()
    monkeypatch.setattr(recorder, "destroy_node", lambda: None)
    assert stored[-1] == b"12.2"


def test_an_unknown_system_is_refused(make_node, tmp_path):
    with pytest.raises(ValueError, match="'flock': there are fleet, explore"):
        make_node(RecorderNode, path=tmp_path / "bag", system="flock")

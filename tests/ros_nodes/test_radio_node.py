"""The radio's callbacks, without traffic."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from pilotfish.policies.coordination.wire import MAX_FRAME, unbundle
from pilotfish.ros_nodes.conversions.fleet import bytes_from_message, bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import pose_array
from pilotfish.ros_nodes.radio_node import RadioNode


def test_a_message_too_long_for_a_bundle_is_dropped_and_the_others_go_on(make_node):
    radio = make_node(RadioNode, robots=2)
    sent = []
    radio._inboxes[1].publish = sent.append
    radio._on_poses(pose_array(np.array([[0.5, 0.5, 0.0], [1.5, 0.5, 0.0]]), 1.0))
    for data in (bytes(MAX_FRAME + 1), b"ok", bytes(MAX_FRAME)):
        radio._on_claims(0, bytes_to_message(data))
    while radio.relayed < 2:
        radio._relay()
    frames = [frame for message in sent for frame in unbundle(bytes_from_message(message))]
    assert sorted(map(len, frames)) == [2, MAX_FRAME]

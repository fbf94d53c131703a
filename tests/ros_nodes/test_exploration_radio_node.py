"""The explorers' radio, without traffic."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from std_srvs.srv import SetBool

from pilotfish.policies.coordination.wire import MAX_FRAME, unbundle
from pilotfish.ros_nodes.conversions.fleet import bytes_from_message, bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import pose_array
from pilotfish.ros_nodes.exploration_radio_node import ExplorationRadioNode, _windows

WORLD = "gen:offices?size=160x200&seed=3"
NEAR = np.array([[11.0, 12.0, 0.0], [11.6, 12.6, 0.0]])
"""In one room."""
FAR = np.array([[1.0, 1.0, 0.0], [19.0, 15.0, 0.0]])
"""In opposite corners of the building, many walls between them."""


@pytest.fixture
def radio(make_node):
    node = make_node(ExplorationRadioNode, world=f'"{WORLD}"', robots=2, radio="mid")
    node.inboxes = [[], []]
    for publisher, box in zip(node._inboxes, node.inboxes, strict=True):
        publisher.publish = lambda m, box=box: box.extend(unbundle(bytes_from_message(m)))
    return node


def say(radio, sender: int, data: bytes) -> list[list[bytes]]:
    radio._on_outbox(sender, bytes_to_message(data))
    radio._relay()
    heard = [list(box) for box in radio.inboxes]
    for box in radio.inboxes:
        box.clear()
    return heard


def test_only_linked_robots_hear_each_other(radio):
    assert say(radio, 0, b"nobody") == [[], []], "no poses yet"
    radio._on_poses(pose_array(NEAR, 1.0))
    assert say(radio, 0, b"hello") == [[], [b"hello"]]
    radio._on_poses(pose_array(FAR, 2.0))
    assert say(radio, 1, b"hello") == [[], []]


def test_the_radio_can_be_cut(radio):
    radio._on_poses(pose_array(NEAR, 1.0))
    assert radio._on_cut(SetBool.Request(data=True), SetBool.Response()).success
    radio._on_poses(pose_array(NEAR, 1.1))
    assert say(radio, 0, b"hello") == [[], []]
    assert radio._status()[1] == "cut" and radio._status()[2]["components"] == 2
    radio._on_cut(SetBool.Request(data=False), SetBool.Response())
    radio._on_poses(pose_array(NEAR, 1.2))
    assert say(radio, 0, b"hello") == [[], [b"hello"]]


def test_windows_cut_it_by_the_clock(make_node, monkeypatch):
    node = make_node(ExplorationRadioNode, world=f'"{WORLD}"', robots=2, radio="full", cut="[2.0, 4.0]")
    linked = []
    for now in (100.0, 101.9, 102.0, 103.9, 104.0):
        monkeypatch.setattr("pilotfish.ros_nodes.exploration_radio_node.seconds_now", lambda _, now=now: now)
        node._on_poses(pose_array(FAR, now))
        linked.append(bool(node.margins[0, 1] > 0))
    assert linked == [True, True, False, False, True]


def test_wrong_windows_are_named():
    assert _windows([0.0]) == [] and _windows([1.0, 2.0, 5.0, 6.0]) == [(1.0, 2.0), (5.0, 6.0)]
    for times in ([1.0, 2.0, 3.0], [3.0, 1.0]):
        with pytest.raises(ValueError, match="from, until"):
            _windows(times)


def test_a_smaller_scale_reaches_further(make_node):
    node = make_node(ExplorationRadioNode, world=f'"{WORLD}"', robots=2, radio="closed", range_scale=0.5)
    node._on_poses(pose_array(FAR, 1.0))
    assert node.margins[0, 1] > 0


def test_what_is_too_long_is_dropped_and_bytes_are_counted(radio, monkeypatch):
    radio._on_poses(pose_array(NEAR, 1.0))
    now = [0.0]
    monkeypatch.setattr("pilotfish.ros_nodes.exploration_radio_node.seconds_now", lambda _: now[0])
    radio._status()
    assert say(radio, 0, bytes(MAX_FRAME + 1)) == [[], []]
    assert say(radio, 0, bytes(600)) == [[], [bytes(600)]]
    now[0] = 30.0
    values = radio._status()[2]
    assert values["sent_bytes_per_minute_0"] == 1200 and values["relayed_bytes_per_minute_0"] == 1200
    assert values["relayed_bytes_per_minute_1"] == 0 and values["links"] == 1


def test_links_go_out_as_a_matrix_and_as_lines(radio):
    sent = {}
    radio._links.publish = lambda m: sent.update(links=m)
    radio._markers.publish = lambda m: sent.update(markers=m)
    radio._publish_links()
    assert not sent
    radio._on_poses(pose_array(NEAR, 1.0))
    radio._publish_links()
    np.testing.assert_allclose(np.array(sent["links"].data).reshape(2, 2), radio.margins, rtol=1e-6)
    lines, balls = sent["markers"].markers
    assert len(lines.points) == len(lines.colors) == 2 and len(balls.points) == 2


def test_a_scale_that_is_none_is_refused(make_node):
    with pytest.raises(ValueError, match="range_scale must be positive, got 0.0"):
        make_node(ExplorationRadioNode, world=f'"{WORLD}"', robots=2, range_scale=0.0)

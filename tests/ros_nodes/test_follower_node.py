"""The life cycle of a follower node, in this process."""

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.ros_nodes.conversions.fleet import sightings_to_message
from pilotfish.ros_nodes.conversions.geometry import odometry, pose_stamped
from pilotfish.ros_nodes.follower_node import FollowerNode
from pilotfish.worlds.maps.load import load_map

GRAPH = CellGraph(load_map("gen:random?size=8&density=0&seed=0"))


@pytest.fixture
def make():
    context = rclpy.Context()
    context.init(args=[])
    nodes = []

    def follower(policy: str) -> FollowerNode:
        overrides = [Parameter("policy", value=policy)]
        nodes.append(
            FollowerNode(
                graph=GRAPH, hosted=True, context=context, namespace="/robot_0", parameter_overrides=overrides
            )
        )
        return nodes[-1]

    yield follower
    for node in nodes:
        node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize("end", ["trigger_deactivate", "trigger_shutdown"])
def test_it_stops_driving_when_it_is_deactivated_or_shut_down(make, end):
    node = make("follow")
    node.start()
    assert node.status()[1] != "inactive"
    assert getattr(node, end)() == TransitionCallbackReturn.SUCCESS
    assert node.status()[1] == "inactive"


def test_a_failed_configuration_may_be_tried_again(make):
    node = make("no_such_policy")
    with pytest.raises(RuntimeError, match="robot_0 cannot start: no fleet policy 'no_such_policy'"):
        node.start()
    node.set_parameters([Parameter("policy", value="follow")])
    node.start()
    assert node.status()[1] != "inactive"


@pytest.mark.parametrize(("frame", "taken"), [("", True), ("map", True), ("robot_0/odom", False)])
def test_a_goal_is_taken_in_the_map_frame_only(make, frame, taken):
    node = make("follow")
    node.start()
    cell = int(GRAPH.grid.free_cells[5])
    goal = pose_stamped(*GRAPH.centre(cell), 1.0)
    goal.header.frame_id = frame
    node._on_goal(goal)
    assert node.agent.goal == (cell if taken else None)


def test_poses_from_the_future_are_counted_as_bad_messages(make):
    node = make("follow")
    node.start()
    ahead = node.clock() + 60.0
    node._on_odometry(odometry((0.5, 0.5, 0.0), (0.0, 0.0), "robot_0", ahead))
    node._on_seen(sightings_to_message({}, ahead))
    assert node.status()[2]["bad_messages"] == 2
    assert node.agent.pose is None

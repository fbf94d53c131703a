"""The life cycle of a follower node, in this process."""

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from pilotfish.policies.coordination.cells import CellGraph
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

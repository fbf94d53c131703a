"""The simulator's callbacks, without traffic."""

import pytest

pytest.importorskip("rclpy")

from pilotfish.hardware.limits import Velocity
from pilotfish.ros_nodes.conversions.geometry import velocity_to_message
from pilotfish.ros_nodes.fleet_sim_node import FleetSimNode

WORLD = "gen:random?size=8&density=0&seed=0"


def test_a_command_without_a_stamp_moves_the_robot_and_does_not_stall_the_world(make_node):
    world = make_node(FleetSimNode, world=f'"{WORLD}"', robots=1)
    before = world.poses[0, 2]
    for _ in range(5):
        world._on_command(0, velocity_to_message(Velocity(0.0, 1.0), "robot_0", 0.0))
        assert world._robots_keep_up()
        world.step()
    assert world.poses[0, 2] != pytest.approx(before)

"""The simulator of explorers, without traffic."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from pilotfish.hardware.limits import Velocity
from pilotfish.ros_nodes.conversions.geometry import velocity_to_message
from pilotfish.ros_nodes.conversions.maps import occupancy_grid
from pilotfish.ros_nodes.explore_sim_node import ExploreSimNode
from pilotfish.worlds.maps.load import load_map

WORLD = "gen:offices?size=80x100&seed=1"


def world_of(make_node, **parameters):
    return make_node(ExploreSimNode, **({"world": f'"{WORLD}"', "robots": 2} | parameters))


def test_scans_are_of_the_robots_surroundings_and_come_at_their_rate(make_node):
    world = world_of(make_node, range_noise=0.0)
    scans = []
    for publisher in world._scans:
        publisher.publish = scans.append
    for _ in range(4):
        world.step()
    assert len(scans) == 4, "two robots, every second tick"
    scan = scans[-1]
    assert scan.header.frame_id == "robot_1/base_link"
    assert len(scan.ranges) == 360 and scan.angle_max == pytest.approx(np.pi - scan.angle_increment)
    np.testing.assert_allclose(scan.ranges, world.world.scan()[1])
    assert min(scan.ranges) >= world.spec.radius


def test_maps_are_measured_against_the_truth(make_node):
    world = world_of(make_node)
    message = occupancy_grid(load_map(WORLD), 1.0)
    world._on_map(1, message)
    assert world.known.tolist() == [0.0, 1.0]
    message.info.width += 1  # garbage changes nothing
    world._on_map(1, message)
    values = world._status()[2]
    assert values["known_0"] == 0.0 and values["known_1"] == 1.0 and values["known"] == 0.0


def test_a_robot_at_a_wall_stays_in_front_of_it_and_counts(make_node):
    world = world_of(make_node, robots=1)
    for _ in range(400):
        world._on_command(0, velocity_to_message(Velocity(1.0, 0.0), "robot_0", world.now))
        world.step()
    assert world.world.overlaps() == 1
    assert world.world.scan().min() > 0.8 * world.spec.radius
    assert 0 < world.figures()["longest_way"] < 20


def test_robots_start_where_they_are_told(make_node):
    grid = load_map(WORLD)
    x, y = grid.cell_centre(int(grid.starts[0])).tolist()
    world = world_of(make_node, robots=1, first=3, starts=f"[{x}, {y}]")
    assert world.poses[0, :2].tolist() == pytest.approx([x, y])
    assert world.names == ["robot_3"] and "known_3" in world.figures()


def test_wrong_starts_are_named(make_node):
    with pytest.raises(ValueError, match="x, y of 2 robots, got 3 numbers"):
        world_of(make_node, starts="[1.0, 2.0, 3.0]")


def test_on_the_wall_clock_stamps_are_the_time_of_day_however_late_a_tick_is(make_node, monkeypatch):
    world = world_of(make_node, wall_clock=True)
    late = world.now + 30.0
    monkeypatch.setattr("pilotfish.ros_nodes.simulator.time.time", lambda: late)
    world.step()
    world.step()
    assert late <= world.now < late + 0.01

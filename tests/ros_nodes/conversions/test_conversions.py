import math
from array import array

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import Pose as PoseMessage

from pilotfish.hardware.limits import Velocity
from pilotfish.ros_nodes.conversions import fleet, geometry, maps
from pilotfish.worlds.maps.grid_map import GridMap


@pytest.mark.parametrize("seconds", [0.0, 1.25, 1.7e9 + 0.123456, 3.999999999])
def test_time(seconds):
    assert geometry.to_seconds(geometry.to_time(seconds)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("yaw", [-3.1, -1.0, 0.0, 0.7, 3.1])
def test_pose(yaw):
    pose = geometry.pose_from_message(geometry.pose_to_message(1.5, -2.0, yaw))
    assert (pose.x, pose.y, pose.yaw) == pytest.approx((1.5, -2.0, yaw))


def test_a_pose_without_rotation_has_no_yaw():
    empty = PoseMessage()
    empty.orientation.w = 0.0
    assert math.isnan(geometry.pose_from_message(empty).yaw)


def test_velocity_and_odometry():
    message = geometry.velocity_to_message(Velocity(0.5, -1.0), "robot_3", 12.5)
    assert message.header.frame_id == "robot_3/base_link"
    assert geometry.velocity_from_message(message) == Velocity(0.5, -1.0)
    odometry = geometry.odometry((1.0, 2.0, 0.5), (0.4, 0.1), "robot_3", 12.5)
    assert geometry.pose_from_message(odometry.pose.pose).yaw == pytest.approx(0.5)
    assert (odometry.twist.twist.linear.x, odometry.twist.twist.angular.z) == (0.4, 0.1)


def test_pose_array():
    poses = np.array([[1.0, 2.0, 0.3], [4.0, 5.0, -0.6]])
    message = geometry.pose_array(poses, 1.0)
    assert geometry.positions_from_pose_array(message) == pytest.approx(poses[:, :2])


def test_map_keeps_walls_resolution_and_origin():
    walls = np.random.default_rng(0).random((5, 8)) < 0.3
    grid = GridMap("m", walls, resolution=0.05, origin=(-1.0, 2.0))
    message = maps.occupancy_grid(grid, 3.0)
    assert message.data[0] == (100 if walls[-1, 0] else 0)  # the bottom row comes first
    again = maps.grid_from_occupancy(message)
    assert np.array_equal(again.walls, walls)
    assert (again.resolution, again.origin) == (0.05, (-1.0, 2.0))


def test_unknown_cells_are_walls_and_a_wrong_size_is_refused():
    message = maps.occupancy_grid(GridMap("m", np.zeros((2, 2), dtype=bool)), 0.0)
    message.data = array("b", [0, -1, 49, 50])
    assert maps.grid_from_occupancy(message).walls.tolist() == [[False, True], [False, True]]
    message.data = array("b", [0, 0, 0])
    with pytest.raises(ValueError, match="2x2 cells holds 3"):
        maps.grid_from_occupancy(message)


@pytest.mark.parametrize("robots", [{}, {7: (1.5, 2.25)}, {3: (0.0, -1.0), 40000: (8.5, 9.0)}])
def test_sightings(robots):
    assert fleet.sightings_from_message(fleet.sightings_to_message(robots, 5.0)) == robots


def test_sightings_that_are_damaged_are_refused():
    good = fleet.sightings_to_message({1: (1.0, 2.0)}, 0.0)
    good.data = good.data[:-1]
    with pytest.raises(ValueError, match="cannot be 15 bytes"):
        fleet.sightings_from_message(good)
    with pytest.raises(ValueError, match="no finite position"):
        fleet.sightings_from_message(fleet.sightings_to_message({1: (math.nan, 0.0)}, 0.0))
    other = fleet.sightings_to_message({}, 0.0)
    other.fields = other.fields[:2]
    with pytest.raises(ValueError, match="sightings need"):
        fleet.sightings_from_message(other)


def test_bytes():
    data = bytes(range(256))
    assert fleet.bytes_from_message(fleet.bytes_to_message(data)) == data

import numpy as np
import pytest

from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.trajectory import FleetTrajectory

HALL = GridMap("hall", np.zeros((4, 5), dtype=bool), resolution=2.0)


def test_cells_become_metres_and_headings():
    cells = np.array([[0], [1], [1], [6]])  # right, wait, down
    trajectory = FleetTrajectory.from_cells(HALL, cells, np.full((4, 1), 6), step_seconds=0.5)
    np.testing.assert_allclose(trajectory.poses[:, 0, :2], [[1, 7], [3, 7], [3, 7], [3, 5]])
    np.testing.assert_allclose(trajectory.poses[:, 0, 2], [0, 0, -np.pi / 2, -np.pi / 2], atol=1e-6)
    assert trajectory.duration == 1.5


def test_poses_in_between_turn_the_short_way_round():
    poses = np.array([[[0, 0, 3.0]], [[2, 4, -3.0]]], dtype=np.float32)
    trajectory = FleetTrajectory(HALL, np.array([10.0, 12.0]), poses, np.zeros((2, 1), dtype=np.int32))
    middle = trajectory.poses_at(np.array([11.0]))[0, 0]
    np.testing.assert_allclose(middle[:2], [1, 2])
    assert abs(middle[2]) == pytest.approx(np.pi, abs=1e-6)
    np.testing.assert_allclose(trajectory.poses_at(np.array([99.0]))[0], poses[1])


def test_deliveries_are_changes_of_goal_but_not_first_goals():
    goals = np.array([[-1, 5], [3, 5], [3, 6], [4, 6], [7, 8]], dtype=np.int32)
    trajectory = FleetTrajectory.from_cells(HALL, np.zeros((5, 2), dtype=int), goals)
    assert trajectory.delivered.tolist() == [0, 0, 1, 2, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": np.zeros((0, 1, 3), np.float32)}, "not empty"),
        ({"times": np.array([1.0, 1.0])}, "rising"),
        ({"goals": np.zeros((2, 3), np.int32)}, r"\(2, 1\)"),
    ],
)
def test_shapes_are_checked(change, message):
    good = {
        "times": np.array([0.0, 1.0]),
        "poses": np.zeros((2, 1, 3), np.float32),
        "goals": np.zeros((2, 1), np.int32),
    }
    with pytest.raises(ValueError, match=message):
        FleetTrajectory(HALL, **{**good, **change})


def test_a_part_goes_on_counting():
    goals = np.array([[1], [2], [3], [4], [5]])
    whole = FleetTrajectory.from_cells(HALL, np.zeros((5, 1), dtype=int), goals)
    middle = whole.between(1.0, 3.0)
    assert middle.times.tolist() == [1, 2, 3] and middle.delivered.tolist() == [1, 2, 3]

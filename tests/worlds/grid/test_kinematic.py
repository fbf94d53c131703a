import numpy as np
import pytest

from pilotfish.worlds.fleet_view import robots_in_view
from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.grid.kinematic import KinematicFleetWorld
from pilotfish.worlds.maps.grid_map import GridMap

GRID = GridMap("open", np.zeros((4, 20), dtype=bool))


def world(*cells: int) -> KinematicFleetWorld:
    return KinematicFleetWorld(GRID, np.array(cells), radius=0.3)


def test_it_is_a_fleet_world_and_starts_on_the_cells():
    poses = world(0, 25).reset(3)
    assert isinstance(world(0), FleetWorld)
    assert poses[:, :2] == pytest.approx(GRID.cell_centre(np.array([0, 25])))
    assert np.array_equal(world(0, 25).reset(3), poses)


def test_motion_is_the_exact_arc():
    robot = world(25)
    x, y, yaw = robot.reset(0)[0]
    quarter = np.pi / 2
    pose = robot.step(np.array([[1.0, quarter]]), 1.0)[0]
    radius = 1.0 / quarter
    expected = (
        x + radius * (np.sin(yaw + quarter) - np.sin(yaw)),
        y + radius * (np.cos(yaw) - np.cos(yaw + quarter)),
    )
    assert pose[:2] == pytest.approx(expected)
    steps = world(25)
    steps.reset(0)
    for _ in range(100):
        small = steps.step(np.array([[1.0, quarter]]), 0.01)[0]
    assert small == pytest.approx(pose)


def drive_into(robots: KinematicFleetWorld, target: int, ticks: int) -> list[int]:
    """Drive robot 0 towards the centre of a cell; the number of overlaps at each tick."""
    poses, counts = robots.reset(0), []
    goal = GRID.cell_centre(target)
    for _ in range(ticks):
        bearing = np.arctan2(*(goal - poses[0, :2])[::-1])
        robots._poses[0, 2] = bearing
        velocity = np.zeros((len(poses), 2))
        velocity[0, 0] = 1.0
        poses = robots.step(velocity, 0.05)
        counts.append(robots.overlaps())
    return counts


def test_an_overlap_counts_once_when_it_begins():
    counts = drive_into(world(22, 24), 27, 60)
    assert counts[0] == 0
    assert counts[-1] == 1


def test_walls_count_too():
    counts = drive_into(world(2), -20 + 2, 40)  # up and out of the map, whose edge is 0.2 m away
    assert counts[2] == 0
    assert counts[-1] == 1


def test_starts_must_be_free_and_different():
    with pytest.raises(ValueError, match="same cell"):
        world(3, 3)
    with pytest.raises(ValueError, match=r"\[80\] are not free"):
        world(80)


def test_view_is_by_cells_and_does_not_hold_oneself():
    poses = world(0, 5, 6, 65).reset(0)
    views = robots_in_view(GRID, poses)
    assert [sorted(view) for view in views] == [[1, 3], [0, 2, 3], [1, 3], [0, 1, 2]]
    assert views[0][1] == pytest.approx(tuple(poses[1, :2]))

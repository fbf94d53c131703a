import numpy as np
import pytest

from pilotfish.worlds.exploration.starts import GAP, team_starts
from pilotfish.worlds.maps.grid_map import GridMap

RADIUS = 0.2


def rooms(starts=None) -> GridMap:
    """Two rooms of 3 m x 3 m with a wall between them, cells of 0.1 m."""
    walls = np.zeros((30, 62), bool)
    walls[:, 30:32] = True
    goals = None if starts is None else np.flatnonzero(~walls).astype(np.int32)
    return GridMap("rooms", walls, starts, goals, resolution=0.1)


@pytest.mark.parametrize("robots", [1, 4, 9])
def test_robots_start_apart_from_each_other_and_from_walls_in_one_room(robots):
    grid = rooms()
    cells = team_starts(grid, robots, RADIUS, seed=3)
    xy = grid.cell_centre(cells)
    assert len(set((xy[:, 0] < 3.0).tolist())) == 1
    gaps = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) + 9 * np.eye(robots)
    assert gaps.min() >= 2 * RADIUS + GAP
    to_wall = np.minimum(np.minimum(xy[:, 1], 3.0 - xy[:, 1]), np.abs(xy[:, 0] - 3.1) - 0.1)
    assert to_wall.min() >= RADIUS


def test_they_start_where_the_map_says():
    blob = np.array([row * 62 + col for row in range(10, 20) for col in range(45, 55)], np.int32)
    xy = rooms(blob).cell_centre(team_starts(rooms(blob), 3, RADIUS))
    assert np.hypot(*(xy.mean(axis=0) - [5.0, 1.5])) < 0.5
    np.testing.assert_array_equal(
        team_starts(rooms(blob), 3, RADIUS, 1), team_starts(rooms(blob), 3, RADIUS, 2)
    )


def test_the_seed_chooses_where_the_map_does_not():
    places = {tuple(team_starts(rooms(), 2, RADIUS, seed).tolist()) for seed in range(5)}
    assert len(places) > 1


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="'rooms': only .* of 60 robots of 0.2 m"):
        team_starts(rooms(), 60, RADIUS)
    with pytest.raises(ValueError, match="no place for a robot"):
        team_starts(GridMap("slit", np.zeros((3, 30), bool), resolution=0.1), 1, RADIUS)
    with pytest.raises(ValueError, match="at least one robot, got 0"):
        team_starts(rooms(), 0, RADIUS)

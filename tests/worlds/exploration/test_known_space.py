import numpy as np
import pytest

from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.worlds.exploration.known_space import KnownSpace, MapSampler, reachable
from pilotfish.worlds.maps.grid_map import GridMap


def test_only_what_can_be_reached_counts():
    walls = np.zeros((4, 7), bool)
    walls[:, 3] = True
    assert reachable(walls, np.array([0, -1])).sum() == 12


@pytest.fixture
def grid() -> GridMap:
    """Two rooms of 4 x 3 cells of 0.5 m."""
    walls = np.zeros((4, 7), bool)
    walls[:, 3] = True
    return GridMap("rooms", walls, resolution=0.5, origin=(1.0, -2.0))


def test_a_map_of_the_same_cells_is_taken_as_it_is(grid):
    cells = np.array([[-1, 0, 49, 100, 0, 0, 0]] + [[0, 0, 0, 100, 0, 0, 0]] * 3, np.int8)
    pixels = MapSampler(grid).pixels(cells, 0.5, (1.0, -2.0))
    assert pixels[3].tolist() == [UNKNOWN, FREE, FREE, OCCUPIED, FREE, FREE, FREE], "row 0 is the bottom"
    assert KnownSpace(grid, np.array([0])).share(cells, 0.5, (1.0, -2.0)) == pytest.approx(11 / 12)


def test_a_finer_larger_shifted_map_is_sampled_in_the_middle_of_cells(grid):
    cells = np.full((40, 60), -1, np.int8)
    # The map's lower left corner is at (0, -3): the rooms begin at its cell (10, 10) of 0.1 m.
    cells[10:20, 10:25] = 0  # the lower two rows of the left room
    share = KnownSpace(grid, np.array([0])).share(cells, 0.1, (0.0, -3.0))
    assert share == pytest.approx(6 / 12)


def test_what_is_no_map_is_refused(grid):
    sampler = MapSampler(grid)
    for cells, resolution, origin in (
        (np.empty((0, 3), np.int8), 0.1, (0.0, 0.0)),
        (np.zeros((2, 2), np.int8), 0.0, (0.0, 0.0)),
        (np.zeros((2, 2), np.int8), 0.1, (np.nan, 0.0)),
    ):
        with pytest.raises(ValueError, match="is none"):
            sampler.pixels(cells, resolution, origin)
    with pytest.raises(ValueError, match=r"starts \[3\]"):
        KnownSpace(grid, np.array([3]))

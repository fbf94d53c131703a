import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.fleet import DOWN, LEFT, RIGHT, STAY, UP
from pilotfish.worlds.maps.grid_map import GridMap

WALLS = np.array([[c == "#" for c in row] for row in ("..#.", ".##.", "....")])
GRAPH = CellGraph(GridMap("small", WALLS, resolution=0.5, origin=(-1.0, 2.0)))


def test_neighbours_and_actions_agree_and_stop_at_walls_and_edges():
    assert GRAPH.neighbours(4) == (0, 8)
    assert [GRAPH.action_target(0, a) for a in (STAY, UP, DOWN, LEFT, RIGHT)] == [0, None, 4, None, 1]
    assert GRAPH.action_target(1, RIGHT) is None


def test_within_goes_around_walls():
    assert GRAPH.within(0, 1) == {0, 1, 4}
    assert 3 not in GRAPH.within(1, 3)


def test_shortest_path():
    assert GRAPH.shortest_path(1, 3) == [1, 0, 4, 8, 9, 10, 11, 7, 3]
    island = CellGraph(GridMap("two", np.array([[False, True, False]])))
    assert island.shortest_path(0, 2) == []


@pytest.mark.parametrize("cell", range(12))
def test_centres_are_those_of_the_map(cell):
    assert GRAPH.centre(cell) == pytest.approx(GRAPH.grid.cell_centre(cell))
    assert GRAPH.cell_at(GRAPH.centre(cell)) == cell


@given(st.floats(-1.2, 1.2), st.floats(1.8, 3.7), st.floats(0.01, 0.9))
def test_touched_cells_are_those_that_sampling_finds(x, y, radius):
    angle = np.linspace(0, 2 * np.pi, 40)
    rings = np.linspace(0, radius * 0.98, 15)
    points = np.stack(
        [x + np.outer(rings, np.cos(angle)).ravel(), y + np.outer(rings, np.sin(angle)).ravel()], axis=-1
    )
    sampled = GRAPH.grid.cell_at(points)
    free = {int(c) for c in sampled if c >= 0 and not WALLS.ravel()[c]}
    assert free <= GRAPH.touched((x, y), radius)

"""Cells and metres of GridMap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.worlds.maps.grid_map import GridMap

METRES = st.floats(-1e3, 1e3)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    resolution=st.floats(0.01, 10),
    origin=st.tuples(METRES, METRES),
    data=st.data(),
)
def test_cell_at_inverts_cell_centre_everywhere_in_the_cell(height, width, resolution, origin, data):
    grid = GridMap("map", np.zeros((height, width), bool), resolution=resolution, origin=origin)
    cells = np.arange(height * width)
    inside = data.draw(st.tuples(st.floats(-0.49, 0.49), st.floats(-0.49, 0.49)))
    np.testing.assert_array_equal(
        grid.cell_at(grid.cell_centre(cells) + np.array(inside) * resolution), cells
    )


@given(x=METRES, y=METRES)
def test_cell_at_is_minus_one_exactly_outside(x, y):
    grid = GridMap("map", np.zeros((3, 5), bool), resolution=0.5, origin=(-1.0, 2.0))
    inside = -1.0 <= x < 1.5 and 2.0 <= y < 3.5
    assert (grid.cell_at(np.array([x, y])) >= 0) == inside


def test_row_0_is_the_top_and_y_grows_upwards():
    grid = GridMap("map", np.zeros((3, 5), bool), resolution=0.5, origin=(-1.0, 2.0))
    assert grid.cell_centre(0).tolist() == [-0.75, 3.25]
    assert grid.cell_centre(np.array([[14]])).tolist() == [[[1.25, 2.25]]]


@pytest.mark.parametrize(
    ("starts", "goals", "message"),
    [
        ([0], None, "both starts and goals, or neither"),
        ([], [1], "starts must be a list of cells that is not empty"),
        ([0], [3, 1], "goals must be row-major"),
        ([0, 0], [1], "starts must be row-major, each cell once"),
        ([2], [1], "starts must be free cells"),
        ([0], [4], "goals must be free cells"),
    ],
)
def test_starts_and_goals_are_checked(starts, goals, message):
    walls = np.array([[False, False], [True, False]])
    cells = [None if part is None else np.array(part, np.int32) for part in (starts, goals)]
    with pytest.raises(ValueError, match=message):
        GridMap("map", walls, *cells)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_what_is_no_place_is_outside(x):
    grid = GridMap("map", np.zeros((3, 5), bool))
    assert grid.cell_at(np.array([[x, 0.5], [0.5, x], [x, -x], [0.5, 0.5]])).tolist() == [-1, -1, -1, 10]

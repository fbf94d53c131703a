"""Pictures show walls, special cells, agents and goals where they are."""

import numpy as np
import pytest

from pilotfish.worlds.draw import PALETTE, agent_colours, cell_colours, contact_sheet, draw_map
from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap

CELL = 16


def middle(picture, row, column):
    return picture.getpixel((column * CELL + CELL // 2, row * CELL + CELL // 2))


@pytest.fixture
def depot():
    walls = np.array([[True, False, False], [False, False, False]])
    return GridMap("depot", walls, np.array([1, 3], np.int32), np.array([2, 3], np.int32))


def test_cells_have_the_colours_of_the_palette(depot):
    picture = draw_map(depot, CELL)
    assert picture.size == (3 * CELL, 2 * CELL)
    expected = [["wall", "start", "goal"], ["both", "floor", "floor"]]
    for row, kinds in enumerate(expected):
        for column, kind in enumerate(kinds):
            assert middle(picture, row, column) == PALETTE[kind] == tuple(cell_colours(depot)[row, column])


def test_agents_and_goals_are_where_they_are(depot):
    first, second = agent_colours(2)
    plain = np.asarray(draw_map(depot, CELL))
    picture = draw_map(depot, CELL, agents=[3, 4], goals=[2, 1])
    assert [middle(picture, 1, 0), middle(picture, 1, 1)] == [first, second]
    assert [middle(picture, 0, 2), middle(picture, 0, 1)] == [first, second]
    between = draw_map(depot, CELL, agents=[[1.0, 0.5]])
    assert between.getpixel((CELL, CELL + CELL // 2)) == first
    np.testing.assert_array_equal(plain, np.asarray(draw_map(depot, CELL)))  # nothing stays behind


def test_paths_are_drawn_along_their_cells(depot):
    before = np.asarray(draw_map(depot, CELL)).astype(int)
    after = np.asarray(draw_map(depot, CELL, paths=[[3, 4, 5], []])).astype(int)
    changed = (before != after).any(axis=2)
    assert changed[CELL + CELL // 2, CELL // 2 : -CELL // 2].all()
    assert not changed[:CELL].any()


def test_agents_tell_apart_by_colour():
    colours = agent_colours(40)
    assert len(set(colours)) == 40
    assert colours[:5] == agent_colours(5)


def test_contact_sheet_fits_maps_larger_and_smaller_than_a_tile():
    grids = [generate("random", 0, size=edge) for edge in (4, 300)] + [generate("warehouses", 0)]
    sheet = contact_sheet(grids, columns=2, tile_px=100)
    assert sheet.width == 2 * 107 + 7
    assert len(sheet.getcolors(10**6)) > 10

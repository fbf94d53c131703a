"""Maps that are the same when turned or mirrored, and none that are not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.symmetry import canonical_hash, deduplicate


def some_map(height, width, seed, name="map"):
    walls = np.random.default_rng(seed).random((height, width)) < 0.4
    walls[0, 0] = False
    return GridMap(name, walls)


def turned(grid, turns, mirrored):
    walls = np.rot90(grid.walls.T if mirrored else grid.walls, turns)
    return GridMap(f"{grid.name}-{turns}-{mirrored}", np.ascontiguousarray(walls))


SIZES = st.integers(1, 12)


@given(height=SIZES, width=SIZES, seed=st.integers(0, 2**32), turns=st.integers(0, 3), mirrored=st.booleans())
def test_eight_symmetries_share_a_hash(height, width, seed, turns, mirrored):
    grid = some_map(height, width, seed)
    assert canonical_hash(turned(grid, turns, mirrored)) == canonical_hash(grid)


@given(height=SIZES, width=SIZES, seed=st.integers(0, 2**32), cell=st.integers(1, 143))
def test_another_number_of_walls_is_another_map(height, width, seed, cell):
    grid = some_map(height, width, seed)
    walls = grid.walls.copy()
    walls.ravel()[cell % walls.size] ^= True
    if not walls.all():
        assert canonical_hash(GridMap("other", walls)) != canonical_hash(grid)


def test_the_same_cells_in_another_shape_are_another_map():
    shapes = [(2, 12), (3, 8), (4, 6), (1, 24)]
    assert len({canonical_hash(GridMap("map", np.zeros(shape, bool))) for shape in shapes}) == 4


def test_starts_and_metres_do_not_count():
    grid = some_map(5, 7, 0)
    free = grid.free_cells
    assert canonical_hash(GridMap("other", grid.walls, free[:1], free, 0.1)) == canonical_hash(grid)


def test_the_first_of_each_is_kept_in_order():
    first, second = some_map(6, 9, 1, "first"), some_map(6, 9, 2, "second")
    kept = deduplicate([first, turned(first, 1, False), second, turned(second, 2, True), first])
    assert [grid.name for grid in kept] == ["first", "second"]

"""The world description: from a grid and back, and through JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.rectangles import cover
from pilotfish.worlds.spec import Box, Pose, Rectangle, Region, WorldSpec


@st.composite
def grids(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    walls = rng.random((draw(st.integers(1, 12)), draw(st.integers(1, 12)))) < draw(st.floats(0, 0.9))
    walls.ravel()[rng.integers(walls.size)] = False
    free = np.flatnonzero(~walls).astype(np.int32)
    parts = [None, None]
    if draw(st.booleans()):
        parts = [np.sort(rng.choice(free, rng.integers(1, len(free) + 1), replace=False)) for _ in range(2)]
    origin = (draw(st.floats(-100, 100)), draw(st.floats(-100, 100)))
    return GridMap("map", walls, *parts, resolution=draw(st.floats(0.05, 5)), origin=origin)


@given(grid=grids(), border=st.booleans())
@settings(deadline=None)
def test_grid_round_trip(grid, border):
    back = WorldSpec.from_grid(grid, 0.5, border=border).to_grid()
    np.testing.assert_array_equal(back.walls, grid.walls)
    assert (back.name, back.resolution, back.origin) == (grid.name, grid.resolution, grid.origin)
    for one, other in ((back.starts, grid.starts), (back.goals, grid.goals)):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)


@given(grid=grids())
@settings(deadline=None)
def test_rectangles_cover_each_cell_once(grid):
    count = np.zeros(grid.walls.shape, int)
    for row, column, height, width in cover(grid.walls):
        count[row : row + height, column : column + width] += 1
    np.testing.assert_array_equal(count, grid.walls)


def test_walls_are_merged_into_few_boxes():
    grid = generate("warehouses", 1)
    assert len(WorldSpec.from_grid(grid, border=False).walls) < grid.walls.sum() / 8
    assert len(cover(np.ones((30, 40), bool))) == 1


def test_metres_of_boxes_regions_and_spawns():
    walls = np.array([[False, False, True], [False, False, False]])
    cells = np.array([3, 4, 5], np.int32)
    grid = GridMap("map", walls, cells, cells, resolution=2.0, origin=(10.0, 20.0))
    spec = WorldSpec.from_grid(grid, wall_height=1.5, spawn_cells=[0, 5])
    assert spec.walls[0] == Box((15.0, 23.0, 0.75), (2.0, 2.0, 1.5))
    assert spec.region("starts") == Region("starts", (Rectangle((10.0, 20.0), (16.0, 22.0)),))
    assert spec.region("shelves") is None
    assert spec.spawns == (Pose(11.0, 23.0), Pose(15.0, 21.0))
    assert spec.size == (6.0, 4.0) and spec.shape == (2, 3)
    border = np.array([[*box.centre[:2], *box.size[:2]] for box in spec.walls[1:]])
    low, high = border[:, :2] - border[:, 2:] / 2, border[:, :2] + border[:, 2:] / 2
    assert low.min(0).tolist() == [8.0, 18.0] and high.max(0).tolist() == [18.0, 26.0]


@given(grid=grids())
@settings(deadline=None)
def test_json_round_trip(tmp_path_factory, grid):
    path = tmp_path_factory.mktemp("spec") / "world.json"
    spec = WorldSpec.from_grid(grid, spawn_cells=grid.free_cells[:2])
    spec.save(path)
    assert WorldSpec.load(path) == spec


def test_malformed_worlds_are_named(tmp_path):
    path = tmp_path / "world.json"
    spec = WorldSpec.from_grid(generate("random", 0), border=False)
    for change, message in (
        ({"walls": [{"centre": [0, 0, 0], "size": [1, 0, 1]}]}, "positive size"),
        ({"cell_size": 0}, "cell_size must be positive"),
        ({"spawns": [{"a": 1}]}, "not a world"),
        ({"regions": [{"name": "a"}]}, "needs the field 'rectangles'"),
        ({"regions": [{"name": "a", "rectangles": []}] * 2}, "two regions of one name"),
    ):
        spec.save(path)
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        with pytest.raises(ValueError, match=message) as caught:
            WorldSpec.load(path)
        assert str(path) in str(caught.value)
    path.write_text("{")
    with pytest.raises(ValueError, match="not a world"):
        WorldSpec.load(path)


def test_a_rectangle_has_an_inside():
    with pytest.raises(ValueError, match="low corner"):
        Rectangle((0.0, 0.0), (1.0, 0.0))

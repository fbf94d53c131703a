"""Every family: the same seed the same map, connected where promised, and parameters that are checked."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pilotfish.worlds.maps.generators import GENERATORS, explain_knobs, generate

EXPLORATION = ("hybrid", "corridor", "complex", "offices")
CONNECTED = sorted(set(GENERATORS) - {"random"})
SIZES = st.tuples(st.integers(12, 50), st.integers(12, 50))


def components(grid):
    return ndimage.label(~grid.walls)[1]


@pytest.mark.parametrize("family", GENERATORS)
@given(size=SIZES, seed=st.integers(0, 2**63))
@settings(deadline=None, max_examples=25)
def test_size_name_and_determinism(family, size, seed):
    grid = generate(family, seed, size=size)
    assert grid.walls.shape == size
    assert grid.name == f"{family}-{size[0]}x{size[1]}-s{seed}"
    again = generate(family, seed, height=size[0], width=size[1])
    np.testing.assert_array_equal(grid.walls, again.walls)
    if grid.starts is not None:
        np.testing.assert_array_equal(grid.starts, again.starts)


@pytest.mark.parametrize("family", CONNECTED)
@given(size=SIZES, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_all_free_cells_are_connected(family, size, seed):
    assert components(generate(family, seed, size=size)) == 1


@pytest.mark.parametrize("family", GENERATORS)
def test_seeds_differ(family):
    walls = {generate(family, seed, size=33).walls.tobytes() for seed in range(20)}
    assert len(walls) >= 19


@given(
    size=SIZES,
    seed=st.integers(0, 2**32),
    length=st.integers(1, 30),
    density=st.floats(0, 1),
    straightness=st.floats(0, 1),
)
@settings(deadline=None)
def test_mazes_are_connected_for_any_knobs(size, seed, length, density, straightness):
    grid = generate("mazes", seed, size=size, wall_length=length, density=density, straightness=straightness)
    assert components(grid) == 1


def test_mazes_are_as_dense_as_the_published_training_maps():
    densities = [generate("mazes", seed).walls.mean() for seed in range(60)]
    assert 0.24 < min(densities) < 0.29 and 0.40 < max(densities) < 0.45


def test_random_density_is_that_asked_for():
    assert generate("random", 0, size=200, density=0.3).walls.mean() == pytest.approx(0.3, abs=0.01)
    assert not generate("random", 0, density=0).walls.any()


@given(size=st.tuples(st.integers(20, 50), st.integers(20, 50)), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_warehouse_goals_lie_along_shelves_and_starts_beside_them(size, seed):
    grid = generate("warehouses", seed, size=size)
    near_shelf = ndimage.binary_dilation(grid.walls).ravel()
    assert near_shelf[grid.goals].all()
    assert not np.intersect1d(grid.starts, grid.goals).size
    assert len(grid.starts) >= 8 and len(grid.goals) >= 8


def test_standard_warehouses_hold_192_robots():
    for seed in range(100):
        grid = generate("warehouses", seed)
        assert min(len(grid.starts), len(grid.goals)) >= 192


def test_warehouse_layout_by_hand():
    grid = generate(
        "warehouses", 0, size="9x20", shelf_length=4, shelf_depth=1, aisle_width=1, cross_aisle=1,
        side_width=5, start_pattern="full", missing=0, upright=0,
    )  # fmt: skip
    drawn = np.where(grid.walls, "#", "!").ravel()
    drawn[grid.starts], drawn[grid.goals] = "@", "$"
    rows = ["".join(row) for row in drawn.reshape(9, 20)]
    assert rows[0] == "!!!!!$$$$!$$$$!!!!!!"
    assert rows[1] == "!@@@!####!####!@@@@!"
    assert rows[2] == "!@@@!$$$$!$$$$!@@@@!"


def test_turned_warehouse_has_its_starts_above_and_below():
    grid = generate("warehouses", 0, size=(46, 33), upright=1)
    rows = grid.starts // grid.width
    shelves = np.flatnonzero(grid.walls.any(axis=1))
    assert ((rows < shelves[0]) | (rows > shelves[-1])).all()


def test_city_pockets_stay_where_asked():
    walls = [generate("cities", seed, connected=flag) for flag in (0, 1) for seed in range(30)]
    assert max(map(components, walls[:30])) > 1 == max(map(components, walls[30:]))


@pytest.mark.parametrize("family", EXPLORATION)
@given(size=st.tuples(st.integers(12, 130), st.integers(12, 130)), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_exploration_maps_have_a_border_and_one_blob_of_starts(family, size, seed):
    grid = generate(family, seed, size=size)
    frame = np.ones(size, bool)
    frame[1:-1, 1:-1] = False
    assert grid.walls[frame].all()
    np.testing.assert_array_equal(grid.goals, grid.free_cells)
    blob = np.zeros(grid.walls.size, bool)
    blob[grid.starts] = True
    assert ndimage.label(blob.reshape(size))[1] == 1
    assert np.ptp(grid.starts // grid.width) < 16 and np.ptp(grid.starts % grid.width) < 16


@pytest.mark.parametrize("family", EXPLORATION)
def test_exploration_robots_start_clear_of_walls_on_128_cells_or_more(family):
    for seed in range(5):
        grid = generate(family, seed)
        assert 128 <= len(grid.starts) <= 256
        near_wall = ndimage.binary_dilation(grid.walls, np.ones((3, 3)), iterations=2).ravel()
        assert not near_wall[grid.starts].any()


@pytest.mark.parametrize(
    ("family", "least", "most"),
    [("hybrid", 0.35, 0.62), ("corridor", 0.22, 0.46), ("complex", 0.33, 0.55), ("offices", 0.8, 0.95)],
)
def test_exploration_maps_are_as_open_as_said(family, least, most):
    free = [1 - generate(family, seed).walls.mean() for seed in range(4)]
    assert least < min(free) and max(free) < most


@pytest.mark.parametrize("family", ["hybrid", "corridor", "complex"])
@given(seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_no_passage_is_a_slit_and_no_wall_a_line(family, seed):
    walls = generate(family, seed, size=200).walls
    assert ndimage.label(ndimage.binary_erosion(~walls, np.ones((5, 5))))[1] == 1
    thick = ndimage.binary_opening(np.pad(walls, 4, constant_values=True), np.ones((4, 4)))[4:-4, 4:-4]
    np.testing.assert_array_equal(thick, walls)


@given(size=st.tuples(st.integers(80, 200), st.integers(80, 200)), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_robots_of_35_cm_get_through_every_office(size, seed):
    grid = generate("offices", seed, size=size)
    assert grid.resolution == 0.1
    offset = np.arange(-4, 5)
    disc = np.hypot(*np.meshgrid(offset, offset)) <= 4  # 0.35 m and the half cell that it may be off
    reachable = ndimage.binary_erosion(~grid.walls, disc)
    assert ndimage.label(reachable)[1] == 1
    away = ndimage.distance_transform_edt(~reachable)[~grid.walls]
    assert away.max() < 7  # corners are 4 * sqrt(2) from where a robot's middle can be


@pytest.mark.parametrize(
    ("family", "params", "message"),
    [
        ("mazes", {"density": 1.5}, "MazeParams.density must be in [0, 1], got 1.5"),
        ("mazes", {"wall_length": 0}, "MazeParams.wall_length must be in"),
        ("mazes", {"size": 2}, "MazeParams.height must be in [5, 4096], got 2"),
        ("rooms", {"room_size": 1}, "RoomParams.room_size"),
        ("random", {"density": "much"}, "density must be float | None, got 'much'"),
        ("random", {"densty": 0.1}, "no parameter 'densty'; did you mean 'density'"),
        ("random", {"size": "3x4x5"}, "size must be EDGE or HEIGHTxWIDTH, got '3x4x5'"),
        (
            "warehouses",
            {"start_pattern": "stars"},
            "must be one of checker, columns, full, rows, got 'stars'",
        ),
        ("warehouses", {"side_width": 30}, "no room for shelves: side_width 30 leaves -14 columns"),
        ("corridor", {"layout": "maze"}, "must be one of bent, curved, rings, scattered, slanted, straight"),
        ("offices", {"door_width": 0.5}, "OfficeParams.door_width must be in [0.9, 2], got 0.5"),
        ("cites", {}, "unknown map family 'cites'; did you mean 'cities'"),
    ],
)
def test_wrong_parameters_are_named(family, params, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        generate(family, 0, **params)


def test_negative_seed():
    with pytest.raises(ValueError, match="seed must be 0 or more, got -1"):
        generate("mazes", -1)


@pytest.mark.parametrize("family", GENERATORS)
def test_fixing_a_knob_to_auto_changes_nothing_and_all_knobs_are_explained(family):
    kind, _ = GENERATORS[family]
    text = explain_knobs(family)
    for name in kind.DRAWN:
        assert f"{name}: in [" in text or f"{name}: one of" in text
        plain, auto = (generate(family, 5, size=48, **knob) for knob in ({}, {name: "auto"}))
        np.testing.assert_array_equal(plain.walls, auto.walls)

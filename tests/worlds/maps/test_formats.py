"""Round trips of every format, and malformed files that must name their place."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.files import atomic_write
from pilotfish.worlds.maps.formats import ascii_text, movingai, pogema_yaml, ros_map_server
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map, load_maps
from pilotfish.worlds.maps.save import save_maps


@st.composite
def grids(draw, warehouse=None, name="map"):
    """Any small map; of a warehouse's kind or not, or either."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if not (draw(st.booleans()) if warehouse is None else warehouse):
        walls = rng.random((height, width)) < draw(st.floats(0, 0.9))
        walls.ravel()[rng.integers(walls.size)] = False
        return GridMap(name, walls)
    codes = rng.choice(list("#.@$!"), (height, width + 2))
    codes.ravel()[:2] = "@", "$"
    cells = codes.ravel()
    return GridMap(
        name,
        codes == "#",
        np.flatnonzero(np.isin(cells, [".", "@"])).astype(np.int32),
        np.flatnonzero(np.isin(cells, [".", "$"])).astype(np.int32),
    )


def assert_same(left, right):
    np.testing.assert_array_equal(left.walls, right.walls)
    for one, other in ((left.starts, right.starts), (left.goals, right.goals)):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


@given(grid=grids())
def test_text_round_trip(folder, grid):
    save_maps([grid], folder / "map.txt")
    assert_same(load_map(folder / "map.txt"), grid)


@given(grid=grids(warehouse=False))
def test_movingai_round_trip(folder, grid):
    save_maps([grid], folder / "map.map")
    assert_same(load_map(folder / "map.map"), grid)


@given(
    grid=grids(warehouse=False),
    resolution=st.floats(0.01, 10),
    origin=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
)
@settings(deadline=None)
def test_map_server_round_trip_keeps_metres(folder, grid, resolution, origin):
    grid = GridMap("map", grid.walls, resolution=resolution, origin=origin)
    save_maps([grid], folder / "ros.yaml", "ros")
    back = load_map(folder / "ros.yaml")
    assert_same(back, grid)
    assert (back.resolution, back.origin, back.name) == (resolution, origin, "ros")


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)


@given(
    maps=st.lists(grids(), min_size=1, max_size=4), names=st.lists(NAMES, min_size=4, max_size=4, unique=True)
)
@settings(deadline=None)
def test_yaml_round_trip_keeps_names_and_order(folder, maps, names):
    maps = [GridMap(n, g.walls, g.starts, g.goals) for n, g in zip(names, maps, strict=False)]
    save_maps(maps, folder / "maps.yaml")
    back = load_maps(folder / "maps.yaml")
    assert [grid.name for grid in back] == [grid.name for grid in maps]
    for one, other in zip(back, maps, strict=True):
        assert_same(one, other)


def test_warehouse_characters(folder):
    (folder / "depot.txt").write_text("#@!\n.$!\n")
    grid = load_map(folder / "depot.txt")
    assert grid.walls.tolist() == [[True, False, False], [False, False, False]]
    assert grid.starts.tolist() == [1, 3]
    assert grid.goals.tolist() == [3, 4]


def test_at_sign_is_a_wall_in_movingai(folder):
    (folder / "m.map").write_text("type octile\nheight 2\nwidth 4\nmap\n.GS@\nOTW.\n")
    grid = load_map(folder / "m.map")
    assert grid.starts is None
    assert grid.walls.tolist() == [[False, False, False, True], [True, True, True, False]]


MALFORMED = {
    "row.txt": ("..#\n..\n", 2, 3, "row 2 has 2 characters, the first row has 3"),
    "long.txt": ("\n\n..#\n..#.\n", 4, 4, "row 2 has 4 characters"),
    "char.txt": ("..#\n.x.\n", 2, 2, "unknown character 'x'"),
    "gap.txt": ("...\n\n...\n", 2, 1, "row 2 has 0 characters"),
    "solid.txt": ("##\n##\n", 1, 1, "no free cell"),
    "goalless.txt": ("@@!\n", 1, 1, "needs a goal cell"),
    "rows.map": (
        "type octile\nheight 3\nwidth 2\nmap\n..\n..\n",
        6,
        None,
        "2 rows, the header says height 3",
    ),
    "width.map": (
        "type octile\nheight 1\nwidth 2\nmap\n...\n",
        5,
        3,
        "row 1 has 3 characters, the header says 2",
    ),
    "tile.map": ("type octile\nheight 2\nwidth 2\nmap\n..\n.#\n", 6, 2, "unknown character '#'"),
    "height.map": (
        "type octile\nheight x\nwidth 2\nmap\n..\n",
        2,
        8,
        "height must be a positive integer, got 'x'",
    ),
    "nowidth.map": ("type octile\nheight 1\nmap\n..\n", 3, None, "does not give the width"),
    "nomap.map": ("type octile\nheight 1\nwidth 2\n", 3, None, "no line 'map'"),
    "row.yaml": ("one: |-\n  ..\n  ..\ntwo: |-\n\n  ..#\n  ..\n", 7, 5, "row 2 has 2 characters"),
    "char.yaml": ("# maps\none: |\n    ..\n    .A\n", 4, 6, "unknown character 'A'"),
    "quoted.yaml": ('one: "..\\n.x"\n', 1, 6, "unknown character 'x'"),
    "twice.yaml": ("one: |-\n  ..\none: |-\n  ..\n", 3, 1, "'one' is there twice"),
    "nested.yaml": ("one:\n  two: |-\n    ..\n", 1, 1, "expected 'NAME: |-'"),
    "list.yaml": ("- one\n", 1, 1, "expected a mapping"),
    "broken.yaml": ("one: [\n", 2, 1, "not valid YAML"),
    "empty.yaml": ("", 1, 1, "expected a mapping"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_name_the_place(tmp_path, name):
    text, line, column, message = MALFORMED[name]
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(MapError) as caught:
        load_maps(path)
    assert (caught.value.line, caught.value.column) == (line, column)
    place = ":".join(str(part) for part in (path, line, column) if part is not None)
    assert str(caught.value).startswith(f"{place}: ") and message in str(caught.value)
    sent = pickle.loads(pickle.dumps(caught.value))  # from a process of a pool
    assert str(sent) == str(caught.value) and (sent.file, sent.line) == (str(path), line)


@given(data=st.binary(max_size=200), suffix=st.sampled_from([".txt", ".map", ".yaml"]))
@settings(deadline=None)
def test_any_bytes_give_maps_or_a_map_error(folder, data, suffix):
    path = folder / f"noise{suffix}"
    path.write_bytes(data)
    try:
        assert all(isinstance(grid, GridMap) for grid in load_maps(path))
    except MapError as error:
        assert str(path) in str(error)


@given(grid=grids(), row=st.integers(0, 8), column=st.integers(0, 8), bad=st.sampled_from("xATG?"))
@settings(deadline=None)
def test_a_bad_character_anywhere_in_a_yaml_is_found(folder, grid, row, column, bad):
    row, column = row % grid.height, column % grid.width
    path = folder / "bad.yaml"
    pogema_yaml.write([GridMap("good", np.zeros((2, 2), bool)), grid], path)
    lines = path.read_text().splitlines()
    line = 4 + row  # "good" and its rows take three lines, then comes the name
    lines[line] = lines[line][: column + 2] + bad + lines[line][column + 3 :]
    path.write_text("\n".join(lines))
    with pytest.raises(MapError) as caught:
        load_maps(path)
    assert (caught.value.line, caught.value.column) == (line + 1, column + 3)


def write_ros(folder, pixels, suffix=".pgm", **fields):
    Image.fromarray(np.array(pixels, np.uint8)).save(folder / f"image{suffix}")
    fields = {
        "image": f"image{suffix}", "resolution": 0.1, "origin": [1.0, 2.0, 0.0], "negate": 0,
        "occupied_thresh": 0.65, "free_thresh": 0.196, **fields,
    }  # fmt: skip
    path = folder / "ros.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in fields.items() if value is not None))
    return path


@pytest.mark.parametrize("suffix", [".pgm", ".png"])
def test_map_server_thresholds_make_unknown_a_wall(tmp_path, suffix):
    # occupation (255 - value) / 255: 254 is free, 0 occupied, 205 unknown, 206 just free
    path = write_ros(tmp_path, [[254, 0, 205, 206]], suffix)
    assert load_map(path).walls.tolist() == [[False, True, True, False]]
    path = write_ros(tmp_path, [[254, 0, 205, 40]], suffix, negate=1)
    assert load_map(path).walls.tolist() == [[True, False, True, False]]


def test_map_server_cells_are_wall_if_any_pixel_is(tmp_path):
    pixels = np.full((5, 7), 254)
    pixels[4, 0] = 0  # lower left corner
    path = write_ros(tmp_path, pixels)
    grid = load_map(f"{path}?cell_size=0.2")
    # Aligned with the origin at the lower left: the odd row on top and the odd column at the right are
    # only partly in the image, and beyond the image all is wall.
    expected = np.zeros((3, 4), bool)
    expected[0], expected[:, 3], expected[2, 0] = True, True, True
    np.testing.assert_array_equal(grid.walls, expected)
    assert grid.resolution == 0.2 and grid.origin == (1.0, 2.0)


@given(
    seed=st.integers(0, 2**32), factor=st.integers(1, 5), height=st.integers(5, 20), width=st.integers(5, 20)
)
@settings(deadline=None)
def test_downsampling_never_frees_an_occupied_place(folder, seed, factor, height, width):
    walls = np.random.default_rng(seed).random((height, width)) < 0.05
    walls[height - factor :, :factor] = False
    fine = GridMap("fine", walls, resolution=0.1, origin=(-3.0, 0.5))
    ros_map_server.write(fine, folder / "fine.yaml")
    coarse = ros_map_server.read(folder / "fine.yaml", 0.1 * factor)[0]
    occupied = fine.cell_centre(np.flatnonzero(walls))
    cells = coarse.cell_at(occupied)
    assert (cells >= 0).all() and coarse.walls.ravel()[cells].all()


@pytest.mark.parametrize(
    ("fields", "line", "message"),
    [
        ({"resolution": -1}, 2, "resolution must be a number in (0, inf], got -1"),
        ({"mode": "scale"}, 7, "mode must be trinary"),
        ({"negate": 2}, 4, "negate must be 0 or 1, got 2"),
        ({"free_thresh": 0.9}, 6, "free_thresh must not exceed"),
        ({"origin": "[0, 0, 1.5]"}, 3, "origin has yaw 1.5"),
        ({"origin": "here"}, 3, "origin must be [x, y, yaw], got 'here'"),
        ({"origin": None}, None, "origin is missing"),
        ({"image": "nothing.pgm"}, 1, "which does not exist"),
        ({"image": "ros.yaml"}, 1, "cannot be read"),
    ],
)
def test_malformed_map_server_fields(tmp_path, fields, line, message):
    path = write_ros(tmp_path, [[254]], **fields)
    with pytest.raises(MapError) as caught:
        load_maps(path)
    assert caught.value.line == line and message in str(caught.value)


def test_cell_size_must_be_a_multiple(tmp_path):
    path = write_ros(tmp_path, [[254]])
    with pytest.raises(MapError, match=r"does not divide cell_size 0.25; try 0.2"):
        load_maps(f"{path}?cell_size=0.25")
    with pytest.raises(MapError, match="cell_size must be metres, got 'big'"):
        load_maps(f"{path}?cell_size=big")


def test_numbers_in_scientific_notation(tmp_path):
    assert load_map(write_ros(tmp_path, [[254]], resolution="5e-2")).resolution == 0.05


def test_formats_refuse_what_they_cannot_hold(tmp_path):
    depot = GridMap("depot", np.zeros((1, 3), bool), np.array([0], np.int32), np.array([2], np.int32))
    for form, suffix in (("movingai", "map"), ("ros", "yaml")):
        with pytest.raises(ValueError, match="start and goal cells"):
            save_maps([depot], tmp_path / f"depot.{suffix}", form)
    every = GridMap("every", depot.walls, *(np.arange(3, dtype=np.int32),) * 2)
    with pytest.raises(ValueError, match="all free cells are both start and goal"):
        save_maps([every], tmp_path / "every.txt")
    with pytest.raises(ValueError, match="holds one map, got 2"):
        save_maps([depot, depot], tmp_path / "two.txt")
    with pytest.raises(ValueError, match="different names"):
        save_maps([depot, depot], tmp_path / "two.yaml")
    with pytest.raises(ValueError, match="unknown map format '.gif'"):
        save_maps([depot], tmp_path / "depot.gif")
    with pytest.raises(ValueError, match="has 1 goal cells of 3 free cells"):
        save_maps([depot], tmp_path / "depot.png")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "map.txt"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_formats_tell_each_other_apart(tmp_path):
    grid = GridMap("map", np.eye(3, dtype=bool))
    written = {"a.map": movingai.write, "b.map": ascii_text.write, "c.yaml": ros_map_server.write}
    for name, write in written.items():
        write(grid, tmp_path / name)
    pogema_yaml.write([grid], tmp_path / "d.yaml")
    for name in (*written, "d.yaml"):
        assert_same(load_map(tmp_path / name), grid)

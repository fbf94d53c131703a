"""Images of exploration maps: which pixels are free, where robots start, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.formats import image, ros_map_server
from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map, load_maps
from pilotfish.worlds.maps.save import save_maps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("images")


@st.composite
def exploration_maps(draw):
    """Any small map, with some free cells as starts and all as goals, or without."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    walls = rng.random((height, width)) < draw(st.floats(0, 0.9))
    walls.ravel()[rng.integers(walls.size)] = False
    free = np.flatnonzero(~walls).astype(np.int32)
    if draw(st.booleans()):
        return GridMap("map", walls)
    return GridMap("map", walls, np.sort(rng.choice(free, rng.integers(1, len(free) + 1), False)), free)


@given(grid=exploration_maps(), suffix=st.sampled_from([".png", ".pgm"]))
@settings(deadline=None)
def test_round_trip(folder, grid, suffix):
    save_maps([grid], folder / f"map{suffix}")
    back = load_map(folder / f"map{suffix}")
    np.testing.assert_array_equal(back.walls, grid.walls)
    assert (back.starts is None) == (grid.starts is None)
    if grid.starts is not None:
        np.testing.assert_array_equal(back.starts, grid.starts)
        np.testing.assert_array_equal(back.goals, grid.goals)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_grey_values(tmp_path, mode):
    Image.fromarray(np.array([[0, 127, 150, 151], [194, 195, 208, 255]], np.uint8)).convert(mode).save(
        tmp_path / "m.png"
    )
    grid = load_map(tmp_path / "m.png")
    assert grid.name == "m" and grid.resolution == 1.0
    assert grid.walls.tolist() == [[True, True, True, False], [False] * 4]
    assert grid.starts.tolist() == [6] and grid.goals.tolist() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_start_colour_is_a_start_and_other_colours_go_by_their_grey(tmp_path, mode):
    # (255, 188, 187) has the grey value 208 of starts, and is none.
    colours = [[(255, 216, 0), (255, 188, 187), (200, 30, 30)], [(194, 194, 194), (255, 216, 1), (0, 255, 0)]]
    Image.fromarray(np.array(colours, np.uint8)).convert(mode).save(tmp_path / "m.png")
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.convert("L").getpixel((1, 0)) == image.START
    grid = load_map(tmp_path / "m.png")
    assert grid.starts.tolist() == [0]
    assert grid.walls.tolist() == [[False, False, True], [False, False, True]]


def test_transparent_pixels_count_as_their_colour(tmp_path):
    Image.fromarray(np.array([[(255, 216, 0, 0), (0, 0, 0, 0)]], np.uint8)).save(tmp_path / "m.png")
    grid = load_map(tmp_path / "m.png")
    assert grid.starts.tolist() == [0] and grid.walls.tolist() == [[False, True]]


def test_a_folder_of_images_and_one_that_belongs_to_a_map_server_map(tmp_path):
    maps = [generate("hybrid", seed, size=40) for seed in (1, 2)]
    save_maps(maps, tmp_path, "image")
    plain = GridMap("office", maps[0].walls)
    ros_map_server.write(plain, tmp_path / "office.yaml")
    (tmp_path / "sub").mkdir()
    image.write(plain, tmp_path / "sub" / "office.pgm")  # of that name, but beside no YAML
    assert [grid.name for grid in load_maps(tmp_path)] == [
        "hybrid-40x40-s1", "hybrid-40x40-s2", "office", "office~2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: Image.new("L", (3, 2), 150).save(path), "no free pixel: .* the highest is 150"),
        (lambda path: Image.new("P", (3, 2)).save(path), "with a palette; save it in 8-bit grey or RGB"),
        (lambda path: Image.new("I;16", (3, 2)).save(path), "of mode I;16"),
        (lambda path: path.write_text("not an image"), "is not an image"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)), "is not an image|cannot be read"),
        (lambda path: path.mkdir(), "no maps in this folder"),
    ],
)
def test_what_is_no_map_is_named(tmp_path, write, message):
    path = tmp_path / "bad.png"
    write(path)
    with pytest.raises(MapError, match=message) as caught:
        load_map(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_cut_off_image_is_named(tmp_path):
    path = tmp_path / "cut.png"
    image.write(generate("complex", 0, size=100), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(MapError, match="cut.png: cannot be read"):
        load_map(path)


@given(data=st.binary(max_size=100), header=st.sampled_from([b"", b"P5\n3 2\n255\n", b"P2\n"]))
@settings(deadline=None)
def test_any_bytes_give_a_map_or_a_map_error(folder, data, header):
    path = folder / "noise.pgm"
    path.write_bytes(header + data)
    try:
        load_map(path)
    except MapError as error:
        assert str(path) in str(error)


def test_several_maps_need_a_folder(tmp_path):
    maps = [generate("offices", 0, size=(80, 120))] * 2
    with pytest.raises(ValueError, match="holds one map, got 2; use a folder"):
        save_maps(maps, tmp_path / "two.png")
    with pytest.raises(ValueError, match="maps of different file names"):
        save_maps(maps, tmp_path / "two", "image")
    with pytest.raises(ValueError, match="images end in .png or .pgm, got '.gif'"):
        save_maps(maps[:1], tmp_path / "one.gif", "image")
    assert list(tmp_path.iterdir()) == []

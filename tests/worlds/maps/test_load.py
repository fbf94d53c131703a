"""What the one string that names maps may say."""

from pathlib import Path

import numpy as np
import pytest

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import each_map, load_map, load_maps
from pilotfish.worlds.maps.report import report
from pilotfish.worlds.maps.save import save_maps


@pytest.fixture
def folder(tmp_path):
    free = np.zeros((2, 2), bool)
    save_maps([GridMap("b", free), GridMap("a", free)], tmp_path / "sub" / "many.yaml")
    save_maps([GridMap("x", free)], tmp_path / "a.map")
    (tmp_path / "notes.md").write_text("not a map\n")
    return tmp_path


def test_a_folder_is_all_its_files_sorted_and_names_are_unique(folder):
    assert [grid.name for grid in load_maps(folder)] == ["a", "b", "a~2"]


def test_files_that_hold_no_map_are_passed_over_with_a_warning(folder):
    (folder / "LICENSE.txt").write_text("Copyright\n")
    (folder / "config.yaml").write_text("agents: 3\n")
    with pytest.warns(UserWarning, match="does not look like a map") as caught:
        assert len(load_maps(folder)) == 3
    assert len(caught) == 2


def test_one_map_by_name(folder):
    assert load_map(f"{folder}/sub/many.yaml#a").name == "a"
    assert load_map(f"{folder}#a~2").name == "a~2"
    with pytest.raises(MapError, match=r"no map 'c'; .*there are: b, a"):
        load_map(f"{folder}/sub/many.yaml#c")
    with pytest.raises(MapError, match=r"holds 2 maps; append #NAME to choose one of: b, a"):
        load_map(f"{folder}/sub/many.yaml")


@pytest.mark.parametrize("path", ["gen:mazes?size=9&seed=1-3", "gen:mazes?seed=2", "warehouse", "{folder}"])
def test_maps_one_by_one(folder, path):
    path = path.format(folder=folder)
    grids = load_maps(path)
    names = each_map(path)
    assert len(names) == len(grids)
    for name, grid in zip(names, grids, strict=True):
        one = load_map(name)
        assert one.name == grid.name and np.array_equal(one.walls, grid.walls)


def test_nothing_there(tmp_path):
    with pytest.raises(MapError, match="no maps in this folder"):
        load_maps(tmp_path)
    with pytest.raises(MapError, match="no such file or folder"):
        load_maps(tmp_path / "none.map")
    (tmp_path / "map.doc").write_text("..")
    with pytest.raises(MapError, match=r"unknown kind of map file '.doc'; known: .ascii .map"):
        load_maps(tmp_path / "map.doc")
    (tmp_path / "map.txt").write_text("..")
    with pytest.raises(MapError, match="only a map_server YAML takes options, got cell_size"):
        load_maps(f"{tmp_path}/map.txt?cell_size=1")


def test_generated_maps():
    maps = load_maps("gen:warehouses?size=20x30&missing=0.1&seed=3-5")
    assert [grid.name for grid in maps] == [f"warehouses-20x30-s{seed}" for seed in (3, 4, 5)]
    np.testing.assert_array_equal(maps[1].walls, generate("warehouses", 4, size=(20, 30), missing=0.1).walls)
    assert len(load_maps("gen:random")) == 1
    for seeds in ("5-3", "x", "-1", ""):
        with pytest.raises(ValueError, match="seed must be"):
            load_maps(f"gen:mazes?seed={seeds}")


def test_built_in_maps_are_sound():
    maps = load_maps("builtin:")
    assert {"warehouse", "maze", "rooms", "city", "office"} <= {grid.name for grid in maps}
    for grid in maps:
        assert not report(grid).errors
        np.testing.assert_array_equal(load_map(f"builtin:{grid.name}").walls, grid.walls)
    with pytest.raises(MapError, match="did you mean 'warehouse'"):
        load_map("builtin:warehose")


def test_a_file_goes_before_a_built_in_map_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_map("warehouse").starts is not None
    Path("warehouse").mkdir()
    Path("warehouse/one.txt").write_text("..\n")
    assert load_map("warehouse").name == "one"

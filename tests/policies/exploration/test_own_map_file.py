import numpy as np
import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import LidarSpec
from pilotfish.policies.exploration.mapping import MapFrame, OccupancyMap
from pilotfish.policies.exploration.own_map_file import load_own_map, save_own_map

FRAME = MapFrame(0.1, (0.0, 0.0), 64, 64)
HOME = np.array([32.0, 30.0], np.float32)


@pytest.fixture
def seen(box_scan):
    own = OccupancyMap(FRAME, LidarSpec())
    own.insert(box_scan(1.5), Pose(3.2, 3.2, 0.0))
    return own


def test_what_is_saved_is_loaded(seen, tmp_path):
    file = tmp_path / "deep" / "map.npz"
    save_own_map(seen, 1, HOME, file)
    again = OccupancyMap(FRAME, LidarSpec())
    _, home = load_own_map(again, 1, file)
    assert home.tolist() == HOME.tolist()
    assert np.array_equal(again.log_odds, seen.log_odds)
    assert np.array_equal(again.pixels, seen.pixels)
    assert np.array_equal(again.dirty, seen.dirty)
    assert [path.name for path in file.parent.iterdir()] == ["map.npz"]


def test_another_frame_or_damage_is_refused(seen, tmp_path):
    file = tmp_path / "map.npz"
    save_own_map(seen, 1, HOME, file)
    other = OccupancyMap(MapFrame(0.1, (0.0, 1.0), 64, 64), LidarSpec())
    with pytest.raises(ValueError, match="another map frame"):
        load_own_map(other, 1, file)
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"garbage", whole[:200] + b"x" * 50 + whole[250:]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="holds no map"):
            load_own_map(OccupancyMap(FRAME, LidarSpec()), 1, file)
    with pytest.raises(FileNotFoundError):
        load_own_map(other, 1, tmp_path / "none.npz")


@pytest.mark.parametrize("home", [[-3.0, 5.0], [np.inf, 5.0], [64.0, 5.0], [np.nan, 5.0], [1.0, 2.0, 3.0]])
def test_a_beginning_outside_of_the_map_is_refused(seen, tmp_path, home):
    save_own_map(seen, 1, np.array(home, np.float32), tmp_path / "map.npz")
    empty = OccupancyMap(FRAME, LidarSpec())
    with pytest.raises(ValueError, match="no place of its map"):
        load_own_map(empty, 1, tmp_path / "map.npz")
    assert not empty.pixels.any(), "nothing is taken of it"


def test_who_has_not_begun_yet_is_loaded(seen, tmp_path):
    save_own_map(seen, 1, np.full(2, np.nan, np.float32), tmp_path / "map.npz")
    _, home = load_own_map(OccupancyMap(FRAME, LidarSpec()), 1, tmp_path / "map.npz")
    assert np.isnan(home).all()


def test_the_map_of_another_robot_is_refused(seen, tmp_path):
    save_own_map(seen, 1, HOME, tmp_path / "map.npz")
    with pytest.raises(ValueError, match="is the map of robot 1, not of robot 0"):
        load_own_map(OccupancyMap(FRAME, LidarSpec()), 0, tmp_path / "map.npz")


def test_another_version_is_named(seen, tmp_path):
    file = tmp_path / "map.npz"
    save_own_map(seen, 1, HOME, file)
    with np.load(file) as stored:
        np.savez(file, **{**stored, "format": 1})
    with pytest.raises(ValueError, match="format is 1, this version reads 3"):
        load_own_map(OccupancyMap(FRAME, LidarSpec()), 1, file)


def test_a_failed_save_leaves_the_old_file(seen, tmp_path, monkeypatch):
    file = tmp_path / "map.npz"
    save_own_map(seen, 1, HOME, file)
    before = file.read_bytes()

    def full(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        save_own_map(seen, 1, HOME, file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["map.npz"]

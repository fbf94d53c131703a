import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import LidarSpec, Scan
from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.mapping import MapFrame, OccupancyMap, percent
from pilotfish.policies.exploration.rays import FREE_TO, OCCUPIED_FROM
from pilotfish.policies.exploration.team_map import TeamMap
from pilotfish.policies.exploration.wire import Source

FRAME = MapFrame.covering((-4.0, -3.0), (9.0, 6.0), 0.1)
MIDDLE = Pose(0.03, 0.02, 0.4)

readings = st.one_of(st.floats(0.0, 12.0), st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -1.0, 1e30]))
scans = st.builds(
    lambda ranges, start: Scan(np.array(ranges, np.float32), start, 2 * math.pi / len(ranges), 0.1, 8.0, 0.0),
    st.lists(readings, min_size=8, max_size=60),
    st.floats(-7.0, 7.0),
)
poses = st.builds(Pose, st.floats(-8, 8), st.floats(-8, 8), st.floats(-4, 4))


def mapper(**options) -> OccupancyMap:
    return OccupancyMap(FRAME, LidarSpec(), body=0.2, **options)


def test_metres_and_pixels_are_two_names_of_a_place():
    assert FRAME.shape == (64, 96)
    top_left = (-4.0 + 0.05, -3.0 + 6.35)
    assert FRAME.to_pixels(top_left) == pytest.approx([0.0, 0.0])
    xy = np.random.default_rng(0).uniform(-5, 5, (20, 2))
    assert FRAME.to_metres(FRAME.to_pixels(xy)) == pytest.approx(xy)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"resolution": 0.0}, "resolution must be positive, got 0.0"),
        ({"height": 40}, "height must be a multiple of 32 px, got 40"),
        ({"origin": (math.nan, 0.0)}, "origin .*nan"),
        ({"width": 32 * 10**7}, "larger than"),
    ],
)
def test_a_frame_that_cannot_be_is_refused(change, text):
    good = {"resolution": 0.1, "origin": (0.0, 0.0), "height": 64, "width": 64}
    with pytest.raises(ValueError, match=text):
        MapFrame(**good | change)


def test_teams_with_other_frames_differ():
    signatures = {
        MapFrame(0.1, (0.0, 0.0), 64, 64).signature(3),
        MapFrame(0.1, (0.0, 0.0), 64, 64).signature(4),
        MapFrame(0.1, (0.0, 0.1), 64, 64).signature(3),
        MapFrame(0.1, (0.0, 0.0), 64, 96).signature(3),
        MapFrame(0.2, (0.0, 0.0), 64, 64).signature(3),
    }
    assert len(signatures) == 5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(scans, poses), min_size=1, max_size=6))
def test_counts_kept_on_the_way_are_those_of_a_recount(walk):
    own, belief = mapper(), TeamBelief(0, 2, FRAME.shape)
    team_map = TeamMap(belief, own, Source(0, 1))
    told = np.random.default_rng(1).integers(0, 3, FRAME.shape).astype(np.uint8)
    team_map._apply(told, 0, 0)
    for scan, pose in walk:
        before = own.pixels.copy()
        belief.changed[:] = False
        pixels_before = belief.pixels.copy()
        window = own.insert(scan, pose)
        if window is None:
            assert np.array_equal(before, own.pixels)
            continue
        team_map.apply_own(window)
        outside = np.ones(FRAME.shape, bool)
        outside[window.slices] = False
        assert np.array_equal(before[outside], own.pixels[outside])
        assert not ((before != UNKNOWN) & (own.pixels == UNKNOWN)).any()
        changed = (belief.pixels != pixels_before).reshape(16, 4, 24, 4).any(axis=(1, 3))
        assert np.array_equal(changed, belief.changed)
    assert np.array_equal(belief.pixels, np.where(own.pixels != UNKNOWN, own.pixels, told))
    assert (own.pixels[own.log_odds >= OCCUPIED_FROM] == OCCUPIED).all()
    assert (own.pixels[own.log_odds <= FREE_TO] == FREE).all()
    blocks = belief.pixels.reshape(16, 4, 24, 4)
    assert np.array_equal((blocks != UNKNOWN).sum(axis=(1, 3)), belief.known)
    assert np.array_equal((blocks == FREE).sum(axis=(1, 3)), belief.free[0])


def test_a_room_is_free_inside_and_has_walls(box_scan):
    own = mapper()
    for _ in range(3):
        own.insert(box_scan(2.0), Pose(0.0, 0.0, 0.0))
    xy = FRAME.to_metres(np.stack(np.meshgrid(np.arange(64), np.arange(96), indexing="ij"), axis=-1))
    far = np.abs(xy).max(axis=-1)
    assert (own.pixels[far < 1.9] == FREE).all()
    wall = (far > 2.0) & (far < 2.1) & (np.abs(xy).min(axis=-1) < 1.9)
    assert (own.pixels[wall] == OCCUPIED).all()
    assert (own.pixels[far > 2.2] == UNKNOWN).all()


def test_what_has_gone_is_cleared_and_what_has_come_is_noticed(box_scan):
    own = mapper()
    for _ in range(20):
        own.insert(box_scan(1.0), MIDDLE)
    for _ in range(12):
        own.insert(box_scan(2.0), MIDDLE)
    row, col = np.rint(FRAME.to_pixels((1.05 * math.cos(0.4), 1.05 * math.sin(0.4)))).astype(int)
    assert own.pixels[row, col] == FREE
    for _ in range(5):
        own.insert(box_scan(1.0), MIDDLE)
    assert own.pixels[row, col] == OCCUPIED


@pytest.mark.parametrize("clear", [True, False])
def test_rays_without_a_return_clear_their_range_if_wanted(clear):
    own = mapper(clear_infinite=clear)
    ranges = np.full(360, np.inf, np.float32)
    ranges[:20] = 1.0
    own.insert(Scan(ranges, -math.pi, math.pi / 180, 0.1, 2.5, 0.0), Pose(0.0, 0.0, 0.0))
    row, col = np.rint(FRAME.to_pixels((2.0, 0.0))).astype(int)
    assert own.pixels[row, col] == (FREE if clear else UNKNOWN)


def test_a_laser_that_has_never_returned_is_not_believed():
    own = mapper()
    empty = Scan(np.full(360, np.inf, np.float32), -math.pi, math.pi / 180, 0.1, 8.0, 0.0)
    assert own.insert(empty, MIDDLE) is None
    assert own.refused.through_walls == 1


def test_an_empty_scan_is_refused_where_walls_are_known(box_scan):
    own = mapper()
    for _ in range(4):
        own.insert(box_scan(2.0), MIDDLE)
    before = own.log_odds.copy()
    empty = Scan(np.full(360, np.inf, np.float32), -math.pi, math.pi / 180, 0.1, 8.0, 0.0)
    assert own.insert(empty, MIDDLE) is None
    assert own.refused.through_walls == 1
    assert np.array_equal(before, own.log_odds)


def test_a_scan_of_no_readings_is_refused():
    own = mapper()
    for value in (math.nan, -math.inf, 0.0):
        scan = Scan(np.full(90, value, np.float32), -math.pi, math.pi / 45, 0.1, 8.0, 0.0)
        assert own.insert(scan, MIDDLE) is None
    assert own.refused.nothing_read == 3


def test_other_robots_are_no_walls(box_scan):
    own = mapper()
    scan = box_scan(2.0)
    ranges = scan.ranges.copy()
    ranges[170:190] = 1.0  # straight ahead
    scan = Scan(ranges, scan.angle_min, scan.angle_increment, 0.02, 8.0, 0.0)
    masks = np.array([[1.1, 0.0, 0.35]])
    own.insert(scan, Pose(0.0, 0.0, 0.0), masks)
    row, col = np.rint(FRAME.to_pixels((1.02, 0.0))).astype(int)
    assert (own.pixels[row - 1 : row + 2, col - 1 : col + 3] != OCCUPIED).all()
    assert own.pixels[row, col - 4] == FREE


def test_percent_agrees_with_the_pixels(box_scan):
    own = mapper()
    own.insert(box_scan(2.0), MIDDLE)
    pixels = own.pixels.copy()
    pixels[0, 0], pixels[0, 1] = FREE, OCCUPIED  # told by others
    image = percent(pixels, own.log_odds, np.zeros(FRAME.shape, bool))
    assert (image[pixels == UNKNOWN] == -1).all()
    assert ((image >= 0) & (image < 50))[pixels == FREE].all()
    assert (image >= 50)[pixels == OCCUPIED].all()
    assert (image[0, 0], image[0, 1]) == (0, 100)


def test_a_scan_of_360_rays_takes_less_than_3_ms():
    own = OccupancyMap(MapFrame.covering((0.0, 0.0), (50.0, 50.0), 0.1), LidarSpec(), body=0.2)
    scan = Scan(np.full(360, 7.9, np.float32), -math.pi, math.pi / 180, 0.1, 12.0, 0.0)
    seconds = []
    for step in range(30):
        begin = time.process_time()
        own.insert(scan, Pose(25.0 + 0.01 * step, 25.0, 0.1))
        seconds.append(time.process_time() - begin)
    assert np.median(seconds) < 0.003

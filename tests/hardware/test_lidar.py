import math

import numpy as np
import pytest

from pilotfish.hardware.lidar import LidarSpec, Scan, check_ray_count


def scan(**change) -> Scan:
    good = {
        "ranges": np.full(90, 1.0, np.float32),
        "angle_min": -math.pi,
        "angle_increment": math.pi / 45,
        "range_min": 0.1,
        "range_max": 8.0,
        "stamp": 0.0,
    }
    return Scan(**good | change)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ranges": np.zeros(0, np.float32)}, "scan of 0 rays"),
        ({"ranges": np.zeros(30_000, np.float32)}, "scan of 30000 rays"),
        ({"angle_increment": 0.0}, "not one turn"),
        ({"angle_increment": 0.5}, "not one turn"),
        ({"angle_min": math.nan}, "not finite"),
        ({"range_max": math.inf}, "not finite"),
        ({"range_max": 0.05}, "hold nothing"),
    ],
)
def test_what_is_no_scan_is_refused(change, text):
    with pytest.raises(ValueError, match=text):
        scan(**change)


def test_a_wrong_number_of_rays_is_refused_with_both_sizes():
    check_ray_count(360, -math.pi, math.pi, 2 * math.pi / 360)  # last angle left out
    check_ray_count(361, -math.pi, math.pi, 2 * math.pi / 360)
    with pytest.raises(ValueError, match="361 rays, got 100"):
        check_ray_count(100, -math.pi, math.pi, 2 * math.pi / 360)
    with pytest.raises(ValueError, match="not usable"):
        check_ray_count(100, -math.pi, math.pi, 0.0)


def test_a_full_turn_wraps_and_a_half_turn_does_not():
    assert scan().wraps
    assert not scan(angle_increment=math.pi / 90).wraps


def test_points_are_where_rays_returned_in_the_robots_frame():
    ranges = np.full(4 * 8, np.inf, np.float32)
    ranges[[0, 8, 16, 24]] = [1.0, 2.0, 0.03, np.nan]
    seen = scan(ranges=ranges, angle_min=0.0, angle_increment=math.pi / 16)
    points = seen.points(LidarSpec(x=0.1, yaw=math.pi / 2))
    assert points == pytest.approx(np.array([[0.1, 1.0], [-1.9, 0.0]]))


def test_what_is_too_near_to_be_measured_stands_at_the_shortest_range():
    ranges = np.full(4 * 8, np.inf, np.float32)
    ranges[[0, 8, 16, 24]] = [0.2, -np.inf, 0.0, 0.04]  # too near, too near, nothing came back, the robot
    seen = scan(ranges=ranges, angle_min=0.0, angle_increment=math.pi / 16, range_min=0.3)
    assert seen.points(LidarSpec()) == pytest.approx(np.array([[0.3, 0.0], [0.0, 0.3]]))
    assert len(seen.points(LidarSpec(robot_hides=0.3))) == 0, "all of it may be the robot"


@pytest.mark.parametrize("change", [{"max_range": math.inf}, {"max_range": 0.0}, {"yaw": math.nan}])
def test_a_laser_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match="laser"):
        LidarSpec(**change)

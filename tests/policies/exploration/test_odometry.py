import math

import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.exploration.odometry import PoseTrack, compose

SPEC = get_robot("scout")


def track(start=Pose(0.0, 0.0, 0.0)) -> PoseTrack:  # noqa: B008
    return PoseTrack(SPEC, start, timeout=0.5)


def test_the_start_pose_brings_odometry_into_the_map_frame():
    line = track(Pose(1.0, 2.0, math.pi / 2))
    line.add(Pose(0.5, 0.0, 0.1), 1.0, 1.0)
    assert (line.pose.x, line.pose.y) == pytest.approx((1.0, 2.5))
    assert line.pose.yaw == pytest.approx(math.pi / 2 + 0.1)


def test_composing_wraps_the_yaw():
    assert compose(Pose(0, 0, 3.0), Pose(0, 0, 3.0)).yaw == pytest.approx(6.0 - 2 * math.pi)


def test_between_two_poses_it_is_interpolated_also_over_the_wrap():
    line = track()
    line.add(Pose(0.0, 0.0, 3.1), 1.0, 1.0)
    line.add(Pose(0.1, 0.0, -3.1), 1.1, 1.1)
    pose = line.at(1.05, 0.01)
    assert pose.x == pytest.approx(0.05)
    assert abs(pose.yaw) == pytest.approx(math.pi)


def test_outside_of_what_is_known_the_tolerance_counts():
    line = track()
    line.add(Pose(0.0, 0.0, 0.0), 1.0, 1.0)
    assert line.at(1.08, 0.1) is not None
    assert line.at(0.95, 0.1) is not None
    assert line.at(1.2, 0.1) is None
    assert line.at(0.8, 0.1) is None
    assert track().at(1.0, 0.1) is None


@pytest.mark.parametrize("pose", [Pose(2.0, 0.0, 0.0), Pose(0.0, 0.0, 3.0)])
def test_a_jump_is_counted_and_is_no_way_driven(pose):
    line = track()
    line.add(Pose(0.0, 0.0, 0.0), 1.0, 1.0)
    assert line.add(pose, 1.1, 1.1)
    assert (line.teleports, line.travelled, line.settled_at) == (1, 0.0, 1.1)
    assert line.at(1.05, 0.01) is None  # nothing is between
    assert not line.add(Pose(pose.x + 0.05, 0.0, pose.yaw), 1.2, 1.2)
    assert line.travelled == pytest.approx(0.05)


def test_after_a_gap_a_robot_may_be_elsewhere():
    line = track()
    line.add(Pose(0.0, 0.0, 0.0), 1.0, 1.0)
    assert not line.add(Pose(4.0, 0.0, 2.0), 6.0, 6.0)


@pytest.mark.parametrize(
    ("pose", "stamp"), [(Pose(math.nan, 0, 0), 1.0), (Pose(0, 0, 0), math.inf), (Pose(0, 0, 0), 9.0)]
)
def test_poses_that_cannot_be_are_counted_and_dropped(pose, stamp):
    line = track()
    line.add(pose, stamp, 1.0)
    assert line.refused == 1
    assert line.pose is None

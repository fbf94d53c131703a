import math

import numpy as np
import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.limits import Velocity, VelocityLimiter
from pilotfish.hardware.path_follower import PathFollower
from pilotfish.hardware.robots import ROBOTS, get_robot

SPEC = get_robot("scout")
NOTHING = np.empty((0, 2))
LATENCY = 0.5


def drive(follower, pose, points=NOTHING, room=0.0) -> Velocity:
    points = np.asarray(points, float).reshape(-1, 2)
    return follower.drive(pose, points, np.full(len(points), room), LATENCY)


def simulate(spec, path, start, seconds=30.0, wall=None):
    """Poses of a robot that follows a path; ``wall`` is the x [m] of a wall that its laser sees."""
    follower, limiter, pose, poses = PathFollower(spec), VelocityLimiter(spec), start, [start]
    follower.follow(path)
    for tick in range(round(seconds / 0.05)):
        points = NOTHING
        if wall is not None:
            seen = np.column_stack([np.full(400, wall - pose.x), np.linspace(-4, 4, 400)])
            cos, sin = math.cos(-pose.yaw), math.sin(-pose.yaw)
            points = seen @ np.array([[cos, sin], [-sin, cos]])
        velocity = follower.drive(pose, points, np.zeros(len(points)), LATENCY)
        assert 0.0 <= velocity.forward <= spec.max_speed
        assert abs(velocity.turn) <= spec.max_turn_rate
        limiter.command(velocity, tick * 0.05)
        sent = limiter.output(tick * 0.05)
        yaw = pose.yaw + sent.turn * 0.05
        way = sent.forward * 0.05
        pose = Pose(pose.x + way * math.cos(yaw), pose.y + way * math.sin(yaw), yaw)
        poses.append(pose)
    return follower, poses


def distance_to_path(pose, path) -> float:
    best = math.inf
    for (x0, y0), (x1, y1) in zip(path, path[1:], strict=False):
        length2 = (x1 - x0) ** 2 + (y1 - y0) ** 2
        t = min(max(((pose.x - x0) * (x1 - x0) + (pose.y - y0) * (y1 - y0)) / length2, 0.0), 1.0)
        best = min(best, math.hypot(pose.x - x0 - t * (x1 - x0), pose.y - y0 - t * (y1 - y0)))
    return best


@pytest.mark.parametrize("name", sorted(ROBOTS))
@pytest.mark.parametrize("yaw", [0.0, 3.0])
def test_it_follows_corners_closely_and_arrives(name, yaw):
    corners = [(2.0, 0.0), (2.0, 1.5), (3.0, 2.0), (2.5, 0.0)]
    follower, poses = simulate(get_robot(name), corners, Pose(0.0, 0.0, yaw))
    assert follower.arrived
    assert math.hypot(poses[-1].x - 2.5, poses[-1].y) < 0.12
    assert max(distance_to_path(pose, [(0.0, 0.0), *corners]) for pose in poses) < 0.1


@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_it_stops_before_a_wall(name):
    spec = get_robot(name)
    follower, poses = simulate(spec, [(5.0, 0.0)], Pose(0.0, 0.0, 0.0), wall=2.0)
    assert follower.blocked
    assert follower.obstacle == pytest.approx((2.0, 0.0), abs=0.02)
    gap = 2.0 - spec.radius - max(pose.x for pose in poses)
    assert 0.02 < gap < 0.2


def test_it_turns_on_the_spot_where_it_cannot_drive():
    follower = PathFollower(SPEC)
    follower.follow([(0.0, 2.0)])
    velocity = drive(follower, Pose(0.0, 0.0, 0.0), [[0.25, 0.0]])
    assert velocity.forward == 0.0
    assert velocity.turn > 0.0
    assert not follower.blocked


def test_what_stands_behind_or_beside_does_not_stop_it():
    follower = PathFollower(SPEC)
    follower.follow([(2.0, 0.0)])
    assert drive(follower, Pose(0.0, 0.0, 0.0), [[-0.25, 0.0], [0.5, 0.4]]).forward > 0.5


def test_it_creeps_past_what_hardly_leaves_room():
    follower = PathFollower(SPEC)
    follower.follow([(2.0, 0.0)])
    velocity = drive(follower, Pose(0.0, 0.0, 0.0), [[0.05, SPEC.radius + 0.01]])
    assert 0.0 < velocity.forward <= follower.gains.creep


def test_half_of_the_gap_is_left_to_what_may_move():
    """Two that drive at each other stop before they meet: each takes its half."""
    for room in (0.05, 0.15):
        follower = PathFollower(SPEC)
        follower.follow([(4.0, 0.0)])
        gap, stop = 0.3, follower.gains.stop_before
        speed = drive(follower, Pose(0.0, 0.0, 0.0), [[gap + SPEC.radius + room, 0.0]], room=room).forward
        assert speed == pytest.approx(SPEC.speed_to_stop_within(gap / 2 - stop, LATENCY))
        assert speed < SPEC.speed_to_stop_within(gap - stop, LATENCY)


@pytest.mark.parametrize("degrees", [60, 90, 120, 180])
def test_two_whose_ways_cross_stop_before_they_meet(degrees):
    """Each sees the other from the side, not ahead; still it keeps to its half of what is between them."""
    poses = [Pose(-1.5 * math.cos(yaw), -1.5 * math.sin(yaw), yaw) for yaw in (0.0, math.radians(degrees))]
    followers, wheels = [PathFollower(SPEC) for _ in poses], [VelocityLimiter(SPEC) for _ in poses]
    for follower, pose in zip(followers, poses, strict=True):
        follower.follow([(-2 * pose.x, -2 * pose.y)])  # both would be in the middle at the same time
    nearest = math.inf
    for tick in range(120):
        apart = math.dist((poses[0].x, poses[0].y), (poses[1].x, poses[1].y))
        nearest = min(nearest, apart)
        seen = []
        for pose, other in zip(poses, reversed(poses), strict=True):
            bearing = math.atan2(other.y - pose.y, other.x - pose.x) - pose.yaw
            surface = (apart - SPEC.radius) * np.array([math.cos(bearing), math.sin(bearing)])
            seen.append(surface)
        for k, pose in enumerate(poses):
            wheels[k].command(drive(followers[k], pose, seen[k], room=0.05), tick * 0.05)
            sent = wheels[k].output(tick * 0.05)
            yaw, way = pose.yaw + sent.turn * 0.05, sent.forward * 0.05
            poses[k] = Pose(pose.x + way * math.cos(yaw), pose.y + way * math.sin(yaw), yaw)
    assert 2 * SPEC.radius < nearest < 1.0


def test_what_moves_is_given_more_room():
    follower = PathFollower(SPEC)
    follower.follow([(2.0, 0.0)])
    beside = [[0.15, SPEC.radius + 0.1]]
    assert drive(follower, Pose(0.0, 0.0, 0.0), beside).forward > 0.5
    assert drive(follower, Pose(0.0, 0.0, 0.0), beside, room=0.15).forward == 0.0


def test_without_a_path_it_stands():
    follower = PathFollower(SPEC)
    assert follower.arrived
    assert drive(follower, Pose(0.0, 0.0, 0.0)) == Velocity()

"""What every back end with laser scanners promises; a new one is tested by being listed in the registry."""

import numpy as np
import pytest

from pilotfish.worlds.laser_world import Laser, LaserWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.registry import ANSWERED_ELSEWHERE, LASER_BACKENDS, laser_backend

DT = 0.05
RADIUS = 0.2
LASER = Laser(rays=72, reach=6.0)


@pytest.fixture(scope="module")
def hall() -> GridMap:
    """4 m x 6 m, cells of 0.1 m, with a block of 1 m x 0.4 m in its middle."""
    walls = np.zeros((40, 60), bool)
    walls[15:25, 28:32] = True
    return GridMap("hall", walls, resolution=0.1, origin=(-1.0, 2.0))


@pytest.fixture(params=LASER_BACKENDS)
def make(request, hall):
    """make([(row, col), ...]) -> world in the hall; closed at the end."""
    worlds = []

    def build(*cells):
        starts = np.array([row * hall.width + col for row, col in cells], np.int32)
        worlds.append(laser_backend(request.param)(hall, starts, RADIUS, LASER))
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


def drive(world, velocity, seconds):
    for _ in range(round(seconds / DT)):
        poses = world.step(np.asarray(velocity, dtype=np.float64), DT)
    return poses


def face(world, yaw):
    """Turn robot 0 on the spot; the others stand."""
    robots = len(world.scan())
    poses = world.step(np.zeros((robots, 2)), DT)
    turn = np.zeros((robots, 2))
    turn[0, 1] = ((yaw - poses[0, 2] + np.pi) % (2 * np.pi) - np.pi) / 2
    drive(world, turn, 2.0)
    return drive(world, np.zeros((robots, 2)), 0.3)


def ray(world, robot, yaw, angle):
    """Range of the ray of a robot that looks nearest to an angle of the map frame."""
    index = np.argmin(np.abs((LASER.angles + yaw - angle + np.pi) % (2 * np.pi) - np.pi))
    return float(world.scan()[robot, index])


def test_it_is_a_laser_world(make):
    world = make((20, 10))
    assert isinstance(world, LaserWorld) and world.laser == LASER


def test_ranges_are_to_walls_in_the_robots_own_frame(make):
    world = make((20, 10))  # at x 0.05, y 3.95
    for seed in range(3):
        x, y, yaw = world.reset(seed)[0].tolist()
        assert (x, y) == pytest.approx((0.05, 3.95), abs=1e-3)
        scan = world.scan()
        assert scan.shape == (1, 72) and scan.dtype == np.float32
        assert ray(world, 0, yaw, 0.0) == pytest.approx(1.75, abs=0.02)  # the block
        assert ray(world, 0, yaw, np.pi) == pytest.approx(1.05, abs=0.02)
        assert ray(world, 0, yaw, np.pi / 2) == pytest.approx(2.05, abs=0.02)
        assert ray(world, 0, yaw, -np.pi / 2) == pytest.approx(1.95, abs=0.02)


def test_what_is_out_of_reach_is_infinite(hall):
    for name in LASER_BACKENDS:
        starts = np.array([20 * hall.width + 10], np.int32)
        world = laser_backend(name)(hall, starts, RADIUS, Laser(8, 1.4))
        scan = world.scan()[0]
        assert np.isinf(scan).sum() == 7 and scan.min() == pytest.approx(1.05, abs=0.02)
        world.close()


def test_others_are_seen_and_oneself_is_not(make):
    world = make((5, 10), (5, 20))
    yaw = world.reset(0)[:, 2]
    assert ray(world, 0, yaw[0], 0.0) == pytest.approx(1.0 - RADIUS, abs=0.03)
    assert ray(world, 1, yaw[1], np.pi) == pytest.approx(1.0 - RADIUS, abs=0.03)


def test_a_wall_stops_who_drives_into_it_and_counts_once(make):
    world = make((20, 20))
    face(world, 0.0)
    poses = drive(world, [[0.5, 0.0]], 4.0)
    assert poses[0, 0] < 1.8 - 0.9 * RADIUS, "it went through the block"
    assert world.overlaps() >= 1
    assert ray(world, 0, poses[0, 2], 0.0) < RADIUS + 0.1
    face(world, np.pi)
    assert drive(world, [[0.5, 0.0]], 1.0)[0, 0] < poses[0, 0] - 0.3, "it cannot get away"


def test_a_robot_stops_who_drives_into_it(make):
    world = make((5, 10), (5, 20))
    face(world, 0.0)
    poses = drive(world, [[0.5, 0.0], [0.0, 0.0]], 3.0)
    assert np.hypot(*(poses[0, :2] - poses[1, :2])) > 1.9 * RADIUS
    assert world.overlaps() >= 1


def test_reset_starts_over(make):
    world = make((20, 20), (20, 10))
    first = world.reset(5)
    drive(world, np.full((2, 2), 0.3), 1.0)
    np.testing.assert_allclose(world.reset(5), first, atol=1e-6)
    assert world.overlaps() == 0


def test_back_ends_see_alike(hall):
    starts = np.array([20 * hall.width + 10, 7 * hall.width + 45], np.int32)
    scans = []
    for name in LASER_BACKENDS:
        world = laser_backend(name)(hall, starts, RADIUS, LASER)
        world.reset(1)
        scans.append(world.scan())
        world.close()
    for other in scans[1:]:
        assert np.median(np.abs(other - scans[0])) < 0.02


def test_unknown_and_unbuilt_back_ends_say_so():
    with pytest.raises(ValueError, match="unknown backend 'unreal': there are grid, pybullet"):
        laser_backend("unreal")
    for name in ANSWERED_ELSEWHERE:
        with pytest.raises(ValueError, match=f"backend '{name}'"):
            laser_backend(name)


@pytest.mark.parametrize(("rays", "reach"), [(0, 8.0), (10, 0.0), (10, float("nan"))])
def test_a_laser_without_rays_or_reach_is_refused(rays, reach):
    with pytest.raises(ValueError, match="rays and a reach"):
        Laser(rays, reach)

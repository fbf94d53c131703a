import numpy as np
import pytest

from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.grid.scenario import Scenario
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.pybullet.bench import measure, shelves
from pilotfish.worlds.pybullet.fleet import PyBulletFleetWorld
from pilotfish.worlds.pybullet.overlaps import OverlapCounter

DRIVES = ("wheels", "planar")


@pytest.fixture
def corridor() -> GridMap:
    walls = np.ones((3, 12), dtype=bool)
    walls[1, 1:-1] = False
    return GridMap(name="corridor", walls=walls, resolution=0.5, origin=(2.0, -1.0))


def drive_for(world: PyBulletFleetWorld, velocity, seconds: float, dt: float = 0.05) -> np.ndarray:
    for _ in range(round(seconds / dt)):
        poses = world.step(np.asarray(velocity, dtype=float), dt)
    return poses


@pytest.mark.parametrize("drive", DRIVES)
def test_starts_on_the_scenario_cells_and_stays_there(corridor, drive):
    world = PyBulletFleetWorld(corridor, 3, drive=drive)
    assert isinstance(world, FleetWorld)
    poses = world.reset(seed=4)
    starts = corridor.cell_centre(Scenario(corridor, 3, 4).starts)
    np.testing.assert_allclose(poses[:, :2], starts, atol=1e-6)
    rested = drive_for(world, np.zeros((3, 2)), 1.0)
    np.testing.assert_allclose(rested, poses, atol=2e-3)
    assert world.overlaps() == 0
    world.close()


@pytest.mark.parametrize("drive", DRIVES)
def test_velocity_commands_are_followed(drive):
    world = PyBulletFleetWorld(GridMap("hall", np.zeros((12, 12), dtype=bool)), 1, drive=drive)
    start = world.reset(seed=0)[0]
    ahead = drive_for(world, [[0.5, 0.0]], 2.0)[0]
    heading = np.array([np.cos(start[2]), np.sin(start[2])])
    assert (ahead[:2] - start[:2]) @ heading == pytest.approx(1.0, abs=0.12)
    drive_for(world, [[0.0, 0.0]], 1.0)
    before = world.step(np.zeros((1, 2)), 0.05)[0]
    after = drive_for(world, [[0.0, 0.8]], 1.5)[0]
    turned = (after[2] - before[2] + np.pi) % (2 * np.pi) - np.pi
    assert turned == pytest.approx(1.2, abs=0.15)
    np.testing.assert_allclose(after[:2], before[:2], atol=0.02)
    world.close()


@pytest.mark.parametrize("drive", DRIVES)
def test_same_seed_same_episode_and_worlds_do_not_disturb_each_other(drive):
    grid = shelves()
    velocity = np.random.default_rng(0).uniform([0.0, -1.5], [1.0, 1.5], (20, 6, 2))

    def episode(world: PyBulletFleetWorld) -> np.ndarray:
        world.reset(seed=7)
        return np.array([world.step(v, 0.1) for v in velocity])

    first, other = PyBulletFleetWorld(grid, 6, drive=drive), PyBulletFleetWorld(grid, 6, drive=drive)
    other.reset(seed=1)
    reference = episode(first)
    np.testing.assert_array_equal(episode(first), reference)
    np.testing.assert_array_equal(episode(other), reference)
    first.close()
    np.testing.assert_array_equal(episode(other), reference)
    other.close()


@pytest.mark.parametrize("drive", DRIVES)
def test_walls_and_robots_stop_robots_and_every_bump_is_counted(corridor, drive):
    world = PyBulletFleetWorld(corridor, 2, drive=drive)
    world.reset(seed=0)
    poses = drive_for(world, [[0.5, 0.0], [0.5, 0.0]], 12.0)
    assert world.overlaps() > 0
    assert not corridor.walls.ravel()[corridor.cell_at(poses[:, :2])].any()
    assert np.hypot(*(poses[0, :2] - poses[1, :2])) > 1.9 * world.radius
    world.reset(seed=0)
    assert world.overlaps() == 0
    world.close()


def test_time_that_is_no_multiple_of_the_timestep_is_not_lost():
    hall = GridMap("hall", np.zeros((8, 8), dtype=bool))
    fine, coarse = PyBulletFleetWorld(hall, 1), PyBulletFleetWorld(hall, 1)
    fine.reset(0), coarse.reset(0)
    a, b = drive_for(fine, [[0.4, 0.0]], 1.0, dt=0.005), drive_for(coarse, [[0.4, 0.0]], 1.0, dt=0.1)
    np.testing.assert_allclose(a, b, atol=2 * 0.4 * fine.timestep)
    fine.close(), coarse.close()


def test_overlaps_count_beginnings_not_durations(corridor):
    counter = OverlapCounter(corridor, radius=0.18)
    one, far = corridor.cell_centre(np.array([14, 20]))
    near = one + [0.35, 0.0]
    at_wall = one + [0.0, 0.08]
    assert counter.update(np.array([one, far])) == 0
    assert counter.update(np.array([one, near])) == 1
    assert counter.update(np.array([one, near])) == 1
    assert counter.update(np.array([one, far])) == 1
    assert counter.update(np.array([at_wall, far])) == 2
    assert counter.update(np.array([one, near])) == 3


def test_bad_arguments_name_the_value(corridor):
    with pytest.raises(ValueError, match="'legs'"):
        PyBulletFleetWorld(corridor, 1, drive="legs")
    with pytest.raises(ValueError, match="0.3"):
        PyBulletFleetWorld(corridor, 1, radius=0.3)
    world = PyBulletFleetWorld(corridor, 2)
    with pytest.raises(RuntimeError, match="reset"):
        world.step(np.zeros((2, 2)), 0.1)
    world.reset(0)
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        world.step(np.zeros((3, 2)), 0.1)
    world.close()


def test_thirty_two_robots_leave_most_of_a_core_free():
    assert measure(32, "wheels", seconds=1.0)["core_share"] < 0.5

"""What every fleet back end promises; a new one is tested by being listed in the registry."""

import numpy as np
import pytest

from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.registry import ANSWERED_ELSEWHERE, FLEET_BACKENDS, fleet_backend, make_fleet_world

DT = 0.05
RADIUS = 0.3


@pytest.fixture(scope="module")
def hall() -> GridMap:
    walls = np.zeros((8, 10), dtype=bool)
    walls[3:5, 4:6] = True
    return GridMap("hall", walls)


@pytest.fixture(params=FLEET_BACKENDS)
def make(request, hall):
    """make(n_robots, seed, grid) -> world; closed at the end."""
    worlds = []

    def build(n_robots=4, seed=7, grid=hall):
        worlds.append(make_fleet_world(request.param, grid, n_robots, seed, RADIUS))
        return worlds[-1]

    yield build
    for world in worlds:
        world.close()


def drive(world, velocity, seconds):
    for _ in range(round(seconds / DT)):
        poses = world.step(np.asarray(velocity, dtype=np.float64), DT)
    return poses


def test_it_is_a_fleet_world(make):
    assert isinstance(make(), FleetWorld)


def test_robots_start_on_the_centres_of_free_cells_of_their_own(make, hall):
    poses = make().reset(7)
    assert poses.shape == (4, 3) and poses.dtype == np.float64
    cells = hall.cell_at(poses[:, :2])
    assert len(set(cells.tolist())) == 4
    assert not hall.walls.ravel()[cells].any()
    np.testing.assert_allclose(poses[:, :2], hall.cell_centre(cells), atol=1e-3)


def test_every_back_end_starts_the_same_scenario_alike(hall):
    starts = [make_fleet_world(name, hall, 4, 7, RADIUS).reset(7)[:, :2] for name in FLEET_BACKENDS]
    for other in starts[1:]:
        np.testing.assert_allclose(other, starts[0], atol=1e-3)


def test_at_rest_they_stay(make):
    world = make()
    before = world.reset(7)
    after = drive(world, np.zeros((4, 2)), 1.0)
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=0.01)
    assert world.overlaps() == 0


def test_forward_is_along_the_heading(make):
    corridor = GridMap("corridor", np.zeros((1, 12), dtype=bool))
    world = make(1, 3, corridor)
    before = world.reset(3)[0]
    # Turn to face the far end first: +x from the left half, -x from the right half.
    target = 0.0 if before[0] < 6 else np.pi
    error = (target - before[2] + np.pi) % (2 * np.pi) - np.pi
    drive(world, [[0.0, error / 2.0]], 2.0)
    turned = drive(world, [[0.0, 0.0]], 0.5)[0]
    after = drive(world, [[0.5, 0.0]], 2.0)[0]
    moved = after[:2] - turned[:2]
    heading = np.array([np.cos(turned[2]), np.sin(turned[2])])
    assert moved @ heading == pytest.approx(1.0, abs=0.15)
    assert abs(moved[0] * heading[1] - moved[1] * heading[0]) < 0.1


def test_a_positive_turn_rate_is_counter_clockwise(make):
    world = make(1, 7)
    before = world.reset(7)[0]
    after = drive(world, [[0.0, 0.5]], 1.0)[0]
    turned = (after[2] - before[2] + np.pi) % (2 * np.pi) - np.pi
    assert turned == pytest.approx(0.5, abs=0.1)


def test_the_same_commands_give_the_same_poses(make):
    commands = np.random.default_rng(0).uniform([-0.2, -1.0], [0.6, 1.0], size=(40, 4, 2))
    runs = []
    for world in (make(), make()):
        world.reset(7)
        runs.append([world.step(command, DT) for command in commands])
    np.testing.assert_array_equal(runs[0], runs[1])


def test_reset_starts_over(make):
    world = make()
    first = world.reset(7)
    drive(world, np.full((4, 2), 0.4), 1.0)
    np.testing.assert_allclose(world.reset(7), first, atol=1e-6)
    assert world.overlaps() == 0


def test_robots_that_meet_are_counted(make):
    """Two robots in a corridor, one drives into the other."""
    corridor = GridMap("corridor", np.zeros((1, 4), dtype=bool))
    world = make(2, 1, corridor)
    poses = world.reset(1)
    pusher, other = (0, 1) if poses[0, 0] < poses[1, 0] else (1, 0)
    turn = np.zeros((2, 2))
    turn[pusher, 1] = ((-poses[pusher, 2] + np.pi) % (2 * np.pi) - np.pi) / 2
    drive(world, turn, 2.0)
    push = np.zeros((2, 2))
    push[pusher, 0] = 0.6
    drive(world, push, 6.0)
    assert world.overlaps() >= 1


def test_a_map_without_room_is_refused(make):
    tiny = GridMap("tiny", np.zeros((1, 2), dtype=bool))
    with pytest.raises(ValueError, match="tiny"):
        make(5, 0, tiny)


def test_unknown_and_unbuilt_back_ends_say_so():
    with pytest.raises(ValueError, match="unknown backend 'unreal': there are grid, pybullet"):
        fleet_backend("unreal")
    for name in ANSWERED_ELSEWHERE:
        with pytest.raises(ValueError, match=f"backend '{name}'.*not built"):
            fleet_backend(name)

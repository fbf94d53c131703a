"""The simulated world: starts, driving, time, and that nothing leaks between separated robots."""

from itertools import combinations

import numpy as np
import pytest

from pilotfish.policies.exploration.blocks import FREE
from pilotfish.worlds.exploration.radio import Radio
from pilotfish.worlds.exploration.world import START_PIXEL, STRIDE, ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map

CLOSED = Radio(13.0, 13.0)
STAY = np.empty((0, 2))


def corridor(length: int = 400) -> GridMap:
    """A straight corridor of 8 px, walled all around."""
    walls = np.ones((44, length), bool)
    walls[18:26, 4 : length - 4] = False
    return GridMap("corridor", walls)


def with_start(grid: GridMap, cells) -> GridMap:
    cells = np.asarray(cells, np.int32)
    return GridMap(grid.name, grid.walls, cells, cells)


def start_in_the_middle(grid: GridMap) -> GridMap:
    return with_start(grid, [22 * grid.width + grid.width // 2])


def arrays(belief) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(belief).items() if isinstance(value, np.ndarray)}


def drive_apart(world, steps: int) -> None:
    for _ in range(steps):
        left, right = (world.position[robot] + [0, 15 * (2 * robot - 1)] for robot in (0, 1))
        world.step([left[None], right[None]])


def test_all_robots_start_on_the_128th_start_cell():
    grid = load_map("gen:hybrid?size=120&seed=0")
    world = ExplorationWorld(grid, 3)
    world.reset(5)
    expected = divmod(int(grid.starts[127]), grid.width)
    assert START_PIXEL == 127
    assert world.position.tolist() == [list(map(float, expected))] * 3


def test_a_smaller_blob_starts_on_its_last_cell_and_no_blob_on_a_free_one():
    grid = with_start(corridor(), [22 * 400 + 50, 22 * 400 + 51])
    world = ExplorationWorld(grid, 2)
    world.reset(0)
    assert world.position[1].tolist() == [22, 51]
    world = ExplorationWorld(corridor(), 2)
    places = {tuple(world.reset(seed) and world.position[0]) for seed in range(8)}
    assert len(places) > 4
    assert all(not corridor().walls[int(row), int(col)] for row, col in places)


def test_the_seed_fixes_everything():
    grid = load_map("gen:hybrid?size=120&seed=0")
    world = ExplorationWorld(grid, 2, "random")
    world.reset(3)
    radio, pixels = world.radio, world.beliefs[0].pixels.copy()
    world.reset(4)
    assert world.radio != radio
    world.reset(3)
    assert world.radio == radio
    np.testing.assert_array_equal(world.beliefs[0].pixels, pixels)


def test_a_step_drives_one_stride_along_the_corners_and_takes_its_time():
    world = ExplorationWorld(start_in_the_middle(corridor()), 2)
    world.reset(0)
    world.step([np.array([[22, 206], [20, 206], [20, 300]]), np.array([[22, 204]])])
    assert world.time == STRIDE
    assert world.travelled.tolist() == [STRIDE, 4.0]
    assert world.position.tolist() == [[20, 213], [22, 204]]
    assert world.beliefs[0].travelled[0] == STRIDE and world.beliefs[0].now == STRIDE


def test_to_stay_is_an_action():
    world = ExplorationWorld(start_in_the_middle(corridor()), 2)
    world.reset(0)
    before = world.position.copy()
    result = world.step([STAY, np.array([[22, 205]])])
    assert world.time == STRIDE and world.travelled[0] == 0
    assert world.position[0].tolist() == before[0].tolist() and not result.done


def test_the_last_position_is_never_in_a_wall():
    grid = corridor()
    world = ExplorationWorld(start_in_the_middle(grid), 1)
    world.reset(0)
    world.step([np.array([[25.6, 203.0]])])
    row, col = np.rint(world.position[0]).astype(int)
    assert not grid.walls[row, col]


def test_a_position_beside_the_edge_of_an_open_map_stays_on_it():
    walls = np.ones((40, 40), bool)
    walls[-4:, :] = False  # free up to the last row
    walls[-1, 20] = True
    world = ExplorationWorld(GridMap("open", walls), 1)
    world.reset(0)
    point = world._beside_walls(np.array([39.2, 20.1]))
    row, col = np.rint(point).astype(int)
    assert row < 40 and not walls[row, col]


def test_robots_in_contact_know_the_same_and_know_that():
    world = ExplorationWorld(start_in_the_middle(corridor()), 2, Radio(0.0, 0.0))
    world.reset(0)
    drive_apart(world, 5)
    one, other = world.beliefs
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.connected.all() and other.connected.all()
    assert one.surplus().tolist() == [0, 0]
    np.testing.assert_array_equal(one.position, world.position.astype(np.float32))


def test_what_a_robot_learns_after_a_separation_never_appears_at_the_other():
    world = ExplorationWorld(start_in_the_middle(corridor()), 2, CLOSED)
    world.reset(0)
    drive_apart(world, 4)  # 120 px apart: further than the radio reaches
    one, other = world.beliefs
    assert not one.connected[1] and not other.connected[0]
    before = {name: value.copy() for name, value in arrays(other).items()}
    for _ in range(3):
        world.step([(world.position[0] - [0, 15])[None], STAY])
    assert (one.pixels == FREE).sum() > (before["pixels"] == FREE).sum()
    assert one.surplus()[1] > 0
    for name in ("pixels", "known", "free"):
        np.testing.assert_array_equal(getattr(other, name), before[name], err_msg=name)
    np.testing.assert_array_equal(other.position[0], before["position"][0])
    assert other.stamp[0] == before["stamp"][0] < other.stamp[1]
    # To force the leak: scribble over everything that one robot holds.
    for value in arrays(one).values():
        value[...] = 1
    for name in ("pixels", "known", "free"):
        np.testing.assert_array_equal(getattr(other, name), before[name], err_msg=name)


def test_no_array_of_a_belief_is_another_robots():
    world = ExplorationWorld(load_map("gen:hybrid?size=120&seed=0"), 3, "full")
    world.reset(0)
    world.step([STAY] * 3)
    for one, other in combinations(world.beliefs, 2):
        for name, value in arrays(one).items():
            for other_name, other_value in arrays(other).items():
                assert not np.shares_memory(value, other_value), (name, other_name)


def test_maps_meet_again_after_a_separation():
    world = ExplorationWorld(start_in_the_middle(corridor()), 2, CLOSED)
    world.reset(0)
    drive_apart(world, 5)
    one, other = world.beliefs
    assert (one.pixels != other.pixels).any()
    for _ in range(5):
        world.step([(world.position[0] + [0, 15])[None], (world.position[1] - [0, 15])[None]])
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.met.tolist() == [world.time] * 2


def test_done_when_every_robot_knows_it_all(check_counts):
    world = ExplorationWorld(start_in_the_middle(corridor(600)), 2, CLOSED)
    world.reset(0)
    for col in (80, 180, 420, 520):  # carried there, out of reach of the other
        world.position[0] = [22, col]
        result = world.step([STAY, STAY])
    assert result.known[0] == result.team_known > 0.99 > result.known[1]
    assert not result.done
    world.position[0] = [22, 300]
    result = world.step([STAY, STAY])
    assert result.done and result.known[1] > 0.99
    for belief in world.beliefs:
        check_counts(belief)


def test_what_cannot_be_reached_is_no_part_of_the_task():
    grid = corridor(120)
    grid.walls[2:10, 4:60] = False  # a chamber without a door
    world = ExplorationWorld(with_start(grid, [22 * 120 + 60]), 1)
    world.reset(0)
    result = world.step([STAY])
    assert result.known[0] == pytest.approx(1.0) and result.done


def test_sizes_that_are_no_multiple_of_a_block_are_padded_with_wall():
    walls = np.ones((43, 121), bool)
    walls[18:43, 4:121] = False
    world = ExplorationWorld(with_start(GridMap("odd", walls), [30 * 121 + 60]), 1)
    world.reset(0)
    assert world.walls.shape == (44, 124) and world.walls[43].all() and world.walls[:, 121:].all()


def test_a_team_of_none_is_refused():
    with pytest.raises(ValueError, match="at least one robot, got 0"):
        ExplorationWorld(corridor(), 0)

"""The grid fleet: POGEMA's semantics, by hand-worked cases, properties and published checksums."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.policies.fleet import DOWN, LEFT, RIGHT, STAY, UP
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.grid.pogema_interface import GridConfig, PogemaFleet
from pilotfish.worlds.grid.scenario import Scenario
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map

SHARED = Path(__file__).parents[4] / "shared" / "data" / "mapf"


def fleet_at(rows: list[str], cells: list[int], goal: int = -1) -> GridFleet:
    """A fleet whose agents stand on given cells, with goals out of the way."""
    # Rows behind a wall give ``reset`` room for the agents; they play no part.
    width = len(rows[0])
    rows = [*rows, "#" * width, *["." * width] * 8]
    walls = np.array([[c == "#" for c in row] for row in rows])
    fleet = GridFleet(GridMap("hand", walls), len(cells))
    fleet.reset(0)
    fleet._position = fleet._pad(np.array(cells, dtype=np.int32))
    fleet._goal.fill(goal)
    fleet._occupant.fill(-1)
    fleet._occupant[fleet._position] = np.arange(len(cells))
    return fleet


@pytest.mark.parametrize(
    ("rows", "cells", "actions", "after"),
    [
        (["...."], [0, 1], [RIGHT, RIGHT], [1, 2]),  # following
        (["...."], [0, 1], [RIGHT, LEFT], [0, 1]),  # a swap: both stay
        (["...."], [0, 2], [RIGHT, LEFT], [1, 2]),  # one cell, two agents: the lower index
        (["...."], [2, 0], [LEFT, RIGHT], [1, 0]),
        (["...."], [0, 1], [RIGHT, STAY], [0, 1]),  # who stays, keeps the cell
        (["....."], [0, 1, 2], [RIGHT, RIGHT, STAY], [0, 1, 2]),  # and those behind stay, in cascade
        (["....."], [3, 0, 1], [LEFT, RIGHT, RIGHT], [2, 0, 1]),  # 2 loses the cell to 0, then 1 to 2
        (["..", ".."], [0, 1, 3, 2], [RIGHT, DOWN, LEFT, UP], [1, 3, 2, 0]),  # a rotation
        ([".#"], [0], [RIGHT], [0]),  # into a wall
        ([".."], [0], [UP], [0]),  # off the map
    ],
)
def test_conflicts(rows, cells, actions, after):
    fleet = fleet_at(rows, cells)
    assert fleet.step(np.array(actions)).cell.tolist() == after


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 14), st.floats(0.0, 0.4), st.floats(0.05, 0.9))
def test_moves_are_legal(seed, size, density, crowd):
    rng = np.random.default_rng(seed)
    walls = rng.random((size, size)) < density
    walls[0, :2] = False
    grid = GridMap("any", walls)
    fleet = GridFleet(grid, max(1, int(crowd * (~walls).sum() / 2)))
    try:
        before = fleet.reset(seed).cell
    except ValueError:
        return  # components too small for so many agents
    for _ in range(30):
        now = fleet.step(rng.integers(0, 5, fleet.n_agents)).cell
        assert len(set(now.tolist())) == len(now), "two agents in a cell"
        assert not walls.ravel()[now].any(), "an agent in a wall"
        rows, cols = np.divmod(now, size)
        rows0, cols0 = np.divmod(before, size)
        assert (abs(rows - rows0) + abs(cols - cols0) <= 1).all(), "a jump"
        moved = {(a, b) for a, b in zip(before.tolist(), now.tolist(), strict=True) if a != b}
        assert not any((b, a) in moved for a, b in moved), "a swap"
        before = now


def test_goals_do_not_depend_on_the_policy():
    grid = load_map("gen:random?size=12&density=0.1&seed=3")
    streams = []
    for policy_seed in (1, 2):
        fleet = GridFleet(grid, 20)
        goals = [[g] for g in fleet.reset(7).goal.tolist()]
        rng = np.random.default_rng(policy_seed)
        for _ in range(600):
            observation = fleet.step(rng.integers(0, 5, 20))
            for agent in np.flatnonzero(fleet.reached):
                goals[agent].append(int(observation.goal[agent]))
        streams.append(goals)
    for one, other in zip(*streams, strict=True):
        common = min(len(one), len(other))
        assert one[:common] == other[:common]
    assert sum(map(len, streams[0])) > 30


def test_same_seed_same_episode():
    grid = load_map("warehouse-small")
    runs = []
    for _ in range(2):
        fleet = GridFleet(grid, 8)
        fleet.reset(5)
        rng = np.random.default_rng(0)
        runs.append([fleet.step(rng.integers(0, 5, 8)).cell.tolist() for _ in range(200)])
    assert runs[0] == runs[1]


def test_standing_on_goals_forever_refills_them():
    """Agents in a two-cell component score every other step: far more goals than are drawn at once."""
    fleet = GridFleet(GridMap("pair", np.zeros((1, 2), dtype=bool)), 1)
    observation = fleet.reset(0)
    reached = 0
    for _ in range(400):
        action = STAY if observation.goal[0] == observation.cell[0] else LEFT + (observation.goal[0] > 0)
        observation = fleet.step([action])
        reached += int(fleet.reached[0])
    assert reached == 400


def test_observation_windows():
    fleet = fleet_at(["....", ".#..", "...."], [0, 6])
    observation = fleet.observe()
    assert observation.window.sum() == 4  # each sees itself and the other
    assert observation.window[0, 5, 5] == 1 and observation.window[0, 6, 7] == 1
    assert fleet.wall_windows()[0, 6, 6] == 1 and fleet.wall_windows()[0, 4, 5] == 1


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0], "expected 2 actions"),
        ([0, 5], "agent 1"),
        ([-1, 0], "agent 0"),
        ([0, 256], "agent 1: action 256"),
    ],
)
def test_bad_actions_are_named(actions, message):
    with pytest.raises(ValueError, match=message):
        fleet_at(["...."], [0, 2]).step(np.array(actions))


def test_too_many_agents():
    with pytest.raises(ValueError, match="room for 2 agents, not for 3"):
        GridFleet(GridMap("small", np.zeros((2, 2), dtype=bool)), 3).reset(0)


@pytest.mark.skipif(not SHARED.exists(), reason=f"needs the published checksums in {SHARED}")
def test_starts_and_goals_match_the_published_checksums():
    data = json.loads((SHARED / "scenario_crc32.json").read_text())
    for key, expected in data["crc32"].items():
        name, agents, seed = key.split("|")
        if name == "toy_warehouse":
            grid = GridConfig(map="\n".join(data["toy_warehouse"])).grid()
        else:
            grid = load_map(f"{SHARED / 'training-maps.yaml'}#{name}")
        scenario = Scenario(grid, int(agents), int(seed))
        goals = [[scenario.first_goals[i], *scenario.take(i, 19)] for i in range(int(agents))]
        drawn = scenario.starts.astype(np.int32).tobytes() + np.array(goals, dtype=np.int32).tobytes()
        assert zlib.crc32(drawn) == expected, key


def test_pogema_interface():
    env = PogemaFleet(
        GridConfig(map="....\n.#..\n....", num_agents=2, seed=1, obs_radius=2, max_episode_steps=5)
    )
    observations, _ = env.reset()
    assert set(observations[0]) == {"obstacles", "agents", "xy", "target_xy"}
    assert observations[0]["xy"] == (0, 0) and observations[0]["obstacles"].shape == (5, 5)
    for _ in range(5):
        observations, rewards, terminated, truncated, infos = env.step([1, 4])
    # Agent 0 went up to row 0: one wall ring above it, free beyond, as POGEMA 1.3.0 shows it.
    assert observations[0]["obstacles"][:2, 2:].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert truncated == [True, True] and terminated == [False, False]
    assert "avg_throughput" in infos[0]["metrics"] and len(rewards) == 2


@pytest.mark.parametrize(
    "bad", [dict(on_target="finish"), dict(collision_system="priority"), dict(obs_radius=9)]
)
def test_pogema_settings_that_do_not_exist(bad):
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        GridConfig(**bad)

"""What every registered exploration policy promises: a policy is tested by being listed."""

from itertools import combinations

import numpy as np
import pytest

from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.ir2.episode import Cap, explore
from pilotfish.policies.registry import EXPLORATION_POLICIES, make_exploration_policy
from pilotfish.worlds.exploration.radio import Radio
from pilotfish.worlds.exploration.world import DONE, ExplorationWorld
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:hybrid?size=140&seed=3")
SHORT = Radio(30.0, 30.0)
"""Robots hear each other within 35 px, in sight: they are apart most of the time."""
CAP = Cap("distance", 1500.0)


@pytest.fixture(params=EXPLORATION_POLICIES)
def name(request) -> str:
    return request.param


def team_of(name: str, robots: int = 2) -> list[ExplorationPolicy]:
    return [make_exploration_policy(name) for _ in range(robots)]


def world_for(name: str, robots: int = 2) -> ExplorationWorld:
    full = make_exploration_policy(name).needs_full_radio
    return ExplorationWorld(GRID, robots, "full" if full else SHORT)


def without_times(result: dict) -> dict:
    return {key: value for key, value in result.items() if key != "decision_us"}


def test_is_an_exploration_policy(name):
    policy = make_exploration_policy(name)
    assert isinstance(policy, ExplorationPolicy) and policy.name == name


def test_explores_and_the_same_seed_gives_the_same_episode(name):
    team = team_of(name)
    one = explore(world_for(name), team, 5, CAP)
    again = explore(world_for(name), team, 5, CAP)  # also: a reset forgets the episode before
    fresh = explore(world_for(name), team_of(name), 5, CAP)
    assert without_times(one) == without_times(again) == without_times(fresh)
    assert one["team_explored"] >= DONE
    assert one["success"] or one["path_length"] >= CAP.limit


def test_takes_over_a_belief_that_another_has_planned_on(name):
    """As after a change of policy on a running robot: whoever comes new sees the whole map."""
    world, team = world_for(name), team_of(name)
    for policy, belief in zip(team, world.reset(1), strict=True):
        policy.reset(belief, 1)
    for _ in range(5):
        world.step([policy.act() for policy in team])
    first, second = team_of(name)
    paths = []
    for policy in (first, second):
        policy.reset(world.beliefs[0], 1)
        paths.append(policy.act())
    assert len(paths[0]) and paths[0].tolist() == paths[1].tolist()


def test_drives_through_free_pixels_and_says_where_to(name):
    world, team, steps = world_for(name), team_of(name), 0
    for policy, belief in zip(team, world.reset(1), strict=True):
        policy.reset(belief, 1)
    done = False
    while not done and steps < 60:
        paths = [policy.act() for policy in team]
        for robot, path in enumerate(paths):
            assert path.ndim == 2 and path.shape[1] == 2 and np.isfinite(path).all()
            assert np.isfinite(world.beliefs[robot].target[robot]).all()
            way = np.concatenate([world.position[robot][None], path])
            for a, b in zip(way[:-1], way[1:], strict=True):
                assert free_beside(world.walls, a, b), (a, b)
        done = world.step(paths).done
        steps += 1
        row, col = np.rint(world.position).astype(int).T
        assert not world.walls[row, col].any()


def free_beside(walls: np.ndarray, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether every pixel of a line is free or, as a line between pixels may, grazes a wall."""
    share = np.linspace(0.0, 1.0, int(np.hypot(*(b - a))) + 2)[:, None]
    rows, cols = np.rint(a + share * (b - a)).astype(int).T
    blocked = walls[rows, cols]
    beside = ~walls[rows[:, None, None] + [[-1], [0], [1]], cols[:, None, None] + [[-1, 0, 1]]]
    return bool(beside.any(axis=(1, 2)).all()) and int(blocked.sum()) <= max(2, len(rows) // 10)


def test_no_robot_holds_anything_of_another(name):
    world, team = world_for(name), team_of(name)
    explore(world, team, 2, Cap("published", 6))
    for one, other in combinations(team, 2):
        mine, theirs = list(arrays_of(one)), list(arrays_of(other))
        assert mine
        assert not any(np.shares_memory(a, b) for a in mine for b in theirs)


def arrays_of(policy: ExplorationPolicy):
    """Arrays that change: of the policy, its belief and its navigation."""
    for holder in (policy, policy.belief, policy.navigation):
        for value in vars(holder).values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                yield value


def test_decides_alone_too(name):
    result = explore(world_for(name, 1), team_of(name, 1), 0, CAP)
    assert result["success"]


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="no exploration policy 'huntgarian': choose one of .*nearest, "):
        make_exploration_policy("huntgarian")


def test_settings_may_follow_a_planners_name():
    policy = make_exploration_policy("rendezvous@800@start")
    assert (policy.name, policy.period, policy.place) == ("rendezvous@800@start", 800.0, "start")
    assert make_exploration_policy("rendezvous@800").place == make_exploration_policy("rendezvous").place
    assert make_exploration_policy("pursuit@0.01").worth == 0.01


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rendezvous@0", "period must be positive, got 0.0"),
        ("rendezvous@soon", "'soon'"),
        ("rendezvous@800@moon", "place 'moon': choose start or medoid"),
        ("rendezvous@800@start@3", "follow at most period, place"),
        ("pursuit@-1", "must not be negative, got -1.0"),
        ("nearest@3", "no exploration policy 'nearest@3'"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, text):
    with pytest.raises(ValueError, match=text):
        make_exploration_policy(name)

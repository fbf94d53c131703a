"""Exploring teams as a vector environment."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import (
    LAYOUT,
    SIZE,
    Episode,
    ExplorationVecEnv,
    RewardConfig,
    pack,
    planner_alone,
    views,
)
from pilotfish.policies.ir2.features import MOST_OPTIONS, N_EDGE, N_GLOBAL, N_NODE, Features
from pilotfish.policies.ir2.graph import MOST_EDGES, MOST_NODES
from pilotfish.policies.ir2.policy import IR2Policy
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:hybrid?size=120&seed=1")


def episode(
    cap: float = 3000.0, every: int = 2, robots: int = 2, seed: int = 0, blind: bool = False, **reward
) -> Episode:
    rng = np.random.default_rng(seed)
    config = IR2Config(every=every)
    return Episode(lambda rng: GRID, robots, "closed", cap, rng, RewardConfig(**reward), config, blind)


def decision(nodes: int, edges: int, options: int) -> Features:
    rng = np.random.default_rng(nodes)
    return Features(
        rng.random((nodes, N_NODE), np.float32),
        rng.integers(0, nodes, (2, edges)),
        rng.random((edges, N_EDGE), np.float32),
        rng.random(N_GLOBAL, np.float32),
        rng.integers(0, nodes, options),
        rng.random(options, np.float32),
    )


def check(parts: dict, features: Features) -> None:
    """The parts of an observation are those features, and zero behind them."""
    nodes, edges, options = (int(count) for count in parts["counts"])
    assert (nodes, edges, options) == (len(features.nodes), features.edges.shape[1], len(features.option))
    np.testing.assert_array_equal(np.asarray(parts["edges"])[:, :edges], features.edges)
    assert not np.asarray(parts["edges"])[:, edges:].any()
    for name in ("nodes", "edge_features", "context", "option", "prior"):
        expected, got = getattr(features, name), np.asarray(parts[name])
        assert got.shape == LAYOUT[name]
        np.testing.assert_array_equal(got[: len(expected)], expected)
        assert not got[len(expected) :].any()


SIZES = [(1, 0, 1), (20, 71, 5), (MOST_NODES, MOST_EDGES + 2 * (MOST_NODES - 1), MOST_OPTIONS)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_packed_is_seen_again(size):
    features = decision(*size)
    flat = pack(features)
    assert flat.shape == (SIZE,) and flat.dtype == np.float32
    check(views(flat), features)


def test_views_of_many_and_of_tensors():
    flat = np.stack([pack(decision(*size)) for size in SIZES])
    for parts in (views(flat), views(torch.as_tensor(flat)), views(flat[None])):
        for row, size in enumerate(SIZES):
            one = {name: part.reshape(len(SIZES), *LAYOUT[name])[row] for name, part in parts.items()}
            check(one, decision(*size))


@pytest.mark.parametrize("every", [1, 2])
def test_rewards_are_the_potential_of_what_is_known_less_the_time(every):
    run = episode(every=every, robots=3, mean=2.0, least=0.5, team=1.5, time=0.03)
    run.reset()
    total, done, strides = 0.0, False, []
    step = run.world.step
    run.world.step = lambda paths: strides.append(1) or step(paths)
    while not done:
        seen, reward, done, cut = run.step(run.teacher())
        assert seen.shape == (3, SIZE) and np.isfinite(seen).all() and not cut
        total += reward
    known = np.array([belief.free_pixels for belief in run.world.beliefs]) / run.world.free_total
    assert (known >= 0.99).all()
    free = np.maximum.reduce([belief.free[belief.me] for belief in run.world.beliefs])
    team = free.sum() / run.world.free_total
    potential = 2.0 * known.mean() + 0.5 * known.min() + 1.5 * team
    assert total == pytest.approx(potential - 0.03 * len(strides), abs=1e-4)


def test_robots_decide_anew_when_contacts_change():
    run = episode(every=200, robots=3, cap=1e9)
    large = load_map("gen:hybrid?size=300&seed=1")
    run.draw_map = lambda rng: large
    run.reset()
    changes = 0
    for _ in range(12):
        linked = [belief.connected.copy() for belief in run.world.beliefs]
        began = run.world.time
        run.step(run.teacher())
        changed = any((b.connected != a).any() for b, a in zip(run.world.beliefs, linked, strict=True))
        whole = run.world.time - began >= 200 * 15.0 - 1.0
        assert changed != whole
        changes += changed
    assert changes > 3


def test_the_next_episode_owes_nothing_to_the_last():
    run = episode()
    run.reset()
    first = run.step(run.teacher())[1]
    for _ in range(6):
        run.step(run.teacher())
    run.rng = np.random.default_rng(0)
    run.reset()
    assert run.step(run.teacher())[1] == pytest.approx(first)


def test_a_choice_that_is_no_option_is_the_last_one_which_waits():
    run = episode()
    run.reset()
    before = run.world.position.copy()
    run.step(np.full(2, MOST_OPTIONS - 1))
    np.testing.assert_array_equal(run.world.position, before)


def test_following_the_teacher_is_what_the_policy_does():
    """The policy drives as it was trained to: the same ways, stride by stride."""
    run = episode(every=1)
    run.reset()
    seed = int(np.random.default_rng(0).integers(2**31))
    world = ExplorationWorld(GRID, 2, "closed")
    team = [IR2Policy(IR2Config(every=1), planner_alone) for _ in range(2)]
    for policy, belief in zip(team, world.reset(seed), strict=True):
        policy.reset(belief, seed)
    for _ in range(10):
        run.step(run.teacher())
        world.step([policy.act() for policy in team])
        np.testing.assert_allclose(run.world.position, world.position)


def test_a_blind_episode_is_the_same_without_observations():
    whole, blind = episode(cap=900.0), episode(cap=900.0, blind=True)
    seen, nothing = whole.reset(), blind.reset()
    done = False
    while not done:
        assert seen.any() and not nothing.any()
        np.testing.assert_array_equal(whole.teacher(), blind.teacher())
        seen, reward, done, _ = whole.step(whole.teacher())
        nothing, same, same_end, _ = blind.step(blind.teacher())
        assert (same, same_end) == (reward, done)


def test_the_vector_environment_ends_and_restarts_episodes():
    # The first is cut, the second goes on to its end; both again and again.
    vector = ExplorationVecEnv([episode(cap=90.0, robots=3), episode(seed=1)])
    seen = vector.reset()
    assert vector.num_envs == 5 and seen.shape == (5, *vector.observation_space.shape)
    cuts = ends = 0
    for _ in range(60):
        before, actions = seen, vector.teacher()
        counts = views(before)["counts"]
        assert actions.shape == (5,) and (actions < counts[:, 2]).all()
        seen, rewards, dones, infos = vector.step(actions)
        assert np.isfinite(seen).all() and np.isfinite(rewards).all()
        assert len(set(rewards[:3])) == len(set(rewards[3:])) == 1, "a team is paid together"
        assert len(set(dones[:3])) == len(set(dones[3:])) == 1, "and ends together"
        for row in range(5):
            if not dones[row]:
                assert infos[row] == {}
                continue
            last = infos[row]["terminal_observation"]
            assert last.shape == (SIZE,) and not np.array_equal(last, seen[row])
            known = slice(0, 1)  # of the context: how much is known
            assert views(last)["context"][known] > views(seen[row])["context"][known]
            assert infos[row]["TimeLimit.truncated"] == (row < 3)
        cuts, ends = cuts + dones[0], ends + dones[3]
        if cuts >= 2 and ends >= 2:
            break
    assert cuts >= 2 and ends >= 2
    finished = vector.finished()
    assert len(finished) == cuts + ends and not vector.finished(), "told once"
    for name, robots, success, path in finished:
        assert name == GRID.name and success == (robots == 2) and path > 30


def test_observations_that_were_returned_stay_as_they_are():
    vector = ExplorationVecEnv([episode()])
    first = vector.reset()
    kept = first.copy()
    second = vector.step(vector.teacher())[0]
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(first, second)

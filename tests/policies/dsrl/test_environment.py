"""The task seen from noise space: discounts inside chunks, true ends, seeds, and any algorithm of SB3."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from stable_baselines3 import SAC
from stable_baselines3.common.env_checker import check_env

from pilotfish.policies.dsrl.environment import Layout, NoiseEnv
from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.manipulation.chunks import flatten
from pilotfish.worlds.manipulation.seeds import TRAINING


@pytest.fixture
def env(task, base) -> NoiseEnv:
    return NoiseEnv(task, base, Parameterisation("repeated", base.noise_shape), gamma=0.9)


def run(env: NoiseEnv, right: bool):
    """Steps of an episode whose noise says the open side, or the other."""
    env.reset()
    side = env.task.surroundings[0] * (1 if right else -1)
    ended, steps = False, []
    while not ended:
        steps.append(env.step(np.array([side, 0.0], np.float32)))
        ended = steps[-1][2] or steps[-1][3]
    return steps


def test_is_an_environment_that_others_can_train_on(env):
    check_env(env, warn=False)
    SAC("MlpPolicy", env, learning_starts=8, policy_kwargs={"net_arch": [8]}, device="cpu").learn(12)


def test_success_ends_within_the_chunk_and_is_a_termination(env):
    *before, (_, reward, terminated, truncated, info) = run(env, right=True)
    executed, g = info["executed"], 0.9 ** (1 / 4)
    assert terminated and not truncated and info["is_success"] and env.task.steps_after_done == 0
    assert 1 < executed < 4
    assert reward == pytest.approx(-sum(g**k for k in range(executed - 1)) / 4)
    assert info["discount"] == pytest.approx(g**executed)
    assert info["env_steps"] == sum(step[4]["executed"] for step in before) + executed == env.task.steps


def test_a_whole_chunk_has_the_discount_of_a_chunk(env):
    _, reward, _, _, info = run(env, right=True)[0]
    assert info["executed"] == 4 and info["discount"] == pytest.approx(0.9)
    assert reward == pytest.approx(-sum(0.9 ** (k / 4) for k in range(4)) / 4)


def test_a_time_limit_is_a_truncation(env):
    steps = run(env, right=False)
    _, _, terminated, truncated, info = steps[-1]
    assert truncated and not terminated and not info["is_success"]
    assert not any(step[2] or step[3] for step in steps[:-1])


def test_chunks_are_within_the_actions(env):
    env.reset()
    info = env.step(np.ones(2, np.float32))[4]
    assert info["chunk"].shape == (4, 2) and np.abs(info["chunk"]).max() <= 1


def test_noise_beyond_the_bound_is_cut(task, base):
    env = NoiseEnv(task, base, Parameterisation("repeated", base.noise_shape), bound=0.5)
    chunks = []
    for size in (0.5, 9.0):
        env.reset(options={"task_seed": 1})
        chunks.append(env.step(np.full(2, size, np.float32))[4]["chunk"])
    np.testing.assert_array_equal(*chunks)


def test_every_reset_is_seeded_from_the_seed_of_the_environment(env, base):
    def drawn(seed):
        env.reset(seed=seed)
        env.reset()
        return env.task.seeds[-2:]

    first = drawn(3)
    assert None not in env.task.seeds and first[0] != first[1]
    assert drawn(3) == first != drawn(4)
    assert min(env.task.seeds) >= TRAINING


def test_layout_undoes_flatten(task):
    layout = Layout.of(task.observation_space)
    seen = {name: np.random.default_rng(0).random((3, 2), np.float32) for name in layout.shapes}
    for name, values in layout.unflatten(flatten(seen)).items():
        np.testing.assert_array_equal(values, seen[name])


def test_bad_settings_are_named(task, base):
    with pytest.raises(ValueError, match="-1"):
        NoiseEnv(task, base, Parameterisation("full", base.noise_shape), bound=-1)

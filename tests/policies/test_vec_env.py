"""Environments in processes of their own."""

import dataclasses
import multiprocessing
import os
import signal
from functools import partial

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.training import EpisodeGroup, Stage, make_teams
from pilotfish.policies.vec_env import ParallelVecEnv
from pilotfish.worlds.maps.errors import MapError

STAGE = Stage(
    name="two",
    method="ppo",
    steps=1,
    episodes=[
        EpisodeGroup("gen:hybrid?size=120&seed=1", robots=2, radio="closed", cap=90.0),
        EpisodeGroup("gen:hybrid?size=120&seed=2", robots=3, radio="closed", cap=90.0),
    ],
)
MAKERS = [
    partial(make_teams, STAGE, IR2Config(every=2), [0], slice(first, first + 1), None) for first in range(2)
]


@pytest.fixture
def parallel():
    env = ParallelVecEnv(MAKERS)
    yield env
    env.close()


def test_they_step_as_they_do_alone(parallel):
    alone = [make() for make in MAKERS]
    seen = parallel.reset()
    assert parallel.num_envs == 5 and seen.shape == (5, *parallel.observation_space.shape)
    np.testing.assert_array_equal(seen, np.concatenate([env.reset() for env in alone]))
    for _ in range(8):  # both are cut on the way, and begin again
        actions = parallel.teacher()
        np.testing.assert_array_equal(actions, np.concatenate([env.teacher() for env in alone]))
        seen, rewards, dones, infos = parallel.step(actions)
        parts = [env.step(actions[rows]) for env, rows in zip(alone, (slice(2), slice(2, 5)), strict=True)]
        for got, expected in zip((seen, rewards, dones), list(zip(*parts, strict=True))[:3], strict=True):
            np.testing.assert_array_equal(got, np.concatenate(expected))
        assert [set(info) for info in infos] == [set(info) for part in parts for info in part[3]]
    finished = parallel.call("finished")
    assert finished == [env.finished() for env in alone] and all(finished)


def test_a_failure_is_raised_as_it_was(parallel):
    with pytest.raises(AttributeError, match="no attribute 'nothing'") as caught:
        parallel.call("nothing")
    assert "vec_env.py" in caught.value.__notes__[0], "where it happened"
    assert len(parallel.call("spaces")) == 2, "the other's failure is not taken for an answer"


def test_a_bad_map_is_told(tmp_path):
    stage = dataclasses.replace(STAGE, episodes=[EpisodeGroup(str(tmp_path / "none.png"), robots=2)])
    maker = partial(make_teams, stage, IR2Config(), [0], slice(None), None)
    with pytest.raises(MapError, match="none.png") as caught:
        ParallelVecEnv([maker])
    assert "make_teams" in caught.value.__notes__[0]
    assert not multiprocessing.active_children()


def test_one_process_that_ends_is_told_and_closing_ends_the_others(parallel):
    processes = multiprocessing.active_children()
    assert len(processes) == 2
    os.kill(processes[0].pid, signal.SIGKILL)
    with pytest.raises(ChildProcessError, match="go on with --resume"):
        parallel.reset()
    parallel.close()
    assert not multiprocessing.active_children()

"""The experience of a DSRL run as data of a critic: what steering tried, with what it led to."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.replay import ChunkReplayBuffer
from pilotfish.policies.vgps.transitions import Transitions, failure_value

CHECKPOINT = "checkpoint.pkl"


def is_steering_run(folder: Path) -> bool:
    """Whether a folder is that of a ``pilotfish train dsrl``."""
    return (folder / CHECKPOINT).is_file()


def replay_transitions(run: Path, length: int, gamma: float, sentence: str) -> Transitions:
    """The replay of a DSRL run, chunk by chunk; demonstrations that it was filled with are left out.

    Args:
        run: its folder, with settings.yaml and checkpoint.pkl (a pickle: only of runs of your own).
        length: n, of a chunk.
        gamma: discount of a whole chunk; the run's own may be another.
        sentence: the task in words.

    Raises:
        ValueError: no episode has ended in it, or its chunks have another length.
    """
    replay: ChunkReplayBuffer = pickle.loads((run / CHECKPOINT).read_bytes())["replay"]
    own = replay.column("noise_known").astype(bool)
    rows = np.roll(np.arange(replay.rows), -replay.pos if replay.full else 0)  # by age
    rows = rows[own[rows]]
    rows = rows[_of_whole_episodes(replay, rows)]
    done = replay.column("dones")[rows] > 0
    if not done.any():
        raise ValueError(f"{run} has not seen the end of an episode yet: train it for longer")
    chunks = replay.column("chunks")[rows]
    if chunks.shape[1] % length:
        raise ValueError(f"{run} has chunks of {chunks.shape[1]} numbers, no multiple of {length} steps")
    success = done & ~(replay.column("timeouts")[rows] > 0)
    own_step = DSRLConfig.load(run / "settings.yaml").gamma ** (1 / length)
    executed = np.rint(np.log(replay.column("discounts")[rows]) / np.log(own_step)).astype(np.int64)
    step = gamma ** (1 / length)
    discounts = step**executed
    rewards = -(1 - step ** (executed - success)) / (1 - step) / length
    failure = failure_value(gamma, length)
    following = np.where(done, np.arange(len(rows)), np.arange(len(rows)) + 1)
    episode = np.r_[0, np.cumsum(done)[:-1]]
    return Transitions(
        states=replay.column("observations")[rows].astype(np.float32),
        chunks=chunks.reshape(len(rows), length, -1),
        rewards=rewards.astype(np.float32),
        next_states=replay.column("next_observations")[rows].astype(np.float32),
        discounts=np.where(success, 0.0, discounts).astype(np.float32),
        failed=done & ~success,
        returns=_returns(rewards, np.where(success, 0.0, discounts), done, failure),
        success=success[np.flatnonzero(done)][episode],
        following=following,
        episode=episode,
        task=np.zeros(len(rows), np.int64),
        sentences=[sentence],
    )


def _of_whole_episodes(replay: ChunkReplayBuffer, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool: rows whose episode has its end in the replay; stopping a run cuts its episode off."""
    done = replay.column("dones")[rows] > 0
    following = replay.column("observations")[rows[1:]]
    goes_on = np.r_[(replay.column("next_observations")[rows[:-1]] == following).all(axis=1), False]
    ends = np.flatnonzero(done | ~goes_on)
    return done[ends][np.searchsorted(ends, np.arange(len(rows)))]


def _returns(
    rewards: NDArray[np.float64], discounts: NDArray[np.float64], done: NDArray[np.bool_], failure: float
) -> NDArray[np.float32]:
    """What each row's episode brought from there on; after a time limit failing goes on for ever."""
    returns = np.empty(len(rewards), np.float32)
    following = failure
    for row in reversed(range(len(rewards))):
        if done[row]:
            following = failure  # of no account after success: its discount is 0
        following = returns[row] = rewards[row] + discounts[row] * following
    return returns

"""A small task with two ways, one of them open, and a frozen policy that picks one by its noise."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict

STATE, SURROUNDINGS = "observation.state", "observation.environment_state"


class TwoWays(gymnasium.Env):
    """A point [m] goes from (0, -1.5) to (0, 1) past a wall at y = 0 that is open on one side only.

    The surroundings tell which: the sign of their first number. 24 steps of at most 0.25 m in each direction.
    """

    LIMIT = 24
    render_mode = None

    def __init__(self) -> None:
        self.observation_space = Dict(
            {
                STATE: Box(-np.inf, np.inf, (2,), np.float32),
                SURROUNDINGS: Box(-np.inf, np.inf, (2,), np.float32),
            }
        )
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)
        self.seeds: list[int | None] = []
        self.steps_after_done = 0

    def reset(self, *, seed: int | None = None, options: Any = None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        random = np.random.default_rng(seed)
        self.at = np.array([random.uniform(-0.1, 0.1), -1.5])
        self.surroundings = np.array(
            [random.choice((-1, 1)) * random.uniform(0.2, 1.0), random.uniform(-1, 1)]
        )
        self.steps, self.done = 0, False
        return self.observe(), {}

    def observe(self):
        return {STATE: self.at.astype(np.float32), SURROUNDINGS: self.surroundings.astype(np.float32)}

    def close(self):
        """Nothing to free."""

    def step(self, action):
        self.steps_after_done += self.done
        there = self.at + 0.25 * np.clip(action, -1, 1)
        passes = self.at[1] < 0 <= there[1]
        if not passes or there[0] * np.sign(self.surroundings[0]) > 0.4:
            self.at = there
        self.steps += 1
        success = bool(np.linalg.norm(self.at - (0, 1)) < 0.3)
        truncated = self.steps >= self.LIMIT and not success
        self.done = success or truncated
        return self.observe(), 0.0 if success else -1.0, success, truncated, {"is_success": success}


class EitherWay:
    """A stand-in for a diffusion policy: the mean of its noise decides on the side, the rest wobbles."""

    name = "either_way"
    fingerprint = "toy"
    noise_shape = (8, 2)
    chunk_shape = (4, 2)

    def __init__(self) -> None:
        self.samples = 0

    def sample(self, observations, noise):
        assert noise.shape[1:] == self.noise_shape and len(noise) == len(observations[STATE])
        self.samples += len(noise)
        at = observations[STATE].astype(np.float64).copy()
        score = noise[:, :, 0].mean(1)
        committed = np.abs(at[:, 0]) > 0.3
        side = np.where(committed, np.sign(at[:, 0]), np.where(score > 0, 1.0, -1.0))
        chunk = np.zeros((len(at), *self.chunk_shape))
        for k in range(self.chunk_shape[0]):
            below = at[:, 1] < 0.05
            beside = np.abs(at[:, 0]) > 0.6
            aim = np.stack([np.where(below, 0.8 * side, 0.0), np.where(below & ~beside, -0.4, 1.0)], 1)
            command = np.clip((aim - at) / 0.25, -1, 1) + 0.05 * noise[:, k]
            chunk[:, k] = command
            at += 0.25 * np.clip(command, -1, 1)
        return chunk.astype(np.float32)


@pytest.fixture
def task() -> TwoWays:
    return TwoWays()


@pytest.fixture
def base() -> EitherWay:
    return EitherWay()

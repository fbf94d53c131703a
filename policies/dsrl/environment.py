"""A task seen from noise space: an action is the initial noise of the frozen policy's next chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict
from numpy.typing import NDArray

from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.manipulation.chunks import DiffusionPolicy, Observations, flatten
from pilotfish.worlds.manipulation.seeds import TRAINING


@dataclass(frozen=True)
class Layout:
    """How ``flatten`` lays named features side by side, so that it can be undone.

    Attributes:
        shapes: name -> shape of one episode's feature, in the order of the vector.
    """

    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, space: Dict) -> Layout:
        """Of a task's observations."""
        return cls({name: tuple(space[name].shape or ()) for name in sorted(space.spaces)})

    @property
    def size(self) -> int:
        """S, the length of the vector."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def unflatten(self, states: NDArray[np.float32]) -> Observations:
        """States [B, S] -> features by name [B, ...]."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])[:-1]
        parts = np.split(states, ends, axis=1)
        return {
            name: part.reshape(len(states), *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }


class NoiseSampler:
    """The frozen policy as a function of flat states and noise coefficients: a = pi(s, w).

    Args:
        policy: the frozen policy.
        parameterisation: what w means.
        layout: of the states.
        space: the task's actions; chunks are clipped to it.
    """

    def __init__(
        self, policy: DiffusionPolicy, parameterisation: Parameterisation, layout: Layout, space: Box
    ) -> None:
        self.policy, self.parameterisation, self.layout, self.space = policy, parameterisation, layout, space

    def __call__(self, states: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
        """States [B, S] and w [B, D] -> chunks float32 [B, n, A] in the task's units."""
        noise = self.parameterisation.expand(w)
        chunks = self.policy.sample(self.layout.unflatten(np.asarray(states, np.float32)), noise)
        return np.clip(chunks, self.space.low, self.space.high).astype(np.float32)


class NoiseEnv(gymnasium.Env):
    """One step = denoise w once and run the chunk until it is over or the episode is.

    With g the discount of one environment step (gamma = g^n is that of a whole chunk) and k <= n steps
    executed, the reward is scale * sum_{j<k} g^j r_j and what follows is worth g^k: ``info["discount"]``. A
    learner that bootstraps with it has the discount of single steps right inside chunks, too.

    Args:
        task: environment whose observations are a Dict of LeRobot's names, actions a Box.
        policy: the frozen policy.
        parameterisation: what an action means.
        bound: actions are in [-bound, bound]^D.
        gamma: discount of a whole chunk.
        reward_scale: 1 / n if None, so that a whole chunk of -1 a step costs about 1.
        seed: of the episodes' seeds; every episode is seeded.

    ``info`` of a step: ``chunk`` [n, A] as decided and clipped to the action space, ``executed`` k,
    ``discount`` g^k, ``env_steps`` of the episode so far, ``is_success``. ``reset(options={"task_seed": k})``
    starts the task's own episode k.
    """

    metadata = {"render_modes": ["rgb_array"]}

    def __init__(
        self,
        task: gymnasium.Env,
        policy: DiffusionPolicy,
        parameterisation: Parameterisation,
        bound: float = 1.5,
        gamma: float = 0.97,
        reward_scale: float | None = None,
        seed: int = 0,
    ) -> None:
        assert isinstance(task.observation_space, Dict) and isinstance(task.action_space, Box)
        if bound <= 0 or not 0 < gamma <= 1:
            raise ValueError(f"bound must be positive and gamma in (0, 1], got {bound} and {gamma}")
        self.task, self.bound = task, bound
        length = policy.chunk_shape[0]
        self.gamma, self.step_discount = gamma, gamma ** (1 / length)
        self.reward_scale = 1 / length if reward_scale is None else reward_scale
        layout = Layout.of(task.observation_space)
        self.sampler = NoiseSampler(policy, parameterisation, layout, task.action_space)
        self.observation_space = Box(-np.inf, np.inf, (layout.size,), np.float32)
        self.action_space = Box(-bound, bound, (parameterisation.dim,), np.float32)
        self.render_mode = task.render_mode
        self._seeds = np.random.default_rng(seed)
        self._state: NDArray[np.float32] = np.zeros(layout.size, np.float32)
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode; a seed starts the draws of the episodes' seeds anew."""
        super().reset(seed=seed)
        if seed is not None:
            self._seeds = np.random.default_rng(seed)
        task_seed = (options or {}).get("task_seed")
        if task_seed is None:
            task_seed = int(self._seeds.integers(TRAINING, 2**31))
        observation, _ = self.task.reset(seed=task_seed)
        self._state, self._steps = _flat(observation), 0
        return self._state, {"task_seed": task_seed, "env_steps": 0}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """w [D] -> state after the chunk [S], discounted reward, terminated, truncated, info."""
        w = np.clip(action, -self.bound, self.bound)
        chunk = self.sampler(self._state[None], w[None])[0]
        reward, discount, executed = 0.0, 1.0, 0
        for command in chunk:
            observation, paid, terminated, truncated, info = self.task.step(command)
            reward += discount * float(paid)
            discount *= self.step_discount
            executed += 1
            if terminated or truncated:
                break
        self._state = _flat(observation)
        self._steps += executed
        details = {
            "chunk": chunk,
            "executed": executed,
            "discount": discount,
            "env_steps": self._steps,
            "is_success": bool(info.get("is_success", terminated)),
        }
        return self._state, self.reward_scale * reward, bool(terminated), bool(truncated), details

    def render(self) -> Any:
        """The task's picture."""
        return self.task.render()

    def close(self) -> None:
        """Close the task."""
        self.task.close()


def _flat(observation: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    return flatten({name: np.asarray(value)[None] for name, value in observation.items()})[0]

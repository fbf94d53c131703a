"""What is remembered of chunks: SB3's replay buffer, with the chunk itself and what follows it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples


@dataclass(frozen=True)
class ChunkTransitions:
    """Transitions of chunks whose noise need not be known, such as demonstrations.

    Attributes:
        states, next_states: float32 [N, S], flat and raw.
        chunks: float32 [N, n, A], task units; rows after the end repeat the last action.
        rewards: float32 [N], scale * sum_j g^j r_j over the executed steps.
        discounts: float32 [N], g^executed.
        terminated: bool [N], ended by success, not by a time limit.
    """

    states: NDArray[np.float32]
    chunks: NDArray[np.float32]
    rewards: NDArray[np.float32]
    next_states: NDArray[np.float32]
    discounts: NDArray[np.float32]
    terminated: NDArray[np.bool_]

    @classmethod
    def of_episode(
        cls,
        states: NDArray[np.float32],
        actions: NDArray[np.float32],
        success: bool,
        length: int,
        step_discount: float,
        reward_scale: float,
        stride: int = 1,
    ) -> ChunkTransitions:
        """Cut an episode, paid -1 a step and 0 for a successful last one, into chunks.

        Args:
            states: [T + 1, S]; actions: [T, A]; success: whether the last step did it.
            length: n, of a chunk; a chunk begins every ``stride`` steps.
            step_discount: g; reward_scale: as the environment's.
        """
        steps = len(actions)
        paid = -np.ones(steps)
        paid[-1] = 0.0 if success else -1.0
        starts = np.arange(0, steps, stride)
        executed = np.minimum(length, steps - starts)
        rows = np.minimum(starts[:, None] + np.arange(length), steps - 1)
        weights = step_discount ** np.arange(length) * (np.arange(length) < executed[:, None])
        return cls(
            states[starts].astype(np.float32),
            actions[rows].astype(np.float32),
            (reward_scale * (weights * paid[rows]).sum(1)).astype(np.float32),
            states[starts + executed].astype(np.float32),
            (step_discount**executed).astype(np.float32),
            success & (starts + executed == steps),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[ChunkTransitions]) -> ChunkTransitions:
        """All of several, in their order."""
        return cls(
            *(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True))
        )


class ChunkReplayBuffer(ReplayBuffer):
    """SB3's buffer plus the chunk and the discount of each transition, taken from ``NoiseEnv``'s info.

    Kept is the chunk as decided, not only the part that ran: the critic of chunks is asked about whole
    chunks, and the part that success cut off never mattered. Time limits are told from terminations by SB3's
    ``TimeLimit.truncated``.

    Args:
        chunk_size: n * A.
    """

    def __init__(self, *args: Any, chunk_size: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shape = (self.buffer_size, self.n_envs)
        self.chunks = np.zeros((*shape, chunk_size), np.float32)
        self.discounts = np.ones(shape, np.float32)
        self.noise_known = np.zeros(shape, np.bool_)

    @property
    def rows(self) -> int:
        """How many transitions there are; a row is (position, environment), position-major."""
        return self.size() * self.n_envs

    def add(
        self,
        obs: NDArray[np.float32],
        next_obs: NDArray[np.float32],
        action: NDArray[np.float32],
        reward: NDArray[np.float32],
        done: NDArray[np.bool_],
        infos: list[dict[str, Any]],
    ) -> None:
        """As SB3's; infos hold ``chunk`` and ``discount``, and ``noise_known`` False where w is not."""
        self.chunks[self.pos] = [np.ravel(info["chunk"]) for info in infos]
        self.discounts[self.pos] = [info["discount"] for info in infos]
        self.noise_known[self.pos] = [info.get("noise_known", True) for info in infos]
        super().add(obs, next_obs, action, reward, done, infos)

    def prefill(self, transitions: ChunkTransitions) -> None:
        """Add transitions without noise.

        Raises:
            ValueError: the buffer is of several environments, or too small.
        """
        count = len(transitions.states)
        if self.n_envs != 1 or self.pos + count > self.buffer_size:
            raise ValueError(
                f"{count} transitions do not fit behind {self.pos} of {self.buffer_size} in a buffer of "
                f"{self.n_envs} environments (it must be 1)"
            )
        place = slice(self.pos, self.pos + count)
        self.observations[place, 0] = transitions.states
        self.next_observations[place, 0] = transitions.next_states
        self.chunks[place, 0] = transitions.chunks.reshape(count, -1)
        self.rewards[place, 0] = transitions.rewards
        self.discounts[place, 0] = transitions.discounts
        self.dones[place, 0] = transitions.terminated
        self.timeouts[place, 0] = 0.0
        self.noise_known[place, 0] = False
        self.pos += count
        if self.pos == self.buffer_size:
            self.full, self.pos = True, 0

    def column(self, name: str) -> NDArray[Any]:
        """An array of the buffer by row: [N, ...]."""
        array = getattr(self, name)
        return array.reshape(-1, *array.shape[2:])

    def batch(self, rows: NDArray[np.int64]) -> ReplayBufferSamples:
        """The transitions of rows [B]; ``actions`` is the noise in [-1, 1], ``dones`` terminations only."""
        dones = self.column("dones")[rows] * (1 - self.column("timeouts")[rows])
        arrays = (
            self.column("observations")[rows],
            self.column("actions")[rows],
            self.column("next_observations")[rows],
            dones[:, None],
            self.column("rewards")[rows, None],
            self.column("discounts")[rows, None],
        )
        return ReplayBufferSamples(*(torch.from_numpy(array) for array in arrays))

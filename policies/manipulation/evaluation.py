"""Episodes of a policy on a task, many at once: the policy is asked for all of them in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.worlds.manipulation.task import ArmTask

SIDE_BY_SIDE = 20
"""Simulated tasks that run at once."""


@dataclass(frozen=True)
class Outcomes:
    """What came of the episodes.

    Attributes:
        success: bool [N].
        steps: int64 [N], until success or the task's limit.
    """

    success: NDArray[np.bool_]
    steps: NDArray[np.int64]


class Evaluator:
    """Runs policies on the same starts of a task; keeps the simulated tasks between runs.

    Args:
        make_task: makes one.
        side_by_side: how many run at once.
    """

    def __init__(self, make_task: Callable[[], ArmTask], side_by_side: int = SIDE_BY_SIDE) -> None:
        self._tasks = [make_task() for _ in range(side_by_side)]

    def __call__(
        self,
        policy: ChunkPolicy,
        starts: Sequence[int],
        seed: int = 0,
        on_episode: Callable[[], None] = lambda: None,
    ) -> Outcomes:
        """One episode for each start seed; the policy draws from ``seed``."""
        policy.reset(seed)
        success, steps = np.zeros(len(starts), bool), np.zeros(len(starts), np.int64)
        if getattr(policy, "observation_steps", 1) > 1:
            for row, start in enumerate(starts):
                success[row], steps[row] = self._with_history(policy, start, seed)
                on_episode()
            return Outcomes(success, steps)
        for first in range(0, len(starts), len(self._tasks)):
            rows = range(first, min(first + len(self._tasks), len(starts)))
            self._batch(policy, [starts[row] for row in rows], success[first:], steps[first:])
            for _ in rows:
                on_episode()
        return Outcomes(success, steps)

    def _with_history(self, policy: Any, start: int, seed: int) -> tuple[bool, int]:
        """One episode of a policy that looks back: it sees every step, as on a robot."""
        task = self._tasks[0]
        policy.reset(int(np.random.SeedSequence([seed, start]).generate_state(1)[0]))
        seen, _ = task.reset(seed=start)
        chunk: list[NDArray[np.float32]] = []
        while True:
            observations = {name: values[None] for name, values in seen.items()}
            policy.observe(observations)
            chunk = chunk or list(policy.act(observations)[0])
            seen, _, terminated, truncated, _ = task.step(chunk.pop(0))
            if terminated or truncated:
                return terminated, task.steps

    def _batch(
        self,
        policy: ChunkPolicy,
        starts: list[int],
        success: NDArray[np.bool_],
        steps: NDArray[np.int64],
    ) -> None:
        seen = [task.reset(seed=start)[0] for task, start in zip(self._tasks, starts, strict=False)]
        running = list(range(len(starts)))
        while running:
            observations = {name: np.stack([seen[k][name] for k in running]) for name in seen[0]}
            for k, chunk in zip(list(running), policy.act(observations), strict=True):
                for action in chunk:
                    seen[k], _, terminated, truncated, _ = self._tasks[k].step(action)
                    if terminated or truncated:
                        success[k], steps[k] = terminated, self._tasks[k].steps
                        running.remove(k)
                        break

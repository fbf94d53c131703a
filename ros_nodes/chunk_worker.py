"""Asks a policy for chunks in a thread of its own, one at a time. No ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.manipulation.chunks import ChunkPolicy

Observation = dict[str, NDArray[Any]]


class ChunkWorker:
    """The policy and its thread.

    Args:
        policy: is asked in that thread only, but for ``observe``, if it looks back at more than the
            observation of the request.
    """

    def __init__(self, policy: ChunkPolicy) -> None:
        self._policy = policy
        self._thread = ThreadPoolExecutor(1, "policy")
        self._job: tuple[int, Future] | None = None
        looks_back = getattr(policy, "observation_steps", 2) > 1
        self.observe: Callable[[Observation], None] | None = (
            getattr(policy, "observe", None) if looks_back else None
        )

    @property
    def busy(self) -> bool:
        """Whether a chunk is being computed, or waits to be collected."""
        return self._job is not None

    def ask(self, ticket: int, observation: Observation, seed: int | None = None) -> None:
        """Begin with the chunk for the observation [1, ...]; a seed resets the policy before."""
        asked = time.perf_counter()

        def work() -> tuple[NDArray[np.float32], float]:
            if seed is not None:
                self._policy.reset(seed)
                if self.observe is not None:  # the reset has forgotten this one too
                    self.observe(observation)
            return self._policy.act(observation)[0], time.perf_counter() - asked

        self._job = (ticket, self._thread.submit(work))

    def wait(self, seconds: float) -> None:
        """Until the chunk is there, but no longer than that [wall clock]."""
        if self._job is not None:
            wait([self._job[1]], seconds)

    def collect(self) -> tuple[int, tuple[NDArray[np.float32], float] | Exception] | None:
        """Ticket, and (chunk [n, A], latency [s, wall clock]) or what the policy raised; None: not ready."""
        if self._job is None or not self._job[1].done():
            return None
        (ticket, future), self._job = self._job, None
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        return ticket, error or future.result()

    def close(self, wait: bool = True) -> None:
        """End the thread, after what it is doing."""
        self._thread.shutdown(wait=wait, cancel_futures=True)


def warm_up(policy: ChunkPolicy, observation: Observation, seed: int) -> float:
    """Ask for two chunks, the first of which may prepare a lot; returns the latency of the second [s]."""
    policy.reset(seed)
    policy.act(observation)
    began = time.perf_counter()
    policy.act(observation)
    return time.perf_counter() - began

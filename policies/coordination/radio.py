"""A radio that delays, loses, repeats and reorders: the medium between the robots."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RadioParameters:
    """How bad the radio is.

    Attributes:
        range: robots further apart do not hear each other [m].
        delay_max: each copy of a message arrives after a uniform draw from 0 to this [s].
        loss: chance that a receiver misses a message.
        duplicate: chance that a receiver gets it twice.

    Raises:
        ValueError: for a negative length or time, or a chance outside of 0..1.
    """

    range: float = 7.5
    delay_max: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0

    def __post_init__(self) -> None:
        if self.range <= 0 or self.delay_max < 0:
            raise ValueError(
                f"radio: range {self.range} must be positive, delay_max {self.delay_max} not negative"
            )
        for name in ("loss", "duplicate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"radio: {name} is a chance from 0 to 1, got {getattr(self, name)}")


class Radio:
    """Broadcasts of N robots to those in range."""

    def __init__(self, n_robots: int, parameters: RadioParameters, seed: int) -> None:
        self.n_robots = n_robots
        self.parameters = parameters
        self._rng = np.random.default_rng(seed)
        self._in_flight: list[tuple[float, int, int, bytes]] = []
        self._sent = 0

    def send(self, sender: int, frame: bytes, positions: NDArray[np.float64], now: float) -> None:
        """Broadcast a frame.

        Args:
            sender: index of the robot.
            frame: its bytes, opaque to the radio.
            positions: float64 [N, 2], where the robots are [m, map frame]; NaN where that is not known,
                which is out of range.
            now: [s].
        """
        p = self.parameters
        offset = positions - positions[sender]
        near = np.einsum("nk,nk->n", offset, offset) <= p.range**2
        near[sender] = False
        receivers = np.flatnonzero(near)
        if p.loss > 0:
            receivers = receivers[self._rng.random(len(receivers)) >= p.loss]
        if p.duplicate > 0:
            again = self._rng.random(len(receivers)) < p.duplicate
            receivers = np.concatenate([receivers, receivers[again]])
        if p.delay_max > 0:
            due = (now + self._rng.random(len(receivers)) * p.delay_max).tolist()
        else:
            due = [now] * len(receivers)
        for receiver, time in zip(receivers.tolist(), due, strict=True):
            self._sent += 1
            heapq.heappush(self._in_flight, (time, self._sent, receiver, frame))

    def deliver(self, now: float) -> dict[int, list[bytes]]:
        """What has arrived by ``now`` [s] and was not delivered yet, by receiver, in order of arrival."""
        arrived: dict[int, list[bytes]] = {}
        while self._in_flight and self._in_flight[0][0] <= now:
            _, _, receiver, frame = heapq.heappop(self._in_flight)
            arrived.setdefault(receiver, []).append(frame)
        return arrived

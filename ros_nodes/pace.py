"""How fast a clock runs, as seen by one who reads it now and then. No ROS."""

from __future__ import annotations

from collections import deque

REMEMBERED = 20
"""Readings that the pace is taken from."""
SLOWEST = 1e-3


class Pace:
    """The seconds of a simulator's clock that pass in one of the wall clock.

    Args:
        fixed: for a clock whose pace is known, such as 1 for the time of day; None: it is measured.
    """

    def __init__(self, fixed: float | None = None) -> None:
        self.fixed = fixed
        self._readings: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)

    def read(self, clock: float, wall: float) -> None:
        """Take a reading of both clocks [s]."""
        if self._readings and clock < self._readings[-1][0]:
            self._readings.clear()  # the clock began anew
        self._readings.append((clock, wall))

    @property
    def value(self) -> float:
        """Positive; 1 before it can be told."""
        if self.fixed is not None:
            return self.fixed
        if len(self._readings) < 2:
            return 1.0
        (clock, wall), (clock_now, wall_now) = self._readings[0], self._readings[-1]
        return max((clock_now - clock) / max(wall_now - wall, 1e-6), SLOWEST)

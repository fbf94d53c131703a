"""Places where a robot got stuck: they count as obstacles for a while, longer each time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotfish.policies.exploration.team_map import TeamMap

FIRST, LONGEST = 4.0, 240.0
"""For how long a place is avoided, the first time and at most [s]."""

LASTING = 60.0
"""What is avoided for so long has not opened for several times [s]."""

NEAR = 6.0
"""Places nearer than this are the same one [px]."""

REMEMBERED = 50


@dataclass
class _Place:
    row: float
    col: float
    radius: float
    lasting: float
    until: float
    active: bool = True


class Obstructions:
    """Temporary obstacles in a robot's belief; peers are not told of them."""

    def __init__(self, team_map: TeamMap, seed: int) -> None:
        self.team_map = team_map
        self.count = 0
        self._rng = np.random.default_rng(seed)
        self._places: list[_Place] = []

    @property
    def passing(self) -> bool:
        """Whether a place is avoided that may soon be open again."""
        return any(place.active and place.lasting < LASTING for place in self._places)

    def add(self, row: float, col: float, radius: float, now: float) -> None:
        """Avoid a disc from now on [px, s]."""
        again = [p for p in self._places if np.hypot(p.row - row, p.col - col) < NEAR]
        lasting = min(2 * max((p.lasting for p in again), default=FIRST / 2), LONGEST)
        self._places = [p for p in self._places if p not in again][-REMEMBERED:]
        self._places.append(_Place(row, col, radius, lasting, now + lasting * self._rng.uniform(0.8, 1.2)))
        self.count += 1
        self._draw()

    def expire(self, now: float) -> bool:
        """Open what has been avoided long enough, all of it at infinity; True if there was something."""
        over = [place for place in self._places if place.active and place.until <= now]
        for place in over:
            place.active = False
        if over:
            self._draw()
        return bool(over)

    def _draw(self) -> None:
        self.team_map.unblock()
        for place in self._places:
            if place.active:
                self.team_map.block(place.row, place.col, place.radius)

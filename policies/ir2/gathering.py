"""When a robot gives up exploring and hunting, and goes where the team began to be met there.

Robots that look for each other may miss each other for a long time: whoever knows little keeps exploring what
others have seen, and nobody catches up with a robot that moves. Everybody knows one place, the start. A robot
goes there when the team together has likely seen all, which it cannot know: a network estimates it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.ir2.options import EXPLORE, HOME, Options

NEAR = 30.0
"""Home is reached within this way [px]."""

NEWS = 1000
"""Free pixels that are worth waiting on, at home."""


class Gathering:
    """The state of one robot's going home in an episode.

    Args:
        sure: the chance that the team has seen all from which it counts.
        delay: for so long the estimate must have been that high [s]: often a hunt ends sooner.
        patience: wait at home so long after the last news, then hunt [s].
    """

    def __init__(self, sure: float, delay: float, patience: float) -> None:
        self.sure, self.delay, self.patience = sure, delay, patience
        self._sure_since = np.inf
        self._called = self._met = self._hunting = False
        self._waiting_since = np.inf
        self._news = (-1, 0)

    def note(self, now: float, chance: float) -> None:
        """Take in the network's estimate at a time [s]."""
        if chance < self.sure:
            self._sure_since = np.inf
        elif not np.isfinite(self._sure_since):
            self._sure_since = now

    def home(self, belief: TeamBelief, options: Options) -> NDArray[np.int64]:
        """The option of going home, int64 [1], if it is time to; else empty."""
        nothing = np.empty(0, np.int64)
        if belief.connected.all():
            self._met = self._met or self._called
            self._hunting, self._waiting_since = False, np.inf
            return nothing
        self._called = self._called or belief.now - self._sure_since >= self.delay
        way_home = np.flatnonzero(options.kind == HOME)
        if not self._called or self._hunting or not len(way_home):
            return nothing
        if self._met and options.kind[options.best] == EXPLORE:
            # What was left when all had met was shared out: do that, and come back.
            return nothing
        if options.way[way_home[0]] < NEAR:
            news = (belief.free_pixels // NEWS, int(belief.connected.sum()))
            if news != self._news or not np.isfinite(self._waiting_since):
                self._news, self._waiting_since = news, belief.now
            self._hunting = belief.now - self._waiting_since > self.patience
        return nothing if self._hunting else way_home

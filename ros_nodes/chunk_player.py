"""Plays a policy's chunks at the control rate while the next one is computed. Timing alone, no ROS.

A chunk is the next ``n`` actions from the moment of its observation on: action ``i`` is due ``i`` periods
after it. The next chunk is asked for while the current one still runs, from what is seen at that moment, and
comes a while later; then

- the actions whose time has passed in the meantime are dropped (they were covered by the current chunk),
- over the next ``blend`` actions the command goes over linearly from the old chunk (its last action, where it
  has ended) to the new one.

It is asked for at the last tick that leaves the longest latency of late plus ``margin``, but never so early
that more than half of it would be dropped. If it is late all the same, the current chunk is used up and
nothing is commanded (*held*) until it comes: the robot has stood still meanwhile, so no time of the chunk
passes while it is held. A chunk whose observation is older than ``timeout`` on arrival is discarded, and
asked for anew.

Acting on an observation that is a tick old costs success. So a policy that is *prompt*, whose longest latency
of late is within ``patience``, a fraction of a tick, is asked at the very tick that needs the chunk, and
waited for: all of its actions are played, nothing is dropped or blended, as in training and evaluation.

All methods take ``now`` [s] of one clock and are called from one thread, once a tick of the control loop:

    player.arrived(ticket, chunk, now)       # if the worker is done
    if player.wants_chunk(now):
        ticket = player.request(now)         # and give the worker the observation of now
        if player.prompt: ...                # wait for the worker, patience at most; arrived() if it is done
    action = player.action(now)              # None: hold
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

REMEMBERED = 10
"""Chunks whose latency is remembered."""
ON_TIME = 1e-6
"""Differences of time that do not count [s]."""


@dataclass
class Counts:
    """What has happened so far.

    Attributes:
        chunks: that were played.
        late: times that a chunk was used up before the next one came.
        held: ticks without an action for that reason.
        discarded: chunks that came after ``timeout``.
        dropped: actions whose time had passed on arrival.
    """

    chunks: int = 0
    late: int = 0
    held: int = 0
    discarded: int = 0
    dropped: int = 0


@dataclass
class _Chunk:
    actions: NDArray[np.float32]  # [n, A]
    start: float  # when action 0 is due [s]

    def index(self, now: float, period: float) -> int:
        # To the nearest tick: timers come a little early or late.
        return max(round((now - self.start) / period), 0)

    def end(self, period: float) -> float:
        return self.start + len(self.actions) * period


@dataclass
class ChunkPlayer:
    """Plays chunks; see the module.

    Args:
        period: of the control loop [s].
        blend: actions over which a seam is blended; 0 for none.
        margin: that a chunk should come too early [s].
        timeout: age of the observation at which a chunk is no longer of use [s].
        patience: how long the caller waits for a prompt policy [s]; 0: no policy is.
        latency: first guess of a chunk's latency [s].
    """

    period: float
    blend: int = 3
    margin: float = 0.02
    timeout: float = 2.0
    patience: float = 0.0
    latency: float = 0.0
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        for name in ("period", "timeout"):
            if getattr(self, name) <= 0.0:
                raise ValueError(f"{name} {getattr(self, name):g}: seconds, more than 0")
        for name in ("blend", "margin", "patience", "latency"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name):g} must not be negative")
        self.latencies: deque[float] = deque(maxlen=REMEMBERED)
        self._tickets = 0
        self.reset()

    def reset(self) -> None:
        """Play nothing, and take no chunk that was asked for before. Counts and latencies are kept."""
        self._chunk: _Chunk | None = None
        self._old: _Chunk | None = None
        self._blended = 0
        self._held_since: float | None = None
        self._length = 0
        self._asked: tuple[int, float] | None = None  # ticket and time

    @property
    def expected_latency(self) -> float:
        """The longest of late [s]."""
        return max(self.latencies, default=self.latency)

    @property
    def prompt(self) -> bool:
        """Whether the policy is so quick that it is asked at the tick that needs the chunk."""
        return 0.0 < self.patience >= self.expected_latency

    @property
    def waiting(self) -> bool:
        """Whether a chunk is asked for that has not come."""
        return self._asked is not None

    def wants_chunk(self, now: float) -> bool:
        """Whether this is the tick to ask for a chunk: at the next one it would be too late."""
        if self._asked is not None:
            return False
        if self._chunk is None:
            return True
        if self.prompt:
            return self._chunk.index(now, self.period) >= self._length
        lead = min(self.expected_latency + self.margin, self._length * self.period / 2)
        return now + self.period + lead > self._chunk.end(self.period) + ON_TIME

    def request(self, now: float) -> int:
        """A chunk is asked for from the observation of ``now``; returns its ticket."""
        self._tickets += 1
        self._asked = (self._tickets, now)
        return self._tickets

    def arrived(
        self, ticket: int, actions: NDArray[np.float32], now: float, latency: float | None = None
    ) -> bool:
        """Take the chunk [n, A] of a ticket; False where it is of no use any more.

        ``latency`` [s] is what it really took, where that is known: ticks notice it later.
        """
        if self._asked is None or self._asked[0] != ticket:
            return False  # from before a reset
        seen, self._asked = self._asked[1], None
        self.latencies.append(now - seen if latency is None else latency)
        if now - seen > self.timeout:
            self.counts.discarded += 1
            return False
        start = seen
        if self._chunk is None:
            start = now  # the robot has stood still since the observation
        elif now > self._chunk.end(self.period) + ON_TIME:
            start += now - max(self._chunk.end(self.period), seen)  # ... since the end of the last chunk
        chunk = _Chunk(np.asarray(actions, np.float32), start)
        dropped = chunk.index(now, self.period)
        apart = self._held_since is not None or self._chunk is None or dropped == 0
        self._old, self._blended = (None, self.blend) if apart else (self._chunk, 0)
        self._chunk, self._held_since, self._length = chunk, None, len(actions)
        self.counts.chunks += 1
        self.counts.dropped += min(dropped, len(actions))
        return True

    def failed(self, ticket: int) -> None:
        """No chunk comes for a ticket."""
        if self._asked is not None and self._asked[0] == ticket:
            self._asked = None

    def action(self, now: float) -> NDArray[np.float32] | None:
        """The action [A] that is due; None: hold still."""
        chunk = self._chunk
        if chunk is None:
            return None
        index = chunk.index(now, self.period)
        if index >= len(chunk.actions):
            if self._held_since is None:
                self._held_since = now
                self.counts.late += 1
            self.counts.held += 1
            return None
        new = chunk.actions[index]
        if self._old is None or self._blended >= self.blend:
            self._old = None
            return new.copy()
        self._blended += 1
        share = np.float32(self._blended / (self.blend + 1))
        last = min(self._old.index(now, self.period), len(self._old.actions) - 1)
        return (1 - share) * self._old.actions[last] + share * new

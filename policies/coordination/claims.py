"""Cell claims: how robots that are never in step with each other share a grid without touching.

A pure state machine for each robot, without clock, transport or ROS: ``receive`` what peers say, ``tick``
with what the robot perceives, send the message that ``tick`` returns. Everything it decides is in
``holds``: a robot may only drive where its footprint stays inside cells that it holds.

**Invariant.** No two robots hold the same cell at the same time, and every cell that a robot's footprint
touches is held by it. Hence footprints (discs narrower than a cell) never overlap.

**Rules.** A robot holds a *chain* of at most ``MAX_CHAIN`` cells, each next to the one before, and always
touches the first of them with its footprint: a cell is released as soon as the footprint has left it.
To take one more cell c, next to the last of its chain, it sends a request and needs

1. a grant from every robot it perceives that *could* have c in its chain, or add it: those whose
   footprint, grown by how far they can have come since the picture was taken, touches a cell within
   ``MAX_CHAIN - 1`` moves of c;
2. that no footprint touches c, that its picture of the others is fresh, and that the request is younger
   than one ``lease``;
3. that it has itself given no promise for c that is still alive.

Who is asked grants, unless it holds c, or asks for c itself with precedence (the lower index wins, as in
the grid engine, except that who has promised first stays bound). A grant is a *promise* not to take c
until the asker no longer asks for it, or one ``lease`` after the request was first heard.

**Why it holds.** Suppose j takes c at time t while i holds it. i touches the first cell of its chain at t,
which is at most ``MAX_CHAIN - 1`` moves from c, so i was in j's picture, within rule 1, and had granted
the request; it did so before it took c, since holders refuse. The promise began after j made the request
and lasts as long as j may use it (rule 2), so it was alive when i took c: against rule 3. Both
measure the lease on their own clock, so clocks need no common zero, only rates that agree to 1 %, and
the argument does not mention message delay: late, lost, repeated and reordered messages cost time only.

**Crashes.** A process that starts knows neither its chain nor its promises: it holds what its footprint
touches, and waits one lease, in which all promises of its former life end, before its first request.
It grants nothing before its wheels have surely stopped. A process that was frozen for ``stall_after``
drops all cells that it does not touch; so does a robot that has not used them for ``use_within``. A
robot that was silent *and* stood still for ``dead_after`` counts as an obstacle: it is not asked, but
what it touches cannot be entered. When it comes back it needs grants like everybody.

**Assumptions.** (a) A robot sees all robots whose cell is within ``VIEW_RADIUS`` of its own, at most
``pose_timeout`` late. (b) No robot is faster than ``max_speed``. (c) Of the messages that a working
process sends in ``dead_after``, one arrives (with 10 a second, 20 % loss and 6 s: all but 1 in 10^40).
(d) Wheels stop when commands stop (`pilotfish.hardware.limits`), within ``stall_after``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.wire import ClaimMessage, Intent, Request

MAX_CHAIN = 3
"""The cell being left, the cell being entered, and the one after: so a robot need not stop at each cell."""


@dataclass(frozen=True)
class ClaimParameters:
    """Distances and times of the protocol.

    Attributes:
        footprint: radius of the robots, with a margin for what control and localisation get wrong [m].
        max_speed: that any robot reaches [m/s].
        lease: how long a request may be used, and a promise binds [s].
        dead_after: a robot silent and still for this long is an obstacle [s].
        stall_after: a gap between ticks that counts as a crash [s]; the wheels stop sooner than that.
        use_within: cells ahead are given back if the robot has not moved for this long [s].
        pose_timeout: older poses, own or others', are no ground to act on [s].

    Raises:
        ValueError: if the times contradict each other.
    """

    footprint: float
    max_speed: float
    lease: float = 3.0
    dead_after: float = 6.0
    stall_after: float = 0.8
    use_within: float = 3.0
    pose_timeout: float = 0.4

    def __post_init__(self) -> None:
        if min(self.footprint, self.max_speed, self.lease, self.stall_after, self.pose_timeout) <= 0:
            raise ValueError(f"claim parameters must be positive: {self}")
        if self.dead_after < max(self.use_within, self.lease) + 2 * self.stall_after:
            raise ValueError(
                f"dead_after {self.dead_after} s must exceed use_within {self.use_within} s and lease "
                f"{self.lease} s by two stall_after ({self.stall_after} s): raise dead_after"
            )


@dataclass(frozen=True)
class Perception:
    """What a robot's own sensors say; positions in metres, map frame, times in seconds of its own clock.

    Attributes:
        xy: own position.
        stamp: when it was there.
        others: position of each robot in view, by index, itself not included.
        others_stamp: when the oldest of them was measured.
    """

    xy: tuple[float, float]
    stamp: float
    others: dict[int, tuple[float, float]]
    others_stamp: float

    def age(self, now: float) -> float:
        """Age of the oldest part [s]."""
        return now - min(self.stamp, self.others_stamp)


@dataclass
class Pending:
    """The cell that this robot asks for.

    Attributes:
        cell: which.
        since: when it was first wanted [s].
        request: what is being broadcast; None while a promise to a peer forbids to ask.
        made: when ``request`` was made [s].
        granted: who has agreed to it.
        waiting_for: robots whose grant was missing at the last tick.
    """

    cell: int
    since: float
    request: Request | None = None
    made: float = 0.0
    granted: set[int] = field(default_factory=set)
    waiting_for: tuple[int, ...] = ()


@dataclass
class _Promise:
    request: Request
    until: float


@dataclass
class _Peer:
    """The last message of a robot."""

    message: ClaimMessage
    heard: float


@dataclass
class _Track:
    """How a robot in view has moved."""

    xy: tuple[float, float]
    since: float
    moved: float


class Claims:
    """The protocol as seen by one robot; see the module.

    Args:
        graph: of the map's free cells.
        robot: own index.
        parameters: the same for all robots of a fleet.
        epoch: a number that grows with every start of this robot's process, such as the time in ns.
    """

    def __init__(self, graph: CellGraph, robot: int, parameters: ClaimParameters, epoch: int) -> None:
        self.graph = graph
        self.robot = robot
        self.parameters = parameters
        self.epoch = epoch
        self.chain: list[int] = []
        """Cells held, in driving order; the last is where the robot will stop."""
        self.touched: frozenset[int] = frozenset()
        """Cells that the own footprint touches; held whether they are in the chain or not."""
        self.pending: Pending | None = None
        self.stalls = 0
        """How often this process was frozen for longer than ``stall_after``."""
        self.strays = 0
        """Ticks at which the footprint touched a cell outside of the chain: the driver's fault."""
        # Life begins with the first tick.
        self._grants_from = self._quiet_until = math.inf
        self._was_frozen = False
        self._inside = False
        self._last_tick = math.nan
        self._used_at = -math.inf
        self._moved_from = (math.inf, math.inf)
        self._sequence = 0
        self._requests = epoch // 1_000_000 & 0x7FFFFFFF
        self._peers: dict[int, _Peer] = {}
        self._promises: dict[int, _Promise] = {}
        self._tracks: dict[int, _Track] = {}

    # What the owner asks and is told.

    def holds(self, cell: int) -> bool:
        """Whether the cell is this robot's own."""
        return cell in self.chain or cell in self.touched

    def ready(self, now: float) -> bool:
        """Whether a request may be made: located, and not just started."""
        return bool(self.chain) and now >= self._quiet_until

    def request(self, cell: int, now: float) -> None:
        """Ask for a cell next to the end of the chain; replaces any other wish.

        Raises:
            ValueError: if the chain is full, or the cell is not a free neighbour of its end.
        """
        if not self.ready(now):
            raise ValueError(f"robot {self.robot} may not claim cells yet")
        if len(self.chain) >= MAX_CHAIN:
            raise ValueError(f"robot {self.robot} holds {self.chain} already, at most {MAX_CHAIN} cells")
        if cell not in self.graph.neighbours(self.chain[-1]):
            raise ValueError(f"robot {self.robot}: cell {cell} is not a free neighbour of {self.chain[-1]}")
        self.pending = Pending(cell, since=now)

    def withdraw(self) -> None:
        """Stop asking."""
        self.pending = None

    def claimed_by(self, cell: int, now: float) -> ClaimMessage | None:
        """What was last heard of a peer that says it holds the cell, None if nobody does."""
        for peer in self._peers.values():
            if cell in peer.message.cells and now - peer.heard <= self.parameters.lease:
                return peer.message
        return None

    def heard_recently(self, now: float, within: float) -> list[ClaimMessage]:
        """Last messages of the peers heard within so many seconds, by robot index."""
        return [self._peers[k].message for k in sorted(self._peers) if now - self._peers[k].heard <= within]

    def is_dead(self, robot: int, now: float) -> bool:
        """Whether a robot in view has been silent and still for so long that it is only an obstacle."""
        track = self._tracks.get(robot)
        if track is None:
            return False
        peer = self._peers.get(robot)
        heard = track.since if peer is None else max(peer.heard, track.since)
        return now - max(heard, track.moved) > self.parameters.dead_after

    # What drives it.

    def receive(self, message: ClaimMessage, now: float) -> bool:
        """Take note of a message; False if it was stale, repeated, or is about cells this map has not.

        It may come from anybody, at any time, in any order.
        """
        sender = message.sender
        if sender == self.robot or not self._sensible(message):
            return False
        known = self._peers.get(sender)
        if known is not None:
            old = known.message
            if (message.epoch, message.sequence) <= (old.epoch, old.sequence):
                return False
        self._peers[sender] = _Peer(message, now)
        promise = self._promises.get(sender)
        if promise is not None and promise.request != message.request:
            del self._promises[sender]
        # Grants first: a peer that has promised does not have precedence any more.
        pending = self.pending
        if pending and pending.request and (self.robot, pending.request.id) in message.grants:
            pending.granted.add(sender)
        self._consider(sender, now)
        return True

    def tick(self, now: float, perception: Perception, intent: Intent | None = None) -> ClaimMessage:
        """Let time pass: release, grant, take. Call it often (10-20 times a second).

        Args:
            now: [s], never runs backwards.
            perception: the latest, however old.
            intent: passed on in the message.

        Returns: the message to broadcast.
        """
        if math.isnan(self._last_tick):
            self._grants_from = now + self.parameters.stall_after
            self._quiet_until = now + self.parameters.lease
        elif now - self._last_tick > self.parameters.stall_after:
            self.stalls += 1
            self._was_frozen = True
            self.pending = None
        self._last_tick = now
        if now - perception.stamp <= self.parameters.pose_timeout:
            self._locate(perception.xy, now)
        self._track_others(perception, now)
        for sender in self._peers:
            self._consider(sender, now)
        if self.pending is not None:
            self._pursue(self.pending, perception, now)
        return self._message(now, intent)

    # How it works.

    def _sensible(self, message: ClaimMessage) -> bool:
        """Whether every cell in the message is a free one of this map."""
        cells = [*message.cells]
        if message.request is not None:
            cells.append(message.request.cell)
        if message.intent is not None:
            cells += (message.intent.cell, message.intent.goal)
        return all(self.graph.is_free(cell) for cell in cells)

    def _locate(self, xy: tuple[float, float], now: float) -> None:
        """Update what the footprint touches, and release the cells that it has left."""
        touched = self.graph.touched(xy, self.parameters.footprint)
        here = self.graph.cell_at(xy)
        if math.dist(xy, self._moved_from) > 0.02:
            self._moved_from, self._used_at = xy, now
        self.touched = touched
        if not self.chain or touched.isdisjoint(self.chain):
            self.chain = [here]  # just started, or carried away by hand
            self.pending = None
            self._inside = False
        while len(self.chain) > 1 and self.chain[0] not in touched:
            del self.chain[0]
        if touched.issubset(self.chain):
            self._inside = True
        elif self._inside:
            self.strays += 1
        if self._was_frozen or now - self._used_at > self.parameters.use_within:
            self._was_frozen = False
            while len(self.chain) > 1 and self.chain[-1] not in touched:
                del self.chain[-1]
                self.pending = None  # it was for the cell after the one given back

    def _track_others(self, perception: Perception, now: float) -> None:
        for robot, xy in perception.others.items():
            track = self._tracks.get(robot)
            if track is None:
                self._tracks[robot] = _Track(xy, since=now, moved=now)
            elif math.dist(xy, track.xy) > 0.05:
                track.xy, track.moved = xy, now
        for robot in self._tracks.keys() - perception.others.keys():
            del self._tracks[robot]
        for robot, peer in list(self._peers.items()):
            if robot not in self._tracks and now - peer.heard > self.parameters.dead_after:
                del self._peers[robot]
                self._promises.pop(robot, None)

    def _promised_to_other(self, cell: int, now: float) -> bool:
        # 1 % longer than the asker may use it: clocks differ.
        return any(p.request.cell == cell and now <= p.until for p in self._promises.values())

    def _consider(self, sender: int, now: float) -> None:
        """Grant what a peer asks for, if nothing speaks against it."""
        request = self._peers[sender].message.request
        if request is None or sender in self._promises or self.holds(request.cell):
            return
        if now < self._grants_from or now - self._peers[sender].heard > self.parameters.lease:
            return
        pending = self.pending
        if (
            pending
            and pending.request
            and pending.cell == request.cell
            and (self.robot < sender or sender in pending.granted)
        ):
            return
        self._promises[sender] = _Promise(request, until=now + 1.01 * self.parameters.lease)

    def _pursue(self, pending: Pending, perception: Perception, now: float) -> None:
        """Ask for the pending cell, take it when nothing stands in the way, forget it when it is too old."""
        if pending.request is None:
            if self._promised_to_other(pending.cell, now):
                return
            self._requests += 1
            pending.request = Request(self._requests & 0xFFFFFFFF, pending.cell)
            pending.made = now
            return
        if now - pending.made > self.parameters.lease:
            self.pending = None
            return
        age = perception.age(now)
        if age > self.parameters.pose_timeout:
            return
        asked = self._contenders(pending.cell, perception.others, age)
        if asked is None:
            pending.waiting_for = ()
            return
        pending.waiting_for = tuple(k for k in asked if k not in pending.granted and not self.is_dead(k, now))
        if not pending.waiting_for and not self._promised_to_other(pending.cell, now):
            self.chain.append(pending.cell)
            self.pending = None
            self._used_at = now

    def _contenders(self, cell: int, others: dict[int, tuple[float, float]], age: float) -> list[int] | None:
        """Robots that could hold or take the cell; None if one of them stands on it."""
        p = self.parameters
        near = self.graph.within(cell, MAX_CHAIN - 1)
        centre = self.graph.centre(cell)
        grown = p.footprint + p.max_speed * max(age, 0.0)
        reach = MAX_CHAIN * self.graph.resolution + grown
        found = []
        for robot, xy in others.items():
            if abs(xy[0] - centre[0]) > reach or abs(xy[1] - centre[1]) > reach:
                continue
            if self.graph.overlaps(cell, xy, p.footprint):
                return None
            if not near.isdisjoint(self.graph.touched(xy, grown)):
                found.append(robot)
        return found

    def _message(self, now: float, intent: Intent | None) -> ClaimMessage:
        self._sequence += 1
        pending = self.pending
        return ClaimMessage(
            sender=self.robot,
            epoch=self.epoch,
            sequence=self._sequence,
            cells=(*sorted(self.touched.difference(self.chain)), *self.chain),
            request=None if pending is None else pending.request,
            grants=tuple((k, p.request.id) for k, p in self._promises.items() if now <= p.until),
            intent=intent,
        )

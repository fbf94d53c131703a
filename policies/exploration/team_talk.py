"""One robot's side of the talk in a team: whom it reaches, what it tells, what it believes of the others.

Links come and go, and nobody says when: a robot is reached as long as something arrives from it, or as
robots that are reached say that they hear it.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, fields

import numpy as np

from pilotfish.policies.exploration.mapping import TILE
from pilotfish.policies.exploration.team_map import LIVES, Layer, TeamMap
from pilotfish.policies.exploration.wire import (
    MAX_ROBOTS,
    MAX_TILES,
    Beacon,
    GeometryError,
    Report,
    Source,
    Tiles,
    WireError,
    decode,
    encode,
)

MAX_NOTED = LIVES * MAX_ROBOTS**2
"""Peers and sources together of which it is noted who was told what."""


@dataclass(frozen=True)
class TalkParameters:
    """How often and how much a robot talks.

    Attributes:
        beacon_period: between beacons [s].
        share_period: own map changes are gathered for this long before they are told [s].
        link_timeout: a robot that was silent for longer is not reached [s].
        resend: what a peer still lacks after this long is sent again [s].
        bytes_per_second: budget for pieces of maps; beacons come on top.
        tiles_per_message: at most; a message of 12 is about a kilobyte.

    Raises:
        ValueError: if a value is not positive, or a message could not be read.
    """

    beacon_period: float = 0.5
    share_period: float = 1.0
    link_timeout: float = 2.0
    resend: float = 1.5
    bytes_per_second: float = 20_000.0
    tiles_per_message: int = 12

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{item.name} must be positive, got {value}")
        if self.tiles_per_message > MAX_TILES:
            raise ValueError(f"tiles_per_message must be at most {MAX_TILES}, got {self.tiles_per_message}")


class TeamTalk:
    """Beacons and tiles of one robot.

    Args:
        team_map: of this robot.
        parameters: times and budget.
        pace: pixels that a robot of the team drives in a second; the belief's clock counts these.
    """

    def __init__(self, team_map: TeamMap, parameters: TalkParameters, pace: float) -> None:
        robots = team_map.belief.robots
        if robots > MAX_ROBOTS:
            raise ValueError(f"a team has at most {MAX_ROBOTS} robots, got {robots}")
        self.team_map = team_map
        self.belief = team_map.belief
        self.parameters = parameters
        self.pace = pace
        self.geometry = team_map.frame.signature(robots)
        self.reports: dict[int, Report] = {}
        """The newest on every other robot."""
        self.refused: Counter[str] = Counter()
        """Messages not used: garbage, geometry, stranger, own_number, old."""
        self.bytes_sent = 0
        self.started: float | None = None
        self._heard = np.full(robots, -math.inf)
        self._fresh = np.full(robots, -math.inf)
        self._sequence = 0
        self._beacon_at = -math.inf
        self._shared_at = -math.inf
        self._budget = 0.0
        self._budget_at: float | None = None
        # Of what a peer lacks of a source: up to which version it was told, what it has, and since when.
        self._told: dict[tuple[int, Source], tuple[int, int, float]] = {}
        self._waiting: dict[tuple[int, Source], tuple[int, float]] = {}  # what a peer has, since when
        self._outlived: set[int] = set()  # robots that do not know of a later life of theirs
        self._sent: deque[tuple[float, int]] = deque()

    @property
    def source(self) -> Source:
        """This robot and its life."""
        return self.team_map.shared.source

    # Time.

    def time(self, now: float) -> float:
        """The belief's time: pixels that could have been driven since the mission started."""
        return 0.0 if self.started is None else max(now - self.started, 0.0) * self.pace

    def set_clock_back(self, now: float) -> None:
        """The clock was set back to ``now`` [s]: times noted are forgotten, maps are not."""
        self._heard[:] = self._fresh[:] = self._beacon_at = self._shared_at = -math.inf
        self._budget_at = None
        for noted in (self._told, self._waiting, self._sent):
            noted.clear()
        if self.started is not None:
            self._start(now)
        for times in (self.belief.stamp, self.belief.met):
            np.minimum(times, self.time(now), out=times)

    def _start(self, when: float) -> None:
        """The mission started at ``when`` [s], or somebody knows that it did so earlier."""
        if self.started is not None and when < self.started:
            shift = (self.started - when) * self.pace
            self.belief.stamp += shift
            self.belief.met += shift
        self.started = when if self.started is None else min(self.started, when)

    # In.

    def hear(self, data: bytes, now: float) -> None:
        """A message from somebody; what is none, or not for this team, is counted and dropped."""
        try:
            message = decode(data, self.geometry)
            self._take(message, now)
        except GeometryError:
            self.refused["geometry"] += 1
        except WireError:
            self.refused["garbage"] += 1

    def _take(self, message: Beacon | Tiles, now: float) -> None:
        sender = message.source if isinstance(message, Beacon) else message.sender
        if sender == self.source:
            return  # An echo: everybody hears himself on a shared network.
        if sender.robot == self.source.robot:
            self.refused["own_number"] += 1
            return
        if sender.robot >= self.belief.robots:
            self.refused["stranger"] += 1
            return
        known = self.reports.get(sender.robot)
        if known is not None and sender.epoch < known.source.epoch:
            self.refused["old"] += 1
            self._outlived.add(sender.robot)
            return
        if isinstance(message, Tiles):
            self.team_map.receive(message)
        else:
            if any(report.source.robot >= self.belief.robots for report in message.reports):
                raise WireError(f"a report on a robot that is not one of {self.belief.robots}")
            self._outlive(message)
            if 0.0 <= message.started <= now:
                self._start(message.started)
            for report in message.reports:
                self._learn(report, now)
        self._heard[sender.robot] = now

    def _outlive(self, beacon: Beacon) -> None:
        """Be younger than what peers know of this robot, or they refuse what it says as old.

        A clock that is behind that of the life before makes a life that began earlier than its
        predecessor. Where two robots have the same number, neither is to outlive the other for ever.
        """
        named = (source for report in beacon.reports for source in (report.source, *report.have))
        newest = max((source.epoch for source in named if source.robot == self.source.robot), default=0)
        if self.source.epoch < newest < 2**64 - 1 and not self.refused["own_number"]:
            self.team_map.begin_life(newest + 1)

    def _learn(self, report: Report, now: float) -> None:
        robot = report.source.robot
        known = self.reports.get(robot)
        if robot == self.source.robot or (known is not None and report.age <= known.age):
            return
        self.reports[robot] = report
        self._fresh[robot] = now
        belief, frame = self.belief, self.team_map.frame
        belief.position[robot] = frame.clipped(np.array(report.position))
        belief.target[robot] = frame.clipped(np.array(report.target))
        belief.travelled[robot] = report.travelled
        belief.stamp[robot] = self.time(min(report.stamp, now))
        belief.misses[robot] = 0
        self.team_map.knows(report)

    # Whom it reaches.

    def direct(self, now: float) -> list[int]:
        """Robots that something has arrived from lately."""
        return np.flatnonzero(now - self._heard <= self.parameters.link_timeout).tolist()

    def look(self, now: float) -> None:
        """Bring the belief's ``connected`` and ``met`` up to date."""
        if self.started is None:
            self._start(now)
        belief = self.belief
        fresh = now - self._fresh <= 2 * self.parameters.link_timeout
        reached = {self.source.robot}
        new = set(self.direct(now))
        while new:
            reached |= new
            new = {
                other
                for robot in new
                if fresh[robot] and robot in self.reports
                for other in range(belief.robots)
                if self.reports[robot].heard >> other & 1 and fresh[other]
            } - reached
        belief.connected[:] = False
        belief.connected[list(reached)] = True
        belief.met[list(reached)] = self.time(now)

    # Out.

    def speak(self, now: float) -> list[bytes]:
        """What is to be broadcast now."""
        p = self.parameters
        if now - self._shared_at >= p.share_period:
            self._shared_at = now
            self.team_map.share(now)
        frames = []
        if now - self._beacon_at >= p.beacon_period - 1e-6:
            self._beacon_at = now
            frames.append(encode(self._beacon(now), self.geometry))
        frames += self._tiles(now)
        for frame in frames:
            self.bytes_sent += len(frame)
            self._sent.append((now, len(frame)))
        return frames

    def bytes_last_minute(self, now: float) -> int:
        """Sent in the last 60 s."""
        while self._sent and self._sent[0][0] < now - 60.0:
            self._sent.popleft()
        return sum(size for _, size in self._sent)

    def _beacon(self, now: float) -> Beacon:
        self._sequence += 1
        belief, me = self.belief, self.source.robot
        own = Report(
            self.source,
            self._sequence,
            now,
            (float(belief.position[me][0]), float(belief.position[me][1])),
            (float(belief.target[me][0]), float(belief.target[me][1])),
            float(belief.travelled[me]),
            sum(1 << robot for robot in self.direct(now)),
            {source: layer.have for source, layer in self.team_map.layers.items() if layer.have},
        )
        started = now if self.started is None else self.started
        passed_on = [report for robot, report in self.reports.items() if self._is_news(robot, now)]
        self._outlived.clear()
        return Beacon(self.source, self._sequence, now, started, (own, *passed_on))

    def _is_news(self, robot: int, now: float) -> bool:
        """Whether somebody in reach has to be told of a robot: it does not hear it, or it is that robot."""
        peers = (self.reports[peer] for peer in self.direct(now) if peer != robot and peer in self.reports)
        return robot in self._outlived or any(not report.heard >> robot & 1 for report in peers)

    def _tiles(self, now: float) -> list[bytes]:
        """Pieces of maps that somebody in reach lacks, as far as the budget goes."""
        p = self.parameters
        elapsed = 0.0 if self._budget_at is None else max(now - self._budget_at, 0.0)
        self._budget = min(self._budget + elapsed * p.bytes_per_second, p.bytes_per_second)
        self._budget_at = now
        peers = [robot for robot in self.direct(now) if robot in self.reports]
        frames: list[bytes] = []
        if not peers:
            return frames
        if len(self._told) > MAX_NOTED:  # lives that are over
            self._told.clear()
            self._waiting.clear()
        for source, layer in self.team_map.layers.items():
            lacking = [robot for robot in peers if self._serves(robot, layer, now)]
            if not lacking:
                continue
            after = min(self._heard_up_to(robot, source, now) for robot in lacking)
            while after < layer.have and self._budget > 0:
                message = self._next_tiles(layer, after)
                frames.append(encode(message, self.geometry))
                self._budget -= len(frames[-1])
                for robot in lacking:
                    upto, has, since = self._told[robot, source]
                    self._told[robot, source] = (max(upto, message.upto), has, since)
                after = message.upto
        return frames

    def _heard_up_to(self, robot: int, source: Source, now: float) -> int:
        """Up to which version a peer has a source's map, or will have when what it was told arrives.

        If it has got no further for a while, something was lost, and it has what it says.
        """
        has = self.reports[robot].have.get(source, 0)
        upto, had, since = self._told.get((robot, source), (has, has, now))
        if has < had or now - since >= self.parameters.resend:  # a new life of the peer, or a loss
            upto = has
        if has != had or has >= upto:
            since = now
        upto = max(upto, has)
        self._told[robot, source] = (upto, has, since)
        return upto

    def _serves(self, robot: int, layer: Layer, now: float) -> bool:
        """Whether this robot is the one to tell a peer about a source.

        Of those that the peer hears, the source itself does so, else the one of lowest index that can; if
        nothing comes of that for a while, everybody who can.
        """
        source, report = layer.source, self.reports[robot]
        has = report.have.get(source, 0)
        if has >= layer.have or source == report.source:
            self._waiting.pop((robot, source), None)
            return False
        waited, since = self._waiting.get((robot, source), (-1, now))
        if waited != has:
            since = now
        self._waiting[robot, source] = (has, since)
        if now - since > 2 * self.parameters.resend:
            return True
        able = [self.source.robot]
        for other, theirs in self.reports.items():
            if report.heard >> other & 1 and other != robot and theirs.have.get(source, 0) > has:
                able.append(other)
        owner = source.robot in able and (
            source == self.source
            or (source.robot in self.reports and self.reports[source.robot].source == source)
        )
        return self.source.robot == (source.robot if owner else min(able))

    def _next_tiles(self, layer: Layer, after: int) -> Tiles:
        version = layer.version.ravel()
        wanted = np.flatnonzero((version > after) & (version <= layer.have))
        wanted = wanted[np.argsort(version[wanted])]
        chosen = wanted[: self.parameters.tiles_per_message]
        upto = layer.have if len(chosen) == len(wanted) else int(version[chosen[-1]])
        columns = self.team_map.frame.tiles[1]
        pieces = layer.pixels.reshape(-1, TILE, columns, TILE)
        self._sequence += 1
        return Tiles(
            self.source,
            self._sequence,
            layer.source,
            after,
            upto,
            chosen,
            version[chosen],
            layer.stamp.ravel()[chosen],
            np.stack([pieces[i, :, j] for i, j in zip(*divmod(chosen, columns), strict=True)])
            if len(chosen)
            else np.zeros((0, TILE, TILE), np.uint8),
        )

"""The planners that a learned explorer is measured against; each leads one robot on its own belief.

All of them do the same when they know of no frontier: they carry what they know to the nearest peer that
they believe to lack some of it; when there is none whose place they know, they look into the last corners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.explorer import STAY, TargetPolicy
from pilotfish.policies.exploration.navigation import pixels_of
from pilotfish.policies.exploration.search import FAR
from pilotfish.policies.exploration.situation import Situation

UNREACHABLE = 1e5
"""Cost of what cannot be reached, in an assignment [px]."""

SAME_TARGET = 24.0
"""A frontier this near to the last target is still the same [px]."""

ARRIVED = 12.0
"""A meeting place is reached within this way [px]."""


class PlannedPolicy(TargetPolicy):
    """What the planners share: going to tell when nothing is left to explore."""

    def choose(self, situation: Situation) -> int:
        if len(situation.frontiers) == 0:
            return tell(situation)
        return self.explore(situation)

    def explore(self, situation: Situation) -> int:
        """The block to go to; there is a frontier."""
        raise NotImplementedError


def tell(situation: Situation) -> int:
    """Where the nearest disconnected peer that lacks something is believed to be; a last corner; or STAY."""
    belief = situation.belief
    wanting = (belief.surplus() > 0) & ~belief.connected
    way = np.where(wanting, situation.peer_distance, np.inf)
    nearest = int(way.argmin())
    return int(situation.peer_block[nearest]) if np.isfinite(way[nearest]) else situation.nearest_faint()


class NearestFrontier(PlannedPolicy):
    """The nearest frontier.

    Of robots that stand together, each skips as many as there are of lower index: from one place they would
    drive as one robot forever.
    """

    def explore(self, situation: Situation) -> int:
        belief = situation.belief
        beside = belief.connected & (situation.peer_distance < ARRIVED)
        skip = int(beside[: belief.me].sum())
        order = np.argsort(situation.distance, kind="stable")
        return int(situation.frontiers.block[order[min(skip, len(order) - 1)]])


class UtilityMinusCost(PlannedPolicy):
    """The best of utility minus cost; robots of a component choose in turn (Burgard et al., 2005).

    Utility is the size of a frontier, less where a robot that chose before goes near it.

    Args:
        weight: pixels of way that a block of frontier is worth.
    """

    def __init__(self, name: str, weight: float = 4.0, discount_range: float = 80.0) -> None:
        super().__init__(name)
        self.weight = weight
        self.discount_range = discount_range

    def explore(self, situation: Situation) -> int:
        belief, frontiers = situation.belief, situation.frontiers
        places = situation.navigation.anchors(frontiers.block)
        utility = self.weight * frontiers.size.astype(float)
        for robot in np.flatnonzero(belief.connected):
            best = int((utility - situation.distances(np.array([robot]))[0]).argmax())
            if robot == belief.me:
                return int(frontiers.block[best])
            apart = np.hypot(*(places - places[best]).T)
            utility *= np.clip(apart / self.discount_range, 0.0, 1.0)
        return STAY  # never: a robot is connected to itself


class Hungarian(PlannedPolicy):
    """Frontiers assigned to robots so that the sum of ways is least.

    Args:
        last_seen: assign to disconnected peers too, at their last known places.
        keep: what changing a robot's target costs [px]: without it robots turn round half-way too often.
    """

    def __init__(self, name: str, last_seen: bool = False, keep: float = 15.0) -> None:
        super().__init__(name)
        self.last_seen = last_seen
        self.keep = keep

    def explore(self, situation: Situation) -> int:
        belief = situation.belief
        placed = situation.peer_block >= 0
        robots = np.flatnonzero(placed if self.last_seen else belief.connected)
        ways = situation.distances(robots)
        places = situation.navigation.anchors(situation.frontiers.block)
        for row, robot in enumerate(robots):
            kept = same_target(places, belief.target[robot]) if belief.connected[robot] else -1
            if kept >= 0:
                ways[row, kept] -= self.keep
        return int(situation.frontiers.block[assigned(ways, robots, belief.me)])


def same_target(places: NDArray[np.float32], target: NDArray[np.float32]) -> int:
    """Which of some places [C, 2] is the one that a robot was going for (row, col) [px]; -1 for none."""
    if not np.isfinite(target).all():
        return -1
    moved = np.hypot(*(places - target).T)
    nearest = int(moved.argmin())
    return nearest if moved[nearest] < SAME_TARGET else -1


def assigned(ways: NDArray[np.float32], robots: NDArray[np.int64], me: int) -> int:
    """Column of the least-sum assignment for one robot; the nearest where there are too few columns.

    Args:
        ways: [R, C] from each robot to each frontier [px], inf where nothing leads.
        robots: [R] their indices.
        me: the robot to answer for.
    """
    own = int(np.flatnonzero(robots == me)[0])
    rows, columns = linear_sum_assignment(np.where(np.isfinite(ways), ways, UNREACHABLE))
    chosen = columns[rows == own]
    return int(chosen[0]) if len(chosen) else int(ways[own].argmin())


class FullCommunication(Hungarian):
    """Hungarian assignment of a team that hears each other always: the optimistic bound."""

    needs_full_radio = True


class PlannedRendezvous(Hungarian):
    """Hungarian assignment, and a meeting of all at a fixed place at fixed times.

    A robot leaves so that it is there in time; it waits there until all are connected, or gives the others
    up after ``patience``.

    Args:
        period: until the first meeting [s]; the next ones are half as long again apart each, since what is
            left to explore lies ever further away. By a sweep (README of this folder) the default is best:
            earlier meetings cost more than they bring.
        place: "start", or "medoid": what was the middle of the known map at the last meeting.
        patience: [s].
    """

    def __init__(
        self, name: str, period: float = 3000.0, place: str = "medoid", patience: float = 150.0
    ) -> None:
        super().__init__(name)
        if place not in ("start", "medoid"):
            raise ValueError(f"rendezvous place {place!r}: choose start or medoid")
        if not (np.isfinite(period) and period > 0):
            raise ValueError(f"rendezvous period must be positive, got {period} s")
        self.period = period
        self.place = place
        self.patience = patience

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        super().reset(belief, seed, clearance)
        self._due = self._period = self.period
        self._spot: NDArray = belief.home.copy()

    def choose(self, situation: Situation) -> int:
        belief, navigation = situation.belief, situation.navigation
        if belief.connected.all() and belief.now >= self._due - self._period / 2:
            self._period *= 1.5
            self._due = belief.now + self._period
            self._spot = self._middle(situation)
        if belief.now > self._due + self.patience:
            self._period *= 1.5
            self._due += self._period
        block = navigation.block_at(self._spot)
        way = float(pixels_of(situation.field[block])) if block >= 0 else np.inf
        if np.isfinite(way) and belief.now + way >= self._due:
            return block if way > ARRIVED else STAY
        return super().choose(situation)

    def _middle(self, situation: Situation) -> NDArray[np.float32]:
        if self.place == "start":
            return self._spot
        blocks = np.flatnonzero(situation.field < FAR)
        places = situation.navigation.anchors(blocks)
        return places[np.argmin(np.abs(places - places.mean(axis=0)).sum(axis=1))]


class Pursuit(Hungarian):
    """Hungarian assignment, and a detour to a disconnected peer when the surplus is worth it.

    Args:
        worth: pixels of way that a free pixel that the peer lacks is worth.
    """

    def __init__(self, name: str, worth: float = 0.003) -> None:
        super().__init__(name)
        if not (np.isfinite(worth) and worth >= 0):
            raise ValueError(f"pursuit's worth must not be negative, got {worth}")
        self.worth = worth

    def explore(self, situation: Situation) -> int:
        belief = situation.belief
        gain = np.where(belief.connected, 0.0, self.worth * belief.surplus()) - situation.peer_distance
        best = int(gain.argmax())
        nearest = float(situation.distance.min())
        if np.isfinite(gain[best]) and gain[best] > -nearest and situation.peer_distance[best] > ARRIVED:
            return int(situation.peer_block[best])
        return super().explore(situation)

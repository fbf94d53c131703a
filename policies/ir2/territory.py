"""The expert: robots apart keep out of each other's parts, and hunt those who lack something in the end.

On its own belief, and nothing else, a robot
1. shares the promising frontiers out among the robots it is connected to, and leaves to those out of reach
   what lies around the places where they were last; the planner takes all frontiers for promising;
2. when it knows all, looks for those that lack some of it: where they may be by now (``PeerInMind``), shared
   out among the robots it is connected to;
3. when there is nobody to look for, looks behind the other frontiers, and into corners;
4. when there is nowhere to look, waits for the others where the team began.

Two robots whose radios flicker decide now together, now apart; so that they do not drive to and fro between
the two answers, a target gets the dearer to give up the longer the robot has driven without seeing anything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.explorer import STAY, TargetPolicy
from pilotfish.policies.exploration.mind import PeerInMind
from pilotfish.policies.exploration.navigation import pixels_of
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.options import EXPLORE, HOME, LAST_CORNER, MEET, WAIT, Options
from pilotfish.policies.ir2.planned import ARRIVED, UNREACHABLE, same_target

BORDER_WIDTH = 150.0
"""How far the work of a robot out of reach is felt: its price falls to 1/e over this distance [px]."""

TIER = 2000.0
"""Price of doing things out of order: what is another's share, or spared frontiers and corners before a
meeting [px]."""

WAITING = 1e6
"""Price of standing still: more than any way, so that nobody gives up what lies far away [px]."""

TOGETHER = 60.0
"""Who looks for a peer at a place sees it this far around [px]."""

HURRY = 300.0
"""A meeting that is this much further off counts 1/e as much [px]."""

LOOKED_FOR = 0.3
"""What a meeting counts for the next robot, when one has taken it."""

KEEPING = 1.5
"""A meeting place counts so many times as much if it is the last one."""

WANTING = 0.005
"""A robot that lacks less of what another knows need not be looked for: it is done, or nearly so."""

NEWS = 20
"""Free pixels more than this robot knew make news."""

MOST_FRONTIERS = 48
"""Clusters beyond these, the furthest, are left for later decisions."""


class TerritoryPolicy(TargetPolicy):
    """The expert; see the module.

    Args:
        keep: what changing the target costs, beside the way driven since the last news [px].
        apart: how much a frontier is preferred for being far from the others, a share of that way.
        border: what a frontier costs that lies where robots out of reach are at work [px].
    """

    def __init__(
        self,
        name: str,
        keep: float = 15.0,
        apart: float = 0.2,
        border: float = 300.0,
    ) -> None:
        super().__init__(name)
        self.keep = keep
        self.apart = apart
        self.border = border

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief."""
        super().reset(belief, seed, clearance)
        self._minds: list[PeerInMind | None] = [None] * belief.robots
        self._place = np.tile(belief.position[belief.me], (belief.robots, 1))
        self._goal = np.full((belief.robots, 2), np.nan, np.float32)
        self._news = (0.0, 0.0, 0)  # way driven, time, and free pixels known when there was something new
        self._stale = self._quiet = 0.0  # way driven [px], and time [s], since then

    def choose(self, situation: Situation) -> int:
        """The block of the cheapest option, or STAY."""
        options = self.options(situation)
        return int(options.block[options.best])

    def options(self, situation: Situation) -> Options:
        """Everything that can be done now, priced."""
        belief = situation.belief
        self._take_note(belief)
        promising = self.promising(situation)
        parts = [self._frontiers(situation, np.flatnonzero(promising))]
        if not promising.any():
            parts += self._afterwards(situation)
        if not belief.connected.all():
            parts.append(self._at_home(situation))
        parts.append(_options(WAIT, [STAY], [0.0], [WAITING]))
        return Options.joined(parts)

    def promising(self, situation: Situation) -> NDArray[np.bool_]:
        """bool [C] which frontiers are worth a way now; the planner has no idea, and looks behind all."""
        return np.ones(len(situation.frontiers), bool)

    def _afterwards(self, situation: Situation) -> list[Options]:
        """What there is to do when no frontier is promising."""
        doubtful = self._frontiers(situation, np.arange(len(situation.frontiers)))
        meetings = self._meetings(situation)
        if len(meetings):
            doubtful.cost[:] += TIER
        return [meetings, doubtful, self._corners(situation)]

    def _take_note(self, belief: TeamBelief) -> None:
        """Of who is in reach, where the others were seen last, and what is new."""
        for peer in np.flatnonzero(belief.connected):
            self._minds[peer] = None
        placed = np.isfinite(belief.position).all(axis=1)
        self._place[placed], self._goal[placed] = belief.position[placed], belief.target[placed]
        driven, known = float(belief.travelled[belief.me]), belief.free_pixels
        if known >= self._news[2] + NEWS:
            self._news = (driven, belief.now, known)
        self._stale, self._quiet = driven - self._news[0], belief.now - self._news[1]

    def _corners(self, situation: Situation) -> Options:
        """The nearest place where little is left to see."""
        corner = situation.nearest_faint()
        if corner < 0:
            return _options(LAST_CORNER, [], [], [])
        way = float(pixels_of(situation.field[corner]))
        return _options(LAST_CORNER, [corner], [way], [TIER + way])

    def _at_home(self, situation: Situation) -> Options:
        """To be found where the team began; only who has something to tell prefers it to standing still."""
        block = situation.navigation.block_at(situation.belief.home)
        way = float(pixels_of(situation.field[block])) if block >= 0 else np.inf
        if not np.isfinite(way):
            return _options(HOME, [], [], [])
        block = block if way > ARRIVED else STAY
        telling = bool((situation.surplus[~situation.belief.connected] > 0).any())
        return _options(HOME, [block], [way], [WAITING / 2 + way if telling else 2 * WAITING])

    def _frontiers(self, situation: Situation, rows: NDArray[np.int64]) -> Options:
        """Some frontiers, shared out among the connected robots; this robot's own is the cheapest."""
        belief, frontiers = situation.belief, situation.frontiers
        if not len(rows):
            return _options(EXPLORE, [], [], [])
        kept = rows[np.sort(np.argsort(situation.distance[rows], kind="stable")[:MOST_FRONTIERS])]
        robots = np.flatnonzero(belief.connected)
        own = int(np.flatnonzero(robots == belief.me)[0])
        blocks = frontiers.block[kept]
        ways = np.stack([situation.ways(robot, blocks) for robot in robots.tolist()]).astype(float)
        ways[~np.isfinite(ways)] = UNREACHABLE
        cost = self._prices(situation, ways, kept, robots)
        rows, columns = linear_sum_assignment(cost)
        price = cost[own].copy()
        chosen = columns[rows == own]
        if len(chosen):
            # Its share comes first; what was given to another connected robot, behind all that was not.
            price[np.setdiff1d(columns, chosen)] += TIER
            price[chosen] = min(price.min(), price[chosen[0]]) - 1.0
        return Options(
            np.full(len(kept), EXPLORE, np.int8),
            frontiers.block[kept],
            situation.distance[kept],
            price.astype(np.float32),
            frontiers.size[kept].astype(np.float32),
            frontiers.pocket[kept].astype(np.float32),
            np.full(len(kept), -1, np.int8),
        )

    def _prices(
        self, situation: Situation, ways: NDArray, kept: NDArray, robots: NDArray
    ) -> NDArray[np.float64]:
        """[R, C] the way, less for keeping the last target and for being far from the others [px].

        More where robots out of reach were last: what lies there is likely theirs, from the other side.
        """
        belief = situation.belief
        places = situation.navigation.anchors(situation.frontiers.block[kept])
        away = belief.position[~belief.connected & np.isfinite(belief.position).all(axis=1)]
        cost = ways.copy()
        if len(away):
            apart = np.hypot(*(places[:, None] - away[None]).transpose(2, 0, 1)).min(axis=1)
            cost += self.border * np.exp(-apart / BORDER_WIDTH)
        for row, robot in enumerate(robots):
            kept_place = same_target(places, belief.target[robot])
            if kept_place >= 0:
                cost[row, kept_place] -= self.keep + self._stale
        if len(robots) > 1:
            others = np.stack([np.delete(ways, row, axis=0).min(axis=0) for row in range(len(robots))])
            cost -= self.apart * np.minimum(others, 300.0)
        return cost

    def _meetings(self, situation: Situation) -> Options:
        """Where robots out of reach may be met that lack something; connected robots take different places.

        One after the other, in the order of their numbers, the connected robots take the place where most of
        the lives in mind are met soonest; those count less for the next. All of them come to the same answer.
        """
        belief, navigation = situation.belief, situation.navigation
        found = [
            (peer, *self._mind(situation, peer).meetings(navigation, situation.field))
            for peer in range(belief.robots)
            if not belief.connected[peer] and situation.surplus[peer] > WANTING * belief.free_pixels
        ]
        blocks = np.concatenate([np.empty(0, np.int64), *(blocks for _, blocks, _ in found)])
        if not len(blocks):
            return _options(MEET, [], [], [])
        peers = np.concatenate([np.full(len(blocks), peer) for peer, blocks, _ in found])
        places, first = np.unique(blocks, return_index=True)
        where = navigation.anchors(places)
        apart = np.hypot(*(where[:, None] - navigation.anchors(blocks)[None]).transpose(2, 0, 1))
        worth = (apart < TOGETHER).astype(float)  # [places, lives]
        for robot in np.flatnonzero(belief.connected).tolist():
            way = situation.ways(robot, places).astype(float)
            score = worth.sum(axis=1) * np.exp(-way / HURRY)
            kept = same_target(where, belief.target[robot])
            if kept >= 0:
                score[kept] *= KEEPING
            best = int(score.argmax())
            if robot == belief.me:
                break
            worth[:, apart[best] < TOGETHER] *= LOOKED_FOR
        price = way.copy()
        price[best] = -1.0
        return _options(MEET, places.tolist(), way.tolist(), price.tolist(), peers[first].tolist())

    def _mind(self, situation: Situation, peer: int) -> PeerInMind:
        """What the robot thinks a peer to be doing, up to date."""
        belief, navigation = situation.belief, situation.navigation
        mind = self._minds[peer]
        if mind is None or mind.stamp != belief.stamp[peer]:
            mind = PeerInMind(belief, peer, navigation, self._place[peer], self._goal[peer])
            self._minds[peer] = mind
        mind.update(belief, navigation)
        return mind


def _options(kind: int, block: list, way: list, cost: list, peer: list | None = None) -> Options:
    count = len(block)
    zeros = np.zeros(count, np.float32)
    return Options(
        np.full(count, kind, np.int8),
        np.asarray(block, np.int64),
        np.asarray(way, np.float32),
        np.asarray(cost, np.float32),
        zeros,
        zeros,
        np.full(count, -1, np.int8) if peer is None else np.asarray(peer, np.int8),
    )

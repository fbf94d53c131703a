"""The expert: territories while robots are apart, and a hunt for those who lack something in the end.

On its own belief, and nothing else, a robot
1. shares the frontiers out among the robots it is connected to, and notes what is left to whom
   (``TeamBelief.claim``); apart, everybody works on his own part and on what he finds behind it;
2. takes over what was left to others when nothing of its own is left: it meets them there, or sees it too;
3. when it knows all, goes after those that lack some of it: where it takes them to be (``PeerInMind``).
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
from pilotfish.policies.ir2.options import EXPLORE, LAST_CORNER, MEET, TAKE_OVER, WAIT, Options
from pilotfish.policies.ir2.planned import UNREACHABLE

BORDER_WIDTH = 150.0
"""How far the work of a robot out of reach is felt: its price falls to 1/e over this distance [px]."""

KEEP = 24.0
"""A cluster this near to the last target is still the same [px]."""

TIER = 2000.0
"""Price of doing things out of order: taking over before the own part is done, meeting before that [px]."""

WAITING = 1e6
"""Price of standing still: more than any way, so that nobody gives up what lies far away [px]."""

MOST_FRONTIERS = 48
"""Clusters beyond these, the furthest, are left for later decisions."""


class TerritoryPolicy(TargetPolicy):
    """The expert; see the module.

    Args:
        keep: what changing the target costs [px].
        apart: how much a frontier is preferred for being far from the others, a share of that way.
        border: what a frontier costs that lies where robots out of reach are at work [px].
    """

    def __init__(self, name: str, keep: float = 15.0, apart: float = 0.2, border: float = 300.0) -> None:
        super().__init__(name)
        self.keep = keep
        self.apart = apart
        self.border = border

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief."""
        super().reset(belief, seed, clearance)
        self._minds: list[PeerInMind | None] = [None] * belief.robots

    def choose(self, situation: Situation) -> int:
        """The block of the cheapest option, or STAY."""
        options = self.options(situation)
        return int(options.block[options.best])

    def options(self, situation: Situation) -> Options:
        """Everything that can be done now, priced; notes what is left to whom."""
        belief = situation.belief
        for peer in np.flatnonzero(belief.connected):
            self._minds[peer] = None
        parts = [self._frontiers(situation)]
        if not len(parts[0]) or parts[0].kind[parts[0].best] == TAKE_OVER:
            parts.append(self._meetings(situation))
        corner = situation.nearest_faint() if not len(parts[0]) else -1
        if corner >= 0:
            way = pixels_of(situation.field[corner])
            parts.append(_options(LAST_CORNER, [corner], [way], [3 * TIER + way]))
        parts.append(_options(WAIT, [STAY], [0.0], [WAITING]))
        return Options.joined(parts)

    def _frontiers(self, situation: Situation) -> Options:
        belief, frontiers = situation.belief, situation.frontiers
        if not len(frontiers):
            return _options(EXPLORE, [], [], [])
        kept = np.sort(np.argsort(situation.distance, kind="stable")[:MOST_FRONTIERS])
        owner = self._owners(situation)[kept]
        left = (owner >= 0) & ~belief.connected[owner]
        robots = np.flatnonzero(belief.connected)
        own = int(np.flatnonzero(robots == belief.me)[0])
        ways = np.stack([situation.ways(robot, frontiers.block[kept]) for robot in robots]).astype(float)
        ways[~np.isfinite(ways)] = UNREACHABLE
        cost = self._prices(situation, ways, kept, robots, left)
        shared = np.flatnonzero(~left) if not left.all() else np.arange(len(kept))
        rows, columns = linear_sum_assignment(cost[:, shared])
        columns = shared[columns]
        cost[:, left] += TIER
        if not left.all():
            self._note(
                situation, kept[~left], ways[:, ~left], robots, dict(zip(kept[columns], rows, strict=True))
            )
        price = cost[own].copy()
        chosen = columns[rows == own]
        if len(chosen):
            # Its share comes first; what was given to another connected robot, behind all that was not.
            price[np.setdiff1d(columns, chosen)] += TIER / 2
            price[chosen] = min(price.min(), price[chosen[0]]) - 1.0
        return Options(
            np.where(left, TAKE_OVER, EXPLORE).astype(np.int8),
            frontiers.block[kept],
            situation.distance[kept],
            price.astype(np.float32),
            frontiers.size[kept].astype(np.float32),
            frontiers.pocket[kept].astype(np.float32),
            np.where(left, owner, -1).astype(np.int8),
        )

    def _owners(self, situation: Situation) -> NDArray[np.int64]:
        """int64 [C] robot that most of a cluster was left to; -1 for none."""
        belief, frontiers = situation.belief, situation.frontiers
        places = belief.robots + 1
        votes = frontiers.cluster * places + belief.claim.ravel()[frontiers.members] + 1
        count = np.bincount(votes, minlength=len(frontiers) * places)
        return count.reshape(-1, places).argmax(axis=1) - 1

    def _prices(
        self, situation: Situation, ways: NDArray, kept: NDArray, robots: NDArray, left: NDArray
    ) -> NDArray[np.float64]:
        """[R, C] the way, less for keeping the last target and for being far from the others [px].

        More where robots out of reach are at work: a frontier there is likely theirs, from the other side.
        """
        belief = situation.belief
        places = situation.navigation.anchors(situation.frontiers.block[kept])
        away = ~belief.connected & np.isfinite(belief.position).all(axis=1)
        theirs = np.concatenate([places[left], belief.position[away]])
        cost = ways.copy()
        if len(theirs):
            apart = np.hypot(*(places[:, None] - theirs[None]).transpose(2, 0, 1)).min(axis=1)
            cost += self.border * np.exp(-apart / BORDER_WIDTH)
        for row, robot in enumerate(robots):
            target = situation.belief.target[robot]
            if np.isfinite(target).all():
                moved = np.hypot(*(places - target).T)
                if moved.min() < KEEP:
                    cost[row, moved.argmin()] -= self.keep
        if len(robots) > 1:
            others = np.stack([np.delete(ways, row, axis=0).min(axis=0) for row in range(len(robots))])
            cost -= self.apart * np.minimum(others, 300.0)
        return cost

    def _note(
        self, situation: Situation, clusters: NDArray, ways: NDArray, robots: NDArray, given: dict[int, int]
    ) -> None:
        """Leave each cluster to the connected robot that it was given to, else to the nearest."""
        belief, frontiers = situation.belief, situation.frontiers
        leader = np.full(len(frontiers), -1, np.int8)
        leader[clusters] = robots[ways.argmin(axis=0)]
        for cluster, row in given.items():
            if leader[cluster] >= 0:
                leader[cluster] = robots[row]
        whose = leader[frontiers.cluster]
        noted = whose >= 0
        blocks = frontiers.members[noted]
        belief.claim.ravel()[blocks] = whose[noted]
        belief.claimed.ravel()[blocks] = belief.now

    def _meetings(self, situation: Situation) -> Options:
        """Where robots out of reach are met that lack something; connected robots spread over them."""
        belief, navigation = situation.belief, situation.navigation
        peers = [p for p in range(belief.robots) if not belief.connected[p] and situation.surplus[p] > 0]
        minds = [(peer, mind) for peer in peers if (mind := self._mind(situation, peer)) is not None]
        if not minds:
            return _options(MEET, [], [], [])
        robots = np.flatnonzero(belief.connected)
        own = int(np.flatnonzero(robots == belief.me)[0])
        ways = np.array(
            [
                [float(situation.ways(robot, np.array([mind.block]))[0]) for _, mind in minds]
                for robot in robots
            ]
        )
        rows, columns = linear_sum_assignment(np.where(np.isfinite(ways), ways, UNREACHABLE))
        blocks = [mind.intercept(navigation, situation.field) for _, mind in minds]
        reached = [(k, block) for k, block in enumerate(blocks) if block >= 0]
        way = [float(pixels_of(situation.field[block])) for _, block in reached]
        mine = columns[rows == own]
        price = [2 * TIER + w + (0.0 if k in mine else 200.0) for (k, _), w in zip(reached, way, strict=True)]
        peer = [minds[k][0] for k, _ in reached]
        return _options(MEET, [block for _, block in reached], way, price, peer)

    def _mind(self, situation: Situation, peer: int) -> PeerInMind | None:
        """What the robot thinks a peer to be doing; None where it has no idea."""
        belief, navigation = situation.belief, situation.navigation
        mind = self._minds[peer]
        if mind is None or mind.stamp != belief.stamp[peer]:
            if not np.isfinite(belief.position[peer]).all():
                return mind
            mind = PeerInMind(belief, peer, navigation, self._tries(belief))
        mind.update(belief, navigation)
        self._minds[peer] = mind
        return mind

    @staticmethod
    def _tries(belief: TeamBelief) -> int:
        """Which of a peer's possible ways this robot follows: connected robots take different ones."""
        return int(belief.connected[: belief.me].sum())


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

"""A peer out of reach, simulated in mind: where is it by now, if it goes on exploring what it lacks?

The robot plays the peer's life since the last contact on its own map: from where the peer was, always on to
the nearest place that it is believed not to have seen, at the team's speed. When it is not where that life
ends, it has lived another one: the robot begins again with a place that the peer may not have seen by then.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import NEIGHBOUR_COL, NEIGHBOUR_ROW, SCALE
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.search import BUCKETS, FAR, widened

TICK = 15.0
"""Way, and time at 1 px/s, of a step in mind [px, s]."""

SIGHT = 48.0
"""How far along ways a peer is taken to see [px]."""

NOT_THERE = 2
"""How often the place must have been empty, in sight, before the peer is looked for elsewhere."""

GOLDEN = 0.6180339887
"""Multiples of it, modulo 1, lie spread evenly however many they are."""

HORIZON = 1500.0
"""How far ahead a peer is foreseen [s]."""


class PeerInMind:
    """One disconnected peer.

    Args:
        belief: of the robot that thinks.
        peer: whom it thinks of; its place must be known.
        navigation: of the robot, up to date.
        first: 0 for the peer's likeliest way, 1, 2 ... for ways that begin with another place.

    Attributes:
        block: where the peer is taken to be.
        idle: nothing is left to see for it, as far as this robot knows.
    """

    def __init__(self, belief: TeamBelief, peer: int, navigation: Navigation, first: int = 0) -> None:
        self.peer = peer
        self.stamp = float(belief.stamp[peer])
        self.first = first
        self.block = navigation.block_at(belief.position[peer])
        self.idle = self.block < 0
        self._now = self.stamp
        self._seen = belief.free[peer] > 0
        self._empty = 0
        self._rest = 0
        self._wrong = 0
        for _ in range(first):
            # Take its next place for seen: it may have begun with another one.
            _, target, _ = self._advance(navigation, self.block, self._seen.copy(), 10**9)
            if target >= 0:
                _see_around(navigation.links, target, self._seen, int(3 * SIGHT * SCALE))

    def update(self, belief: TeamBelief, navigation: Navigation) -> None:
        """Let the peer live on to now; move it on where it is seen not to be."""
        while self._now < belief.now and not self.idle:
            self._now += TICK
            # It stops at whole blocks: what is left of a stride goes into the next one.
            stride = self._rest + int(TICK * SCALE)
            self.block, target, moved = self._advance(navigation, self.block, self._seen, stride)
            self._rest = stride - moved
            self.idle = target < 0
        here, there = belief.position[belief.me], navigation.anchors(np.array([self.block]))[0]
        if belief.should_hear(here, there):
            self._empty += 1
            if self._empty >= NOT_THERE:
                self._empty = 0
                self.block, target, _ = self._advance(navigation, self.block, self._seen, 10**9)
                self.idle = target < 0
                if self.idle:
                    self._begin_again(belief, navigation)

    def _begin_again(self, belief: TeamBelief, navigation: Navigation) -> None:
        """Take the peer to be at one of the places that it did not know at the last contact.

        The choices, one after the other and of robots with other ``first``, lie spread over those places.
        """
        self._seen = belief.free[self.peer] > 0
        places = np.flatnonzero(~self._seen.ravel() & navigation.links.any(axis=2).ravel())
        if len(places):
            self._wrong += 1
            share = (self._wrong * GOLDEN + self.first * GOLDEN**2) % 1.0
            self.block = int(places[int(share * len(places))])
            self._now, self._rest, self.idle = belief.now, 0, False

    def intercept(self, navigation: Navigation, field: NDArray[np.int32]) -> int:
        """The block where a robot with this distance field meets the peer first, or -1."""
        block, seen, time, rest = self.block, self._seen.copy(), 0.0, self._rest
        while field[block] > time * SCALE and time < HORIZON:
            stride = rest + int(TICK * SCALE)
            block, target, moved = self._advance(navigation, block, seen, stride)
            rest = stride - moved
            if target < 0:
                break
            time += TICK
        return int(block) if field[block] < FAR else -1

    @staticmethod
    def _advance(navigation: Navigation, block: int, seen: NDArray, stride: int) -> tuple[int, int, int]:
        return _advance(navigation.links, block, seen, int(SIGHT * SCALE), stride)


@njit(cache=True)
def _advance(links, start, seen, sight, stride):
    """Look around from a block and go towards the nearest one not seen.

    Args:
        links: uint8 [h, w, 8]; start: block.
        seen: bool [h, w], updated with what lies within ``sight`` [1/SCALE px].
        stride: [1/SCALE px].

    Returns: block after the stride, block gone for (-1 where all is seen), way driven [1/SCALE px].
    """
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    flat = seen.reshape(height * width)
    distance = np.full(height * width, FAR, np.int32)
    parent = np.full(height * width, -1, np.int32)
    buckets = np.empty((BUCKETS, 512), np.int32)
    filled = np.zeros(BUCKETS, np.int64)
    distance[start] = 0
    buckets[0, 0] = start
    filled[0] = 1
    waiting, now, target = 1, 0, -1
    while waiting > 0 and target < 0:
        slot = now % BUCKETS
        for entry in range(filled[slot]):
            block = buckets[slot, entry]
            if distance[block] != now:
                continue
            if now <= sight:
                flat[block] = True
            elif not flat[block]:
                target = block
                break
            for k in range(8):
                way = ways[block, k]
                other = block + step[k]
                if way > 0 and now + way < distance[other]:
                    distance[other] = now + way
                    parent[other] = block
                    slot_to = (now + way) % BUCKETS
                    if filled[slot_to] == buckets.shape[1]:
                        buckets = widened(buckets)
                    buckets[slot_to, filled[slot_to]] = other
                    filled[slot_to] += 1
                    waiting += 1
        waiting -= filled[slot]
        filled[slot] = 0
        now += 1
    if target < 0:
        return start, -1, 0
    block = target
    while distance[block] > stride:
        block = parent[block]
    return block, target, distance[block]


@njit(cache=True)
def _see_around(links, start, seen, sight):
    """Mark everything within ``sight`` [1/SCALE px] of a block as seen."""
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    flat = seen.reshape(height * width)
    distance = np.full(height * width, FAR, np.int32)
    queue = np.empty(height * width, np.int32)
    queue[0], distance[start] = start, 0
    first, last = 0, 1
    while first < last:  # breadth first: near enough to order by way for a rough mark
        block = queue[first]
        first += 1
        flat[block] = True
        for k in range(8):
            way, other = ways[block, k], block + step[k]
            if way > 0 and distance[other] == FAR and distance[block] + way <= sight:
                distance[other] = distance[block] + way
                queue[last] = other
                last += 1

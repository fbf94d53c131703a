"""A peer out of reach, simulated in mind: where may it be by now, if it goes on exploring what it lacks?

The robot plays several lives of the peer since the last contact on its own map: from where the peer was,
on to a near place that it is believed not to have seen, and so on, at the team's speed. The lives differ by
chance in which near place they take. A life that is where the peer should be heard, and is not, was not
lived: it is begun again as a copy of one that still may be, or at any place that the peer lacked (a particle
filter).
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import NEIGHBOUR_COL, NEIGHBOUR_ROW, SCALE
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.search import FAR, new_queue, put, taken

LIVES = 8
"""How many are played of a peer."""

TICK = 15.0
"""Way, and time at 1 px/s, of a step in mind [px, s]."""

AHEAD = 45.0
"""The same where the future is looked at: it is uncertain enough."""

SIGHT = 48.0
"""How far along ways a peer is taken to see [px]."""

APART = 60.0
"""A life that does not take the nearest place takes one that is so much further, or more [px]."""

NEAREST = 0.7
"""How likely a life takes the nearest place; else the next one, with the same chance."""

NOT_THERE = 2
"""How often the place of a life must have been empty, in sight, before it is begun again."""

WAY = 512
"""Blocks of a life's way that are kept: they need not be searched for again at every step."""

HORIZON = 600.0
"""How far ahead a peer is foreseen [s]."""


class Lives(NamedTuple):
    """The state of the lives of a peer, L of them.

    Attributes:
        block: int64 [L] where the peer is.
        target: int64 [L] the block that it goes to, -1 where it has none.
        rest: int64 [L] what is left of the last stride [1/SCALE px]: lives stop at whole blocks.
        seen: bool [L, h, w] what it has seen.
        luck: uint64 [L] state of its own random numbers.
        path: int32 [L, WAY] its way, the next block last; ahead: int64 [L] how many blocks of it are left.
    """

    block: NDArray[np.int64]
    target: NDArray[np.int64]
    rest: NDArray[np.int64]
    seen: NDArray[np.bool_]
    luck: NDArray[np.uint64]
    path: NDArray[np.int32]
    ahead: NDArray[np.int64]


class PeerInMind:
    """One peer out of reach.

    Args:
        belief: of the robot that thinks.
        peer: whom it thinks of.
        navigation: of the robot, up to date.
        place, goal: float [2] (row, col) where the peer was at the last contact, and where it was going; NaN
            where that is not known [px].

    Attributes:
        idle: bool [LIVES] nothing is left to see for it there, as far as this robot knows.
        stamp: of the contact that the lives began with [s].
    """

    def __init__(
        self, belief: TeamBelief, peer: int, navigation: Navigation, place: NDArray, goal: NDArray
    ) -> None:
        self.peer = peer
        self.stamp = float(belief.stamp[peer])
        where = navigation.block_at(goal) if np.isfinite(goal).all() else -1
        self._empty: NDArray[np.int64] = np.zeros(LIVES, np.int64)
        self._now = self.stamp if np.isfinite(self.stamp) else belief.now
        # From the contact alone: robots that part together think alike, and can share out who looks where.
        self._rng = np.random.default_rng([peer, int(self._now)])
        self._lives = Lives(
            np.full(LIVES, navigation.block_at(place), np.int64),
            np.full(LIVES, where, np.int64),
            np.zeros(LIVES, np.int64),
            np.repeat((belief.free[peer] > 0)[None], LIVES, axis=0),
            self._rng.integers(1, 2**63, LIVES).astype(np.uint64),
            np.empty((LIVES, WAY), np.int32),
            np.zeros(LIVES, np.int64),
        )
        self.idle: NDArray[np.bool_] = np.zeros(LIVES, bool)

    @property
    def block(self) -> NDArray[np.int64]:
        """int64 [LIVES] where the peer is, in each life."""
        return self._lives.block

    def update(self, belief: TeamBelief, navigation: Navigation) -> None:
        """Let the lives go on to now; begin those again that were not lived."""
        ticks = int((belief.now - self._now) // TICK)
        self._now += ticks * TICK
        _live_on(navigation.links, self._lives, ticks, int(TICK * SCALE))
        if ticks:
            self.idle = self._lives.target < 0
        places = navigation.anchors(self.block)
        watchers = belief.position[belief.connected]
        heard = np.array([any(belief.should_hear(w, place) for w in watchers) for place in places])
        self._empty = np.where(heard, self._empty + 1, 0)
        self._begin_again(belief, navigation, np.flatnonzero(self._empty >= NOT_THERE))

    def _begin_again(self, belief: TeamBelief, navigation: Navigation, wrong: NDArray[np.int64]) -> None:
        if not len(wrong):
            return
        lives = self._lives
        lacking = belief.free[self.peer] == 0
        anywhere = np.flatnonzero(lacking.ravel() & navigation.links.any(axis=2).ravel())
        possible = np.setdiff1d(np.flatnonzero(~self.idle), wrong)
        for life in wrong.tolist():
            self._empty[life] = 0
            lives.ahead[life] = 0
            if 2 * len(possible) >= LIVES:
                other = int(self._rng.choice(possible))
                lives.block[life], lives.seen[life] = lives.block[other], lives.seen[other]
            elif len(anywhere):
                lives.block[life], lives.seen[life] = self._rng.choice(anywhere), ~lacking
            else:
                continue
            lives.target[life], lives.rest[life], self.idle[life] = -1, 0, False

    def meetings(
        self, navigation: Navigation, field: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Where and when a robot meets the peer first, in each life that is not idle and can be met.

        Args:
            field: int32 [h * w] distances from that robot [1/SCALE px].

        Returns: int64 [M] blocks; float32 [M] seconds from now.
        """
        where, when = _meetings(
            navigation.links, field, deepcopy(self._lives), int(AHEAD * SCALE), int(HORIZON / AHEAD)
        )
        met = (where >= 0) & ~self.idle
        return where[met], (when[met] / SCALE).astype(np.float32)


@njit(cache=True)
def _chance(luck, life):
    """The next number in [0, 1) of a life's own stream (xorshift64)."""
    bits = luck[life]
    bits ^= bits << np.uint64(13)
    bits ^= bits >> np.uint64(7)
    bits ^= bits << np.uint64(17)
    luck[life] = bits
    return float(bits >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True)
def _look(links, block, flat, work, queue):
    """Mark as seen what lies within SIGHT of a block.

    Args:
        flat: bool [h * w], updated.
        work: int32 [h * w], all FAR; queue: empty, with an entry for each link. Both are so again afterwards.
    """
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    sight = int(SIGHT * SCALE)
    work[block] = 0
    put(queue, 0, 0, block)
    entries = waiting = 1
    now = 0
    while waiting > 0:
        entry = taken(queue, now)
        while entry >= 0:
            here = queue.block[entry]
            entry = queue.after[entry]
            waiting -= 1
            if work[here] != now:
                continue
            flat[here] = True
            for k in range(8):
                way = ways[here, k]
                other = here + step[k]
                if way > 0 and now + way <= sight and now + way < work[other]:
                    work[other] = now + way
                    put(queue, entries, now + way, other)
                    entries += 1
                    waiting += 1
        now += 1
    for entry in range(entries):
        work[queue.block[entry]] = FAR


@njit(cache=True)
def _set_out(links, lives, life, flat, queue):
    """Look around, and find the way to the target, or to a near place not seen.

    Args:
        links: uint8 [h, w, 8].
        lives: their path receives the way, or only the first part of a long one; luck is drawn from.
        flat: bool [h * w], what the life has seen; updated with what lies within SIGHT.
        queue: as of ``_look``.

    Returns: the target (-1 where all is seen), and how many blocks of the way are kept.
    """
    start, target, path = lives.block[life], lives.target[life], lives.path[life]
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    distance = np.full(height * width, FAR, np.int32)
    parent = np.empty(height * width, np.int32)
    distance[start] = 0
    put(queue, 0, 0, start)
    entries = waiting = 1
    now, found, nearest, not_before = 0, -1, -1, 0
    sight, apart = int(SIGHT * SCALE), int(APART * SCALE)
    keeping = target >= 0 and not flat[target]
    while waiting > 0 and found < 0:
        entry = taken(queue, now)
        while entry >= 0:
            block = queue.block[entry]
            entry = queue.after[entry]
            waiting -= 1
            if distance[block] != now:
                continue
            if now <= sight:
                flat[block] = True
                keeping = keeping and block != target
            elif keeping:
                if block == target:
                    found = block
                    break
            elif not flat[block] and now >= not_before:
                if nearest < 0:
                    nearest = block
                if _chance(lives.luck, life) < NEAREST:
                    found = block
                    break
                not_before = now + apart
            for k in range(8):
                way = ways[block, k]
                other = block + step[k]
                if way > 0 and now + way < distance[other]:
                    distance[other] = now + way
                    parent[other] = block
                    put(queue, entries, now + way, other)
                    entries += 1
                    waiting += 1
        now += 1
    queue.first[:] = -1
    if found < 0:
        found = nearest
    if found < 0:
        return -1, 0
    length, block = 0, found
    while block != start:
        length += 1
        block = parent[block]
    block = found
    for _ in range(length - len(path)):
        block = parent[block]
    for k in range(min(length, len(path))):
        path[k] = block
        block = parent[block]
    return found, min(length, len(path))


@njit(cache=True)
def _live(links, lives, life, stride, work, queue):
    """One step of a life: look around, and go on to the target, or to a near place not seen.

    Args:
        links: uint8 [h, w, 8].
        lives: updated; the life's target is -1 where all is seen.
        stride: way of the step [1/SCALE px].
        work, queue: as of ``_look``.
    """
    flat = lives.seen[life].reshape(work.size)
    if lives.ahead[life] > 0 and not flat[lives.target[life]]:
        _look(links, lives.block[life], flat, work, queue)
    if lives.ahead[life] == 0 or flat[lives.target[life]]:
        lives.target[life], lives.ahead[life] = _set_out(links, lives, life, flat, queue)
    if lives.target[life] < 0:
        lives.rest[life] = 0
        return
    left = lives.rest[life] + stride
    while lives.ahead[life] > 0:
        following = lives.path[life, lives.ahead[life] - 1]
        way = _link(links, lives.block[life], following)
        if way == 0:  # The map has changed.
            lives.ahead[life] = 0
            break
        if way > left:
            break
        left -= way
        lives.block[life] = following
        lives.ahead[life] -= 1
    lives.rest[life] = left


@njit(cache=True)
def _link(links, block, other):
    """The way between neighbouring blocks [1/SCALE px], 0 where none leads."""
    width = links.shape[1]
    for k in range(8):
        if block + NEIGHBOUR_ROW[k] * width + NEIGHBOUR_COL[k] == other:
            return links[block // width, block % width, k]
    return np.uint8(0)


@njit(cache=True)
def _live_on(links, lives, ticks, stride):
    """Let all lives go on for some steps."""
    work, queue = np.full(links.shape[0] * links.shape[1], FAR, np.int32), new_queue(links.size)
    for life in range(len(lives.block)):
        if lives.block[life] < 0:
            continue
        for _ in range(ticks):
            _live(links, lives, life, stride, work, queue)
            if lives.target[life] < 0:
                break


@njit(cache=True)
def _meetings(links, field, lives, stride, horizon):
    """Block [L] where a robot with this field meets each life, -1 for nowhere; time [1/SCALE px].

    The lives are played on: give a copy.
    """
    block = lives.block
    where = np.full(len(block), -1, np.int64)
    when = np.zeros(len(block), np.int64)
    work, queue = np.full(links.shape[0] * links.shape[1], FAR, np.int32), new_queue(links.size)
    for life in range(len(block)):
        if block[life] < 0 or field[block[life]] >= FAR:
            continue
        steps = 0
        while field[block[life]] > steps * stride and steps < horizon:
            _live(links, lives, life, stride, work, queue)
            if lives.target[life] < 0:
                break
            steps += 1
        if field[block[life]] < FAR:
            where[life], when[life] = block[life], max(steps * stride, field[block[life]])
    return where, when

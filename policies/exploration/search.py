"""Shortest paths on the blocks: distance fields, paths, and paths pulled straight."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK, NEIGHBOUR_COL, NEIGHBOUR_ROW, line_is_free

FAR = np.int32(2**30)
"""Distance of what cannot be reached."""

BUCKETS = 64
"""More than the longest link: anchors of neighbouring blocks are at most 9.9 px apart."""


@njit(cache=True)
def distance_field(links, sources):
    """Distances from the nearest source to every block, by Dial's buckets: linear in the blocks reached.

    Args:
        links: uint8 [h, w, 8] of ``blocks.update_blocks``.
        sources: int64 [S] blocks, ``i * w + j``.

    Returns:
        int32 [h * w] distances [1/SCALE px], FAR where nothing leads; int16 [h * w] index of the source.
    """
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    distance = np.full(height * width, FAR, np.int32)
    origin = np.full(height * width, -1, np.int16)
    buckets = np.empty((BUCKETS, 1024), np.int32)
    filled = np.zeros(BUCKETS, np.int64)
    waiting = 0
    for s in range(len(sources)):
        if distance[sources[s]] != 0:
            distance[sources[s]], origin[sources[s]] = 0, s
            if filled[0] == buckets.shape[1]:
                buckets = widened(buckets)
            buckets[0, filled[0]] = sources[s]
            filled[0] += 1
            waiting += 1
    now = 0
    while waiting > 0:
        slot = now % BUCKETS
        # No way is 0 long, so a bucket does not grow while it is worked on.
        for entry in range(filled[slot]):
            block = buckets[slot, entry]
            if distance[block] != now:
                continue
            for k in range(8):
                way = ways[block, k]
                if way == 0:
                    continue
                other = block + step[k]
                reached = now + way
                if reached < distance[other]:
                    distance[other] = reached
                    origin[other] = origin[block]
                    target = reached % BUCKETS
                    if filled[target] == buckets.shape[1]:
                        buckets = widened(buckets)
                    buckets[target, filled[target]] = other
                    filled[target] += 1
                    waiting += 1
        waiting -= filled[slot]
        filled[slot] = 0
        now += 1
    return distance, origin


class OpenSearch:
    """Distances from one block, searched no further than asked for; asked for more, it goes on.

    The links must not change meanwhile.

    Args:
        links: uint8 [h, w, 8] of ``blocks.update_blocks``.
        source: block; -1 leads nowhere.

    Attributes:
        distance: int32 [h * w] as of ``distance_field``, right up to the furthest block asked for.
    """

    def __init__(self, links: NDArray[np.uint8], source: int) -> None:
        self._links = links
        self.distance = np.full(links.shape[0] * links.shape[1], FAR, np.int32)
        self._buckets = np.empty((BUCKETS, 1024), np.int32)
        self._filled = np.zeros(BUCKETS, np.int64)
        self._state = np.zeros(2, np.int64)  # distance up to which all is settled, entries that wait
        if source >= 0:
            self.distance[source], self._buckets[0, 0], self._filled[0], self._state[1] = 0, source, 1, 1

    def to(self, blocks: NDArray[np.int64]) -> NDArray[np.int32]:
        """int32 [B] distances of different blocks [1/SCALE px], FAR where nothing leads."""
        self._buckets, reached = _search_on(
            self._links, self.distance, self._buckets, self._filled, self._state, blocks
        )
        return reached


@njit(cache=True)
def _search_on(links, distance, buckets, filled, state, blocks):
    """Go on until all of the blocks are settled; returns the buckets, and the blocks' distances."""
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    wanted = np.zeros(height * width, np.bool_)
    now, waiting, left = state[0], state[1], len(blocks)
    for block in blocks:
        wanted[block] = True
        if distance[block] < now:
            left -= 1
    while waiting > 0 and left > 0:
        slot = now & (BUCKETS - 1)
        # No way is 0 long, so a bucket does not grow while it is worked on.
        for entry in range(filled[slot]):
            block = np.uint32(buckets[slot, entry])
            if distance[block] != now:
                continue
            if wanted[block]:
                left -= 1
            for k in range(8):
                way = ways[block, np.uint32(k)]
                if way == 0:
                    continue
                other = np.uint32(block + step[k])
                reached = np.int32(now + way)
                if reached < distance[other]:
                    distance[other] = reached
                    target = reached & (BUCKETS - 1)
                    if filled[target] == buckets.shape[1]:
                        buckets = widened(buckets)
                    buckets[target, filled[target]] = other
                    filled[target] += 1
                    waiting += 1
        waiting -= filled[slot]
        filled[slot] = 0
        now += 1
    state[0], state[1] = now, waiting
    found = np.full(len(blocks), FAR, np.int32)
    for k in range(len(blocks)):
        # What is not settled may still come nearer.
        if distance[blocks[k]] < now:
            found[k] = distance[blocks[k]]
    return buckets, found


@njit(cache=True)
def widened(buckets):
    """The same buckets, each with room for twice as many."""
    wider = np.empty((len(buckets), 2 * buckets.shape[1]), np.int32)
    wider[:, : buckets.shape[1]] = buckets
    return wider


@njit(cache=True)
def path_down(distance, anchor, links, block):
    """The way down a distance field from a block to its source: pixels int64 [L, 2] (row, col), the
    block's anchor first. Empty where nothing leads."""
    height, width = anchor.shape
    if distance[block] >= FAR:
        return np.empty((0, 2), np.int64)
    path = np.empty((256, 2), np.int64)
    length = 0
    while True:
        i, j = block // width, block % width
        if length == len(path):
            larger = np.empty((2 * length, 2), np.int64)
            larger[:length] = path
            path = larger
        path[length, 0] = BLOCK * i + anchor[i, j] // BLOCK
        path[length, 1] = BLOCK * j + anchor[i, j] % BLOCK
        length += 1
        if distance[block] == 0:
            return path[:length]
        best, best_total = block, np.int64(2**40)
        for k in range(8):
            if links[i, j, k] > 0:
                other = block + NEIGHBOUR_ROW[k] * width + NEIGHBOUR_COL[k]
                total = distance[other] + links[i, j, k]
                if distance[other] < distance[block] and total < best_total:
                    best, best_total = other, total
        block = best


@njit(cache=True)
def pull_straight(space, path, row, col, reach):
    """Cut the corners of a path: from each corner on, aim at the furthest point in sight.

    Args:
        space: uint8 [H, W] pixels.
        path: int64 [L, 2] from the robot to its target.
        row, col: pixel where the robot is.
        reach: how many points of the path to look ahead.

    Returns: int64 [M, 2] corners after the robot's own place, the last one the target.
    """
    corners = np.empty((len(path), 2), np.int64)
    count = 0
    here = -1
    last = len(path) - 1
    while here < last:
        chosen = min(here + 1, last)
        for ahead in range(min(here + reach, last), here + 1, -1):
            if line_is_free(space, row, col, path[ahead, 0], path[ahead, 1]):
                chosen = ahead
                break
        row, col = path[chosen]
        corners[count] = path[chosen]
        count += 1
        here = chosen
    return corners[:count]

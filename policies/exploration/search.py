"""Shortest paths on the blocks: distance fields, paths, and paths pulled straight."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK, NEIGHBOUR_COL, NEIGHBOUR_ROW, line_is_free

FAR = np.int32(2**30)
"""Distance of what cannot be reached."""

BUCKETS = 64
"""More than the longest link: anchors of neighbouring blocks are at most 9.9 px apart. A power of two."""


class Queue(NamedTuple):
    """Blocks that wait for a search, by distance (Dial's buckets): a list in each, in arrays that stay put.

    Buckets that are arrays, and grow, cost four times as much: numba then looks them up at every access.

    Attributes:
        block, after: int32 [E] what an entry holds, and the next entry of its bucket, -1 for none.
        first, last: int32 [BUCKETS] entries of each bucket, -1 where it is empty.
    """

    block: NDArray[np.int32]
    after: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]


@njit(cache=True)
def new_queue(entries):
    """An empty one. A search needs an entry for each link, and each source, at the most."""
    return Queue(
        np.empty(entries, np.int32),
        np.empty(entries, np.int32),
        np.full(BUCKETS, -1, np.int32),
        np.full(BUCKETS, -1, np.int32),
    )


@njit(cache=True)
def put(queue, entry, distance, block):
    """Add a block at a distance [1/SCALE px] as the entry of this number."""
    bucket = distance & (BUCKETS - 1)
    queue.block[entry] = block
    queue.after[entry] = -1
    if queue.first[bucket] < 0:
        queue.first[bucket] = entry
    else:
        queue.after[queue.last[bucket]] = entry
    queue.last[bucket] = entry


@njit(cache=True)
def taken(queue, distance):
    """The first entry of the bucket of a distance, which is empty then.

    No way is 0 long, so a bucket does not grow while its entries are worked on.
    """
    bucket = distance & (BUCKETS - 1)
    entry = queue.first[bucket]
    queue.first[bucket] = -1
    return entry


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
    queue = new_queue(links.size + len(sources))
    entries = 0
    for s in range(len(sources)):
        if distance[sources[s]] != 0:
            distance[sources[s]], origin[sources[s]] = 0, s
            put(queue, entries, 0, sources[s])
            entries += 1
    waiting, now = entries, 0
    while waiting > 0:
        entry = taken(queue, now)
        while entry >= 0:
            block = queue.block[entry]
            entry = queue.after[entry]
            waiting -= 1
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
                    put(queue, entries, reached, other)
                    entries += 1
                    waiting += 1
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
        self._queue = new_queue(links.size + 1)
        self._state = np.zeros(3, np.int64)  # distance up to which all is settled; entries that wait; entries
        if source >= 0:
            self.distance[source] = 0
            put(self._queue, 0, 0, source)
            self._state[1:] = 1

    def to(self, blocks: NDArray[np.int64]) -> NDArray[np.int32]:
        """int32 [B] distances of different blocks [1/SCALE px], FAR where nothing leads."""
        return _search_on(self._links, self.distance, self._queue, self._state, blocks)


@njit(cache=True)
def _search_on(links, distance, queue, state, blocks):
    """Go on until all of the blocks are settled; returns their distances."""
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    step = NEIGHBOUR_ROW * width + NEIGHBOUR_COL
    wanted = np.zeros(height * width, np.bool_)
    now, waiting, entries = state
    left = len(blocks)
    for block in blocks:
        wanted[block] = True
        if distance[block] < now:
            left -= 1
    while waiting > 0 and left > 0:
        entry = taken(queue, now)
        while entry >= 0:
            block = queue.block[entry]
            entry = queue.after[entry]
            waiting -= 1
            if distance[block] != now:
                continue
            if wanted[block]:
                left -= 1
            for k in range(8):
                way = ways[block, k]
                if way == 0:
                    continue
                other = block + step[k]
                reached = now + way
                if reached < distance[other]:
                    distance[other] = reached
                    put(queue, entries, reached, other)
                    entries += 1
                    waiting += 1
        now += 1
    state[0], state[1], state[2] = now, waiting, entries
    found = np.full(len(blocks), FAR, np.int32)
    for k in range(len(blocks)):
        # What is not settled may still come nearer.
        if distance[blocks[k]] < now:
            found[k] = distance[blocks[k]]
    return found


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

"""Shortest paths on the blocks: distance fields, paths, and paths pulled straight."""

from __future__ import annotations

import numpy as np
from numba import njit

from pilotfish.policies.exploration.blocks import BLOCK, NEIGHBOUR_COL, NEIGHBOUR_ROW, line_is_free

FAR = np.int32(2**30)
"""Distance of what cannot be reached."""

SCALE = 4
"""Distances are whole numbers of 1/SCALE px."""

_BUCKETS = 64
"""More than the longest link: anchors of neighbouring blocks are at most 9.9 px apart."""


@njit(cache=True)
def distance_field(anchor, links, sources):
    """Distances from the nearest source to every block, by Dial's buckets: linear in the blocks reached.

    Args:
        anchor: int8 [h, w]; links: uint8 [h, w]; both of ``blocks.update_blocks``.
        sources: int64 [S] blocks, ``i * w + j``; one without an anchor is passed over.

    Returns:
        int32 [h * w] distances [1/SCALE px], FAR where nothing leads; int16 [h * w] index of the source.
    """
    height, width = anchor.shape
    size = height * width
    distance = np.full(size, FAR, np.int32)
    origin = np.full(size, -1, np.int16)
    head = np.full(_BUCKETS, -1, np.int32)
    capacity = 4096
    entry_block = np.empty(capacity, np.int32)
    entry_next = np.empty(capacity, np.int32)
    entries = 0
    waiting = 0
    free_list = -1
    for s in range(len(sources)):
        block = sources[s]
        if anchor[block // width, block % width] < 0 or distance[block] == 0:
            continue
        distance[block], origin[block] = 0, s
        if entries == capacity:
            entry_block, entry_next = _grow(entry_block), _grow(entry_next)
            capacity *= 2
        entry_block[entries], entry_next[entries] = block, head[0]
        head[0] = entries
        entries += 1
        waiting += 1
    now = 0
    while waiting > 0:
        slot = now % _BUCKETS
        entry = head[slot]
        if entry < 0:
            now += 1
            continue
        head[slot] = entry_next[entry]
        block = entry_block[entry]
        entry_next[entry] = free_list
        free_list = entry
        waiting -= 1
        if distance[block] != now:
            continue
        i, j = block // width, block % width
        mask = links[i, j]
        here = anchor[i, j]
        row, col = BLOCK * i + here // BLOCK, BLOCK * j + here % BLOCK
        for k in range(8):
            if mask & (1 << k):
                a, b = i + NEIGHBOUR_ROW[k], j + NEIGHBOUR_COL[k]
                there = anchor[a, b]
                d_row = BLOCK * a + there // BLOCK - row
                d_col = BLOCK * b + there % BLOCK - col
                length = int(SCALE * np.sqrt(d_row * d_row + d_col * d_col) + 0.5)
                reached = now + length
                other = a * width + b
                if reached < distance[other]:
                    distance[other] = reached
                    origin[other] = origin[block]
                    if free_list >= 0:
                        entry = free_list
                        free_list = entry_next[entry]
                    else:
                        if entries == capacity:
                            entry_block, entry_next = _grow(entry_block), _grow(entry_next)
                            capacity *= 2
                        entry = entries
                        entries += 1
                    target = reached % _BUCKETS
                    entry_block[entry], entry_next[entry] = other, head[target]
                    head[target] = entry
                    waiting += 1
    return distance, origin


@njit(cache=True)
def _grow(array):
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger


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
        row, col = path[length - 1]
        best, best_total = block, np.int64(2**40)
        for k in range(8):
            if links[i, j] & (1 << k):
                a, b = i + NEIGHBOUR_ROW[k], j + NEIGHBOUR_COL[k]
                other = a * width + b
                d_row = BLOCK * a + anchor[a, b] // BLOCK - row
                d_col = BLOCK * b + anchor[a, b] % BLOCK - col
                total = distance[other] + int(SCALE * np.sqrt(d_row * d_row + d_col * d_col) + 0.5)
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

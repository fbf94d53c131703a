"""Frontiers gathered into clusters: the places that an explorer can choose between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import CLEAR, NEIGHBOUR_COL, NEIGHBOUR_ROW, UNKNOWN
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.search import FAR

CLUSTER_REACH = 8
"""A cluster's blocks are at most this many blocks from its first: 32 px, less than half a laser's range."""

POCKET = 400
"""The unknown behind a cluster is counted up to this many blocks: a disc of 45 px, and more is open."""


@dataclass(frozen=True)
class Frontiers:
    """C clusters of frontier blocks.

    Attributes:
        block: int64 [C] the member nearest to the cluster's middle: where to go.
        size: int64 [C] members.
        pocket: int64 [C] unknown blocks behind it, at most POCKET: a small number is a closed pocket.
        members: int64 [M] blocks of all clusters, one cluster behind the other.
    """

    block: NDArray[np.int64]
    size: NDArray[np.int64]
    pocket: NDArray[np.int64]
    members: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.block)


def find_frontiers(navigation: Navigation, field: NDArray[np.int32], kind: int = CLEAR) -> Frontiers:
    """The clusters of frontiers to which a way leads.

    Args:
        field: int32 [h * w] distances from the robot; blocks at FAR are left out.
        kind: CLEAR, or FAINT for what is left when no clear one is.
    """
    return Frontiers(*_cluster(navigation.frontier, navigation.spent, kind, navigation.pooled, field))


@njit(cache=True)
def spread(queue, own, pooled, visited, mark):
    """The unknown behind a cluster, spreading from all members; at most POCKET blocks.

    Args:
        queue: int [h * w] the first ``own`` are the members; the unknown blocks are added behind them.
        pooled: uint8 [h, w] what blocks hold.
        visited: int [h, w] gets ``mark`` at the unknown blocks; must not have it before.

    Returns: members and unknown blocks in the queue.
    """
    height, width = pooled.shape
    first, last = 0, own
    while first < last and last - own < POCKET:
        a, b = queue[first] // width, queue[first] % width
        first += 1
        for k in range(8):
            # Across the edges of blocks, and from members also over corners.
            if first > own and NEIGHBOUR_ROW[k] != 0 and NEIGHBOUR_COL[k] != 0:
                continue
            c, d = a + NEIGHBOUR_ROW[k], b + NEIGHBOUR_COL[k]
            if (
                0 <= c < height
                and 0 <= d < width
                and pooled[c, d] == UNKNOWN
                and visited[c, d] != mark
                and last < len(queue)
            ):
                visited[c, d] = mark
                queue[last] = c * width + d
                last += 1
    return last


@njit(cache=True)
def _cluster(frontiers, spent, kind, pooled, distance):
    height, width = frontiers.shape
    frontier = np.empty((height, width), np.bool_)
    for i in range(height):
        for j in range(width):
            frontier[i, j] = frontiers[i, j] >= kind and not spent[i, j] and distance[i * width + j] < FAR
    label = np.full((height, width), -1, np.int16)
    queue = np.empty(height * width, np.int32)
    blocks = np.empty(4096, np.int64)
    sizes = np.empty(4096, np.int64)
    pockets = np.empty(4096, np.int64)
    visited = np.full((height, width), -1, np.int16)
    belonging = np.empty(height * width, np.int64)
    count = total = 0
    for i in range(height):
        for j in range(width):
            if not frontier[i, j] or label[i, j] >= 0 or count == 4096:
                continue
            first, last = 0, 1
            queue[0] = i * width + j
            label[i, j] = count
            total_i = total_j = 0
            while first < last:
                a, b = queue[first] // width, queue[first] % width
                first += 1
                total_i += a
                total_j += b
                for k in range(8):
                    c, d = a + NEIGHBOUR_ROW[k], b + NEIGHBOUR_COL[k]
                    if not (0 <= c < height and 0 <= d < width):
                        continue
                    if (
                        frontier[c, d]
                        and label[c, d] < 0
                        and abs(c - i) <= CLUSTER_REACH
                        and abs(d - j) <= CLUSTER_REACH
                    ):
                        label[c, d] = count
                        queue[last] = c * width + d
                        last += 1
            best, best_distance = queue[0], 1e18
            for m in range(last):
                a, b = queue[m] // width, queue[m] % width
                away = (a - total_i / last) ** 2 + (b - total_j / last) ** 2
                if away < best_distance:
                    best, best_distance = queue[m], away
            blocks[count] = best
            sizes[count] = last
            for m in range(last):
                belonging[total + m] = queue[m]
            total += last
            pockets[count] = spread(queue, last, pooled, visited, count) - last
            count += 1
    members = belonging[:total].copy()
    return blocks[:count].copy(), sizes[:count].copy(), pockets[:count].copy(), members

"""Ways through gaps that the blocks of a `Navigation` miss: narrow doors that lie across them.

Blocks are joined where a straight line between two places is free. In a door that obstacles, grown by the
robot's size, leave two or three pixels wide, there may be none, and what lies behind is no frontier of any
block that can be reached. Pixel by pixel there is a way; it costs too much for every decision, and is only
looked for when nothing else is left.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK, FREE, UNKNOWN
from pilotfish.policies.exploration.explorer import NO_PATH
from pilotfish.policies.exploration.navigation import LOOK_AHEAD, Navigation
from pilotfish.policies.exploration.search import pull_straight

EDGE = 4
"""So many free pixels next to unknown ones, within two pixels of each other, are worth going to."""

TAKEN = 16.0
"""Who drives to a place as near as this to such an edge explores it [px]."""

_NEAR = 12
"""A robot that stands where it should not starts from a free pixel at most this far away."""


def way_through_gap(navigation: Navigation) -> NDArray[np.float32]:
    """The way to the nearest edge of what is known, from pixel to pixel.

    Args:
        navigation: up to date.

    Returns: float32 [M, 2] corners (row, col) [px]; empty if there is none. Edges that a connected peer of
        lower index drives to, and those where the robot has stood, do not count.
    """
    belief, space = navigation.belief, navigation.space
    start = _start(space, belief.position[belief.me])
    if start is None:
        return NO_PATH
    closed = navigation.spent.copy()
    for peer in np.flatnonzero(belief.connected[: belief.me]):
        if np.isfinite(belief.target[peer]).all():
            i, j = np.ogrid[: closed.shape[0], : closed.shape[1]]
            row, col = belief.target[peer] / BLOCK
            closed |= np.hypot(i - row, j - col) < TAKEN / BLOCK
    back = _nearest_edge(space, closed, *start)
    if not len(back):
        return NO_PATH
    return pull_straight(space, back[::-1], *start, 4 * LOOK_AHEAD).astype(np.float32)


def _start(space: NDArray[np.uint8], position: NDArray) -> tuple[int, int] | None:
    """The free pixel nearest to a robot (row, col) [px]."""
    row, col = (int(v) for v in np.rint(position))
    top, left = max(row - _NEAR, 0), max(col - _NEAR, 0)
    rows, cols = np.nonzero(space[top : row + _NEAR + 1, left : col + _NEAR + 1] == FREE)
    if not len(rows):
        return None
    k = int(np.argmin((rows + top - row) ** 2 + (cols + left - col) ** 2))
    return int(rows[k]) + top, int(cols[k]) + left


@njit(cache=True)
def _unknown_beside(space, row, col):
    """Number of unknown pixels that share an edge with a free one; 0 for one that is not free."""
    height, width = space.shape
    count = 0
    if space[row, col] == FREE:
        for d_row, d_col in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            a, b = row + d_row, col + d_col
            count += 0 <= a < height and 0 <= b < width and space[a, b] == UNKNOWN
    return count


@njit(cache=True)
def _nearest_edge(space, closed, row, col):
    """The shortest way over free pixels to an edge of at least EDGE.

    Args:
        space: uint8 [H, W].
        closed: bool [h, w] blocks in which no edge counts.
        row, col: where to start; a free pixel.

    Returns: int64 [L, 2] pixels from there back to the start; empty if there is none.
    """
    height, width = space.shape
    came = np.full(height * width, -1, np.int64)
    queue = np.empty(height * width, np.int64)
    start = row * width + col
    queue[0], came[start] = start, start
    first, last = 0, 1
    found = -1
    while first < last and found < 0:
        here = queue[first]
        first += 1
        r, c = here // width, here % width
        if not closed[r // BLOCK, c // BLOCK] and _unknown_beside(space, r, c) > 0:
            edge = 0
            for a in range(max(r - 2, 0), min(r + 3, height)):
                for b in range(max(c - 2, 0), min(c + 3, width)):
                    edge += _unknown_beside(space, a, b)
            if edge >= EDGE:
                found = here
        for d_row, d_col in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            a, b = r + d_row, c + d_col
            if 0 <= a < height and 0 <= b < width and space[a, b] == FREE and came[a * width + b] < 0:
                came[a * width + b] = here
                queue[last] = a * width + b
                last += 1
    if found < 0:
        return np.empty((0, 2), np.int64)
    length, here = 1, found
    while here != start:
        here = came[here]
        length += 1
    back = np.empty((length, 2), np.int64)
    here = found
    for k in range(length):
        back[k, 0], back[k, 1] = here // width, here % width
        here = came[here]
    return back

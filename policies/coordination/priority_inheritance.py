"""Conflict resolution by priority inheritance with backtracking (PIBT; Okumura et al. 2022)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def resolve(
    cells: NDArray[np.int32],
    scores: NDArray[np.float32],
    priority: NDArray[np.float32],
    offsets: NDArray[np.int32],
    n_cells: int,
) -> NDArray[np.int8]:
    """Actions int8 [N] without conflicts: no two agents in a cell, no swap.

    Agents of higher priority choose first; one whose wish is an agent's cell lends it its priority,
    so that it steps aside. All exchanges are between agents at most two cells apart.

    Args:
        cells: int32 [N] padded cells (any cell plus any offset is inside ``n_cells``).
        scores: float32 [N, 5] preference for each action, -inf into walls.
        priority: float32 [N], ties go to the lower index.
        offsets: int32 [5] change of the cell index by each action.
    """
    order = np.argsort(-priority, kind="stable").astype(np.int32)
    return _resolve(cells, scores, order, offsets, n_cells)


@njit(cache=True)
def _resolve(cells, scores, order, offsets, n_cells):
    n = cells.shape[0]
    now = np.full(n_cells, -1, dtype=np.int32)
    after = np.full(n_cells, -1, dtype=np.int32)
    action = np.full(n, -1, dtype=np.int8)
    tried = np.zeros((n, 5), dtype=np.uint8)
    parent = np.full(n, -1, dtype=np.int32)
    for i in range(n):
        now[cells[i]] = i
    for i in order:
        if action[i] < 0:
            _decide(i, cells, scores, offsets, now, after, action, tried, parent)
    return action


@njit(cache=True)
def _decide(root, cells, scores, offsets, now, after, action, tried, parent):
    """Give agent ``root`` its best possible action, pushing undecided agents out of the way.

    The recursion of the paper with the ``parent`` chain as its stack: an agent that is pushed and
    finds no cell stays, which takes the cell from its parent, who then tries its next wish.
    """
    parent[root] = -1
    i = root
    while i >= 0:
        wish = _next_wish(i, scores, tried)
        if wish < 0:
            after[cells[i]] = i
            action[i] = 0
            i = parent[i]
            continue
        there = cells[i] + offsets[wish]
        pusher = parent[i]
        if after[there] >= 0 or (pusher >= 0 and there == cells[pusher]):
            continue
        after[there] = i
        action[i] = wish
        other = now[there]
        if other < 0 or other == i or action[other] >= 0:
            return
        parent[other] = i
        i = other


@njit(cache=True)
def _next_wish(i, scores, tried):
    """The best action not tried yet, marked as tried; -1 when there is none."""
    best = -1
    for a in range(5):
        if tried[i, a] == 0 and scores[i, a] > -np.inf and (best < 0 or scores[i, a] > scores[i, best]):
            best = a
    if best >= 0:
        tried[i, best] = 1
    return best

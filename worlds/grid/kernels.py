"""Compiled steps of the grid fleet: conflict resolution and observation windows.

Cells here are *padded*: the map sits in a ring of walls ``PAD`` wide, so that windows never leave
the arrays. ``width`` is the padded width; a move is a change of the flat index.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PAD = 5
"""Width of the wall ring: the view radius."""


@njit(cache=True)
def _revert(agent, position, target, claims, occupant, offsets):
    """Send ``agent`` back to its cell, and whoever wanted that cell back to theirs, in cascade."""
    while agent >= 0:
        home = position[agent]
        claims[target[agent]] -= 1
        target[agent] = home
        displaced = -1
        if claims[home] > 0:
            for k in range(1, 5):
                other = occupant[home + offsets[k]]
                if other >= 0 and target[other] == home and (displaced < 0 or other < displaced):
                    displaced = other
        claims[home] += 1
        agent = displaced


@njit(cache=True)
def step(actions, position, goal, walls, occupant, claims, offsets, goal_table, goal_index, reached):
    """Move all agents one step, soft collisions, and hand out new goals.

    Args:
        actions: int8 [N] in 0..4.
        position, goal: int32 [N] padded cells, updated in place.
        walls: uint8 [cells], occupant: int32 [cells] agent in each cell or -1, updated in place.
        claims: int32 [cells] scratch, all zero before and after.
        offsets: int32 [5] change of the padded cell by each action.
        goal_table: int32 [N, K] padded goals to come; goal_index: int32 [N] the next one's column.
        reached: uint8 [N] set to 1 where an agent reached its goal in this step.

    Returns:
        the largest goal_index, so that the caller refills the table in time.
    """
    n = position.shape[0]
    target = np.empty(n, dtype=np.int32)
    for i in range(n):
        there = position[i] + offsets[actions[i]]
        target[i] = position[i] if walls[there] else there
    # A swap makes both stay. Both targets are read before either is changed.
    for i in range(n):
        if target[i] != position[i]:
            other = occupant[target[i]]
            if other > i and target[other] == position[i]:
                target[i] = position[i]
                target[other] = position[other]
    for i in range(n):
        claims[target[i]] += 1
    for i in range(n - 1, -1, -1):
        if claims[target[i]] > 1:
            _revert(i, position, target, claims, occupant, offsets)
    for i in range(n):
        occupant[position[i]] = -1
    last = 0
    for i in range(n):
        claims[target[i]] = 0
        occupant[target[i]] = i
        position[i] = target[i]
        reached[i] = 0
        if position[i] == goal[i]:
            reached[i] = 1
            goal[i] = goal_table[i, goal_index[i]]
            goal_index[i] += 1
        last = max(last, goal_index[i])
    return last


@njit(cache=True)
def windows(position, values, above, width, radius, out):
    """out uint8 [N, 2r+1, 2r+1] around each agent: 1 where ``values`` [cells] is greater than ``above``."""
    side = 2 * radius + 1
    for i in range(position.shape[0]):
        corner = position[i] - radius * width - radius
        for r in range(side):
            start = corner + r * width
            for c in range(side):
                out[i, r, c] = values[start + c] > above

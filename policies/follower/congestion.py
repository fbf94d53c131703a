"""Congestion-aware costs of a map and distances under them.

Cells are padded: the map lies in a wall ring ``PAD`` wide, so that a cell's neighbours, and the
planner's whole local region, are always inside the arrays.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.worlds.maps.grid_map import GridMap

PAD = 6
"""Width of the wall ring: the planner's local region and the cells around it."""

_MAX_SOURCES = 4096
"""Maps with more free cells estimate mean distances from this many of them."""

_CACHE_BYTES = 32 * 2**20
"""What the remembered distance fields of one map may take."""

INF = np.float32(1e9)


def padded_walls(grid: GridMap) -> NDArray[np.uint8]:
    """uint8 [(height + 2 PAD) * (width + 2 PAD)], 1 where there is a wall."""
    return np.pad(grid.walls, PAD, constant_values=True).astype(np.uint8).ravel()


@lru_cache(maxsize=512)
def static_costs(grid: GridMap) -> NDArray[np.float32]:
    """Cost of entering each padded cell, float32 [cells]; ``INF`` for walls.

    ``S(n) = max(d) / d(n)`` with d(n) the mean BFS distance from n to all cells it can reach: cells in
    the middle of things, where paths cross, cost more (Learn to Follow, AAAI 2024). Maxima are taken
    in each connected component, so that a tiny component has the same scale as a large one.
    Cached by map: do not write into it.
    """
    walls = padded_walls(grid)
    width = grid.width + 2 * PAD
    free = np.flatnonzero(walls == 0).astype(np.int32)
    if len(free) <= _MAX_SOURCES:
        sources = free
    else:
        sources = np.random.default_rng(0).choice(free, _MAX_SOURCES, replace=False)
    total, reached = _distance_sums(walls, width, sources)
    mean = np.where(reached > 0, total / np.maximum(reached, 1), 0.0)
    component, labels = _components(walls, width, free)
    largest = np.zeros(labels)
    np.maximum.at(largest, component[free], mean[free])
    costs = np.full(walls.size, INF, dtype=np.float32)
    costs[free] = np.where(mean[free] > 0, largest[component[free]] / np.maximum(mean[free], 1e-9), 1.0)
    return costs


@njit(cache=True)
def _distance_sums(walls, width, sources):
    """Sum over sources of the BFS distance to each cell, and how many sources reach it."""
    total = np.zeros(walls.size, dtype=np.int64)
    reached = np.zeros(walls.size, dtype=np.int64)
    distance = np.empty(walls.size, dtype=np.int32)
    queue = np.empty(walls.size, dtype=np.int32)
    steps = (-width, width, -1, 1)
    for source in sources:
        distance.fill(-1)
        distance[source] = 0
        queue[0] = source
        head, tail = 0, 1
        while head < tail:
            cell = queue[head]
            head += 1
            total[cell] += distance[cell]
            reached[cell] += 1
            for offset in steps:
                there = cell + offset
                if walls[there] == 0 and distance[there] < 0:
                    distance[there] = distance[cell] + 1
                    queue[tail] = there
                    tail += 1
    return total, reached


@njit(cache=True)
def _components(walls, width, free):
    """Component label of each padded cell (-1 for walls) and how many there are."""
    label = np.full(walls.size, -1, dtype=np.int32)
    stack = np.empty(walls.size, dtype=np.int32)
    steps = (-width, width, -1, 1)
    count = 0
    for start in free:
        if label[start] >= 0:
            continue
        label[start] = count
        stack[0] = start
        top = 1
        while top > 0:
            top -= 1
            cell = stack[top]
            for offset in steps:
                there = cell + offset
                if walls[there] == 0 and label[there] < 0:
                    label[there] = count
                    stack[top] = there
                    top += 1
        count += 1
    return label, count


@njit(cache=True)
def against_lane(row, col, lane_cost):
    """Extra cost of moving up and of moving left here; down and right cost ``lane_cost`` minus these.

    A traffic rule that every agent can derive from the map alone: even rows lead right, odd rows left,
    even columns down, odd columns up. Wherever a passage is two cells wide it gets a lane each way.
    """
    up = lane_cost if col % 2 == 0 else np.float32(0)
    left = lane_cost if row % 2 == 0 else np.float32(0)
    return up, left


@njit(cache=True)
def cost_to_goal(costs, lane_cost, width, goal, out, heap_cost, heap_cell):
    """Dijkstra from ``goal`` backwards: out[n] = cheapest sum of the costs of the moves.

    Args:
        costs: float32 [cells] of entering a cell, ``INF`` for walls.
        lane_cost: of moving against a lane, see ``against_lane``.
        out: float32 [cells], overwritten; ``INF`` where the goal cannot be reached.
        heap_cost, heap_cell: float32 and int32 scratch of at least 4 * cells.
    """
    out.fill(INF)
    out[goal] = 0.0
    heap_cost[0] = 0.0
    heap_cell[0] = goal
    size = 1
    while size > 0:
        value = heap_cost[0]
        cell = heap_cell[0]
        size -= 1
        last = heap_cost[size]
        last_cell = heap_cell[size]
        k = 0
        while True:
            child = 2 * k + 1
            if child >= size:
                break
            if child + 1 < size and heap_cost[child + 1] < heap_cost[child]:
                child += 1
            if heap_cost[child] >= last:
                break
            heap_cost[k] = heap_cost[child]
            heap_cell[k] = heap_cell[child]
            k = child
        heap_cost[k] = last
        heap_cell[k] = last_cell
        if value > out[cell]:
            continue
        up, left = against_lane(cell // width, cell % width, lane_cost)
        # Who stands below the cell moves up into it, and so on.
        for offset, against in ((width, up), (-width, lane_cost - up), (1, left), (-1, lane_cost - left)):
            there = cell + offset
            reach = value + costs[cell] + against
            if costs[there] < INF and reach < out[there]:
                out[there] = reach
                k = size
                size += 1
                while k > 0:
                    parent = (k - 1) // 2
                    if heap_cost[parent] <= reach:
                        break
                    heap_cost[k] = heap_cost[parent]
                    heap_cell[k] = heap_cell[parent]
                    k = parent
                heap_cost[k] = reach
                heap_cell[k] = there


class GoalFields:
    """Costs to goals on one map, each searched for once: robots share goals, and goals come again.

    Memory: 4 bytes a padded cell and goal, at most 32 MB; then the oldest field is searched anew.

    Attributes:
        costs: float32 [cells] of entering a cell.
        lane_cost: of moving against a lane.
    """

    def __init__(self, grid: GridMap, static: bool, lane_cost: float) -> None:
        walls = padded_walls(grid)
        unit = np.where(walls == 0, np.float32(1), INF).astype(np.float32)
        self.costs = static_costs(grid) if static else unit
        self.lane_cost = np.float32(lane_cost)
        slots = max(1, min(int((walls == 0).sum()), _CACHE_BYTES // (4 * walls.size)))
        self.fields = np.empty((slots, walls.size), dtype=np.float32)
        self.slot_of_goal = np.full(walls.size, -1, dtype=np.int32)
        self.goal_of_slot = np.full(slots + 1, -1, dtype=np.int32)
        """The last entry is the slot to be taken next."""
        self.goal_of_slot[-1] = 0
        self.heap = (np.empty(4 * walls.size, np.float32), np.empty(4 * walls.size, np.int32))


@lru_cache(maxsize=8)
def goal_fields(grid: GridMap, static: bool, lane_cost: float) -> GoalFields:
    """The fields of a map, shared by all planners of this process that work on it."""
    return GoalFields(grid, static, lane_cost)


@njit(cache=True)
def remembered_cost_to_goal(
    costs, lane_cost, width, goal, fields, slot_of_goal, goal_of_slot, heap_cost, heap_cell
):
    """``cost_to_goal`` as a row of ``GoalFields.fields``, searched for if it is not there."""
    slot = slot_of_goal[goal]
    if slot < 0:
        slot = goal_of_slot[-1]
        goal_of_slot[-1] = (slot + 1) % fields.shape[0]
        if goal_of_slot[slot] >= 0:
            slot_of_goal[goal_of_slot[slot]] = -1
        goal_of_slot[slot] = goal
        slot_of_goal[goal] = slot
        cost_to_goal(costs, lane_cost, width, goal, fields[slot], heap_cost, heap_cell)
    return fields[slot]

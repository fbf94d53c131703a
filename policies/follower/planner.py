"""The planner of Follower: cost-to-goal under static and accumulated dynamic congestion.

Entering cell n costs ``S(n) + w * O(n)``, and a little more against a lane: S is the static congestion
of the map (``congestion.static_costs``), O counts how often another agent was seen on n since the current
goal was assigned (Learn to Follow, AAAI 2024), lanes are our traffic rule (``congestion.against_lane``).
The reference runs A* over the map at every step. Here each agent keeps its whole cost-to-goal field and,
because O only changes inside the window it sees, re-solves only an 11x11 region around itself, with the
field outside as boundary, and keeps the result (local search with learning; Koenig & Sun 2009). As costs
only grow until the next goal, the field stays a lower bound and remembers congestion that went out of
sight. Beside the path, this gives the value of every cell around the agent, hence of every action.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.fleet import VIEW_RADIUS
from pilotfish.policies.follower.congestion import (
    INF,
    PAD,
    against_lane,
    cost_to_goal,
    goal_fields,
    remembered_cost_to_goal,
)
from pilotfish.worlds.maps.grid_map import GridMap

SIDE = 2 * VIEW_RADIUS + 1

TIE_NOISE = 0.01
"""Width of the random tie-break between actions of equal cost, in units of a free cell's cost."""


class Planner:
    """Cost-to-goal fields of N agents on one map.

    Memory: 6 bytes a padded cell and agent (9 MB for 256 agents on 65x65), and ``GoalFields`` a map.

    Args:
        grid: the map.
        n_agents: N.
        static: use the static congestion costs; otherwise every cell costs 1.
        dynamic_weight: w; 0 ignores the other agents.
        lane_cost: of moving against a lane (``congestion.against_lane``); 0 for no lanes.
        local: re-solve the region around the agent only; otherwise the whole map at every step, as the
            reference does (exact, and some fifty times slower: for peers trained with it).
        keep_static: also keep the fields without dynamic costs (training's measure of progress).

    Attributes:
        width: padded width of the map.
        path_radius: how far from the agent ``path`` is followed [cells].
        values: float32 [N, 11, 11] cost-to-goal of the cells around each agent, INF where none.
        path: uint8 [N, 11, 11], 1 on the planned path until it leaves the window.
        q: float32 [N, 5] cost of each action: entering its cell, then going on to the goal; staying
            costs the same as the best move plus one.
    """

    def __init__(
        self,
        grid: GridMap,
        n_agents: int,
        static: bool = True,
        dynamic_weight: float = 0.3,
        lane_cost: float = 0.8,
        local: bool = True,
        keep_static: bool = False,
    ) -> None:
        self.grid = grid
        self.n_agents = n_agents
        self.width = grid.width + 2 * PAD
        self.dynamic_weight = np.float32(dynamic_weight)
        self.shared = goal_fields(grid, static, lane_cost)
        self.costs = self.shared.costs
        self.offsets = np.array([0, -self.width, self.width, -1, 1], dtype=np.int32)
        self.field = np.empty((n_agents, self.costs.size), dtype=np.float32)
        self._static_field = np.empty((n_agents if keep_static else 0, self.costs.size), dtype=np.float32)
        self.seen = np.zeros((n_agents, self.costs.size), dtype=np.uint16)
        self.goal = np.full(n_agents, -1, dtype=np.int32)
        self.values = np.empty((n_agents, SIDE, SIDE), dtype=np.float32)
        self.path = np.empty((n_agents, SIDE, SIDE), dtype=np.uint8)
        self.q = np.empty((n_agents, 5), dtype=np.float32)
        self.local = local
        self.path_radius = VIEW_RADIUS

    def pad(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        """Cells of the map as padded cells."""
        row, col = np.divmod(cells, self.grid.width)
        return ((row + PAD) * self.width + col + PAD).astype(np.int32)

    def update(self, cell: NDArray[np.int32], goal: NDArray[np.int32], window: NDArray[np.uint8]) -> None:
        """One tick: observe the other agents and bring ``values`` and ``q`` up to date.

        Args:
            cell, goal: int32 [N] cells of the map.
            window: uint8 [N, 11, 11], 1 where an agent is seen.
        """
        _update(
            self.pad(cell),
            self.pad(goal),
            window,
            self.costs,
            self.shared.lane_cost,
            self.shared.fields,
            self.shared.slot_of_goal,
            self.shared.goal_of_slot,
            self.local,
            self.width,
            self.dynamic_weight,
            self.goal,
            self.field,
            self._static_field,
            self.seen,
            self.values,
            self.path,
            self.path_radius,
            self.q,
            *self.shared.heap,
        )

    def scores(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """The planner's own preferences, float32 [N, 5]: -q with ties broken at random, -inf into walls."""
        scores = np.where(self.q < INF, -self.q, -np.inf)
        return (scores + rng.random(scores.shape) * TIE_NOISE).astype(np.float32)

    def static_value(self, cell: NDArray[np.int32]) -> NDArray[np.float32]:
        """Cost-to-goal without dynamic costs from cells [N] of the map, for the goals of the last update."""
        return self._static_field[np.arange(self.n_agents), self.pad(cell)]


@njit(cache=True)
def _update(
    cell,
    goal,
    window,
    costs,
    lane_cost,
    known_fields,
    slot_of_goal,
    goal_of_slot,
    local_only,
    width,
    weight,
    old_goal,
    field,
    static,
    seen,
    values,
    path,
    path_radius,
    q,
    heap_cost,
    heap_cell,
):
    side = SIDE + 2
    local_cost = np.empty((side, side), dtype=np.float32)
    local = np.empty((side, side), dtype=np.float32)
    for i in range(cell.shape[0]):
        if goal[i] != old_goal[i]:
            old_goal[i] = goal[i]
            seen[i].fill(0)
            field[i] = remembered_cost_to_goal(
                costs,
                lane_cost,
                width,
                goal[i],
                known_fields,
                slot_of_goal,
                goal_of_slot,
                heap_cost,
                heap_cell,
            )
            if static.shape[0] > 0:
                static[i] = field[i]
        crowd = 0
        corner = cell[i] - VIEW_RADIUS * width - VIEW_RADIUS
        for r in range(SIDE):
            for c in range(SIDE):
                if window[i, r, c] and not (r == VIEW_RADIUS and c == VIEW_RADIUS):
                    here = corner + r * width + c
                    if seen[i, here] < 60000:
                        seen[i, here] += 1
                    crowd += 1
        if crowd > 0 and weight > 0 and not local_only:
            whole = costs + weight * seen[i].astype(np.float32)
            cost_to_goal(whole, lane_cost, width, goal[i], field[i], heap_cost, heap_cell)
        corner -= width + 1
        for r in range(side):
            for c in range(side):
                here = corner + r * width + c
                local_cost[r, c] = costs[here] + weight * seen[i, here]
                local[r, c] = field[i, here]
        if crowd > 0 and weight > 0 and local_only:
            _solve_region(local, local_cost, lane_cost, goal[i], corner, width)
            for r in range(1, side - 1):
                for c in range(1, side - 1):
                    field[i, corner + r * width + c] = local[r, c]
        for r in range(SIDE):
            for c in range(SIDE):
                values[i, r, c] = local[r + 1, c + 1]
        _mark_path(local, local_cost, lane_cost, corner, width, path[i], path_radius)
        m = VIEW_RADIUS + 1
        up, left = against_lane(cell[i] // width, cell[i] % width, lane_cost)
        q[i, 1] = local_cost[m - 1, m] + local[m - 1, m] + up
        q[i, 2] = local_cost[m + 1, m] + local[m + 1, m] + lane_cost - up
        q[i, 3] = local_cost[m, m - 1] + local[m, m - 1] + left
        q[i, 4] = local_cost[m, m + 1] + local[m, m + 1] + lane_cost - left
        q[i, 0] = 1.0 + min(min(q[i, 1], q[i, 2]), min(q[i, 3], q[i, 4]))


@njit(cache=True)
def _solve_region(local, cost, lane_cost, goal, corner, width):
    """Exact cost-to-goal inside the region, its outermost ring held fixed (alternating sweeps)."""
    side = local.shape[0]
    value = local.reshape(-1)
    enter = cost.reshape(-1)
    free = np.empty(SIDE * SIDE, dtype=np.int32)
    moves = np.empty((SIDE * SIDE, 4), dtype=np.float32)  # cost of moving up, down, left, right
    count = 0
    for r in range(1, side - 1):
        for c in range(1, side - 1):
            k = r * side + c
            value[k] = INF
            if enter[k] < INF:
                up, left = against_lane(corner // width + r, corner % width + c, lane_cost)
                moves[count, 0] = enter[k - side] + up
                moves[count, 1] = enter[k + side] + lane_cost - up
                moves[count, 2] = enter[k - 1] + left
                moves[count, 3] = enter[k + 1] + lane_cost - left
                free[count] = k
                count += 1
            if corner + r * width + c == goal:
                value[k] = 0.0
    changed = True
    forward = True
    while changed:
        changed = False
        for n in range(count):
            m = n if forward else count - 1 - n
            k = free[m]
            best = min(
                min(value[k - side] + moves[m, 0], value[k + side] + moves[m, 1]),
                min(value[k - 1] + moves[m, 2], value[k + 1] + moves[m, 3]),
            )
            if best < value[k]:
                value[k] = best
                changed = True
        forward = not forward


@njit(cache=True)
def _mark_path(local, cost, lane_cost, corner, width, path, radius):
    """Follow the cheapest moves from the centre of the region; 1 in ``path`` on the cells passed.

    Ends where the path is further than ``radius`` from the centre, in rows or columns.
    """
    path.fill(0)
    r, c = VIEW_RADIUS + 1, VIEW_RADIUS + 1
    for _ in range(SIDE * SIDE):
        if local[r, c] <= 0.0 or local[r, c] >= INF:
            return
        up, left = against_lane(corner // width + r, corner % width + c, lane_cost)
        best, step_r, step_c = INF, 0, 0
        for dr, dc, against in ((-1, 0, up), (1, 0, lane_cost - up), (0, -1, left), (0, 1, lane_cost - left)):
            q = cost[r + dr, c + dc] + local[r + dr, c + dc] + against
            if q < best:
                best, step_r, step_c = q, dr, dc
        r, c = r + step_r, c + step_c
        far = max(abs(r - VIEW_RADIUS - 1), abs(c - VIEW_RADIUS - 1)) > radius
        if far or path[r - 1, c - 1]:
            return
        path[r - 1, c - 1] = 1

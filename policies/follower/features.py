"""What the follower network sees: the window around the agent, turned so that its path goes up.

Each agent's window is rotated so that the planner's best move is UP, and mirrored so that of the two
sideways moves the cheaper one is LEFT. The network then needs to learn each situation once, not eight
times; its answer is turned back by ``actions_of``.

Channels, 11x11 each:
    0  cost-to-goal relative to the agent's own, divided by ``VALUE_SCALE``, clipped to [-1, 1]
    1  1 where no path leads (walls)
    2  agents seen now, without the agent itself
    3  agents seen one tick ago (in place: where they were)
    4  the planned path
    5  how often an agent was seen there since the goal was assigned, min(n, 8) / 8
followed by ``N_SCALARS`` numbers: the cost of each action above the best, the last move (one-hot), ticks
without moving, and the number of agents in view.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.fleet import VIEW_RADIUS, FleetObservation
from pilotfish.policies.follower.congestion import INF
from pilotfish.policies.follower.planner import SIDE, Planner

N_CHANNELS = 6
N_SCALARS = 12
N_FEATURES = N_CHANNELS * SIDE * SIDE + N_SCALARS
VALUE_SCALE = 12.0


def _turns() -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """The 8 symmetries of the window.

    Returns:
        cells: int32 [8, 121], the window cell shown at each cell of the turned window.
        actions: int8 [8, 5], the action in the map for each action of the turned window.
    """
    steps = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])
    at = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2)
    at = at - VIEW_RADIUS
    quarter = np.array([[0, -1], [1, 0]])
    cells, actions = [], []
    for mirror in (np.eye(2, dtype=int), np.array([[1, 0], [0, -1]])):
        turn = mirror
        for _ in range(4):
            there = at @ turn.T + VIEW_RADIUS
            cells.append(there[:, 0] * SIDE + there[:, 1])
            moved = steps @ turn.T
            actions.append([int(np.flatnonzero((steps == m).all(1))[0]) for m in moved])
            turn = quarter @ turn
    return np.array(cells, dtype=np.int32), np.array(actions, dtype=np.int8)


_TURN_CELLS, TURN_ACTIONS = _turns()
# _TURN_FOR[best, left]: the turn that maps UP to action ``best`` and LEFT to action ``left``.
_TURN_FOR = np.zeros((5, 5), dtype=np.int8)
for _k in range(8):
    _TURN_FOR[TURN_ACTIONS[_k, 1], TURN_ACTIONS[_k, 3]] = _k


class Features:
    """Builds the network's input for N agents and keeps the little memory it needs.

    Attributes:
        turn: int8 [N] the symmetry each agent's window was turned by in the last ``update``.
    """

    def __init__(self, n_agents: int) -> None:
        self.turn = np.zeros(n_agents, dtype=np.int8)
        self._last_cell = np.full(n_agents, -1, dtype=np.int32)
        self._last_window = np.zeros((n_agents, SIDE, SIDE), dtype=np.uint8)
        self._still = np.zeros(n_agents, dtype=np.int32)
        self._out = np.zeros((n_agents, N_FEATURES), dtype=np.float32)

    def update(self, observation: FleetObservation, planner: Planner) -> NDArray[np.float32]:
        """Features float32 [N, N_FEATURES] after ``planner.update``; overwritten by the next call."""
        cell = planner.pad(observation.cell)
        _features(
            cell,
            observation.window,
            planner.values,
            planner.path,
            planner.q,
            planner.seen,
            planner.width,
            self._last_cell,
            self._last_window,
            self._still,
            self.turn,
            self._out,
        )
        return self._out

    def scores_in_map(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores [N, 5] of the turned window's actions as scores of the map's actions."""
        turned_back = np.empty_like(scores)
        np.put_along_axis(turned_back, TURN_ACTIONS[self.turn].astype(np.int64), scores, axis=1)
        return turned_back

    def actions_in_map(self, actions: NDArray[np.integer]) -> NDArray[np.int8]:
        """Actions [N] of the turned window as actions of the map."""
        return TURN_ACTIONS[self.turn, actions]

    def actions_in_window(self, actions: NDArray[np.integer]) -> NDArray[np.int64]:
        """Actions [N] of the map as actions of the turned window."""
        return (TURN_ACTIONS[self.turn] == np.asarray(actions)[:, None]).argmax(1)


@njit(cache=True)
def _choose_turn(q):
    """The turn that puts the cheapest move up and the cheaper sideways move left."""
    best = 1
    for a in range(2, 5):
        if q[a] < q[best]:
            best = a
    first, second = (3, 4) if best <= 2 else (1, 2)
    left = first if q[first] <= q[second] else second
    return _TURN_FOR[best, left]


@njit(cache=True)
def _features(cell, window, values, path, q, seen, width, last_cell, last_window, still, turn, out):
    area = SIDE * SIDE
    middle = area // 2
    shift = np.empty(2, dtype=np.int32)
    for i in range(cell.shape[0]):
        turn[i] = _choose_turn(q[i])
        cells = _TURN_CELLS[turn[i]]
        row, col = cell[i] // width, cell[i] % width
        last_action = 0
        known = last_cell[i] >= 0
        if known:
            shift[0] = row - last_cell[i] // width
            shift[1] = col - last_cell[i] % width
            if abs(shift[0]) + abs(shift[1]) > 1:
                known = False  # The robot was moved: what it saw before is elsewhere.
            elif shift[0] != 0:
                last_action = 1 if shift[0] < 0 else 2
            elif shift[1] != 0:
                last_action = 3 if shift[1] < 0 else 4
        still[i] = still[i] + 1 if known and last_action == 0 else 0
        flat_values = values[i].ravel()
        flat_window = window[i].ravel()
        flat_path = path[i].ravel()
        own = flat_values[middle]
        corner = cell[i] - VIEW_RADIUS * width - VIEW_RADIUS
        crowd = 0
        for k in range(area):
            source = cells[k]
            r, c = source // SIDE, source % SIDE
            value = flat_values[source]
            wall = value >= INF
            out[i, k] = 1.0 if wall else max(-1.0, min(1.0, (value - own) / VALUE_SCALE))
            out[i, area + k] = 1.0 if wall else 0.0
            here = flat_window[source] if source != middle else 0
            crowd += here
            out[i, 2 * area + k] = here
            before = 0
            if known:
                r0, c0 = r + shift[0], c + shift[1]
                own_last = r0 == VIEW_RADIUS and c0 == VIEW_RADIUS
                if 0 <= r0 < SIDE and 0 <= c0 < SIDE and not own_last:
                    before = last_window[i, r0, c0]
            out[i, 3 * area + k] = before
            out[i, 4 * area + k] = flat_path[source]
            out[i, 5 * area + k] = min(seen[i, corner + r * width + c], 8) / 8.0
        base = N_CHANNELS * area
        cheapest = q[i, 1]
        for a in range(2, 5):
            cheapest = min(cheapest, q[i, a])
        for a in range(5):
            action = TURN_ACTIONS[turn[i], a]
            out[i, base + a] = min(q[i, action] - cheapest, VALUE_SCALE) / VALUE_SCALE
            out[i, base + 5 + a] = 1.0 if action == last_action else 0.0
        out[i, base + 10] = min(still[i], 8) / 8.0
        out[i, base + 11] = min(crowd, 40) / 20.0
        last_cell[i] = cell[i]
        last_window[i] = window[i]

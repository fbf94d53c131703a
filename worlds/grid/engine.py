"""The lifelong grid fleet: deterministic, compiled, a few microseconds a step.

Semantics of POGEMA 1.3.0 with ``on_target="restart"`` and soft collisions (Skrynnik et al. 2024):
moves are simultaneous; a swap makes both agents stay; of several agents that want one cell the lowest
index gets it, and an agent sent back sends back whoever wanted its cell; following and rotations are
allowed; an agent on its goal scores and receives the next goal in the same step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.fleet import VIEW_RADIUS, FleetObservation
from pilotfish.worlds.grid import kernels
from pilotfish.worlds.grid.scenario import Scenario
from pilotfish.worlds.maps.grid_map import GridMap

_GOALS_AHEAD = 32


class GridFleet:
    """One episode of N agents on one map.

    Memory: 9 bytes a padded cell and about 300 bytes an agent.

    Args:
        grid: the map.
        n_agents: N.

    Attributes:
        reached: uint8 [N], 1 where the last step reached a goal.
    """

    def __init__(self, grid: GridMap, n_agents: int) -> None:
        self.grid = grid
        self.n_agents = n_agents
        pad = kernels.PAD
        self.padded_width = grid.width + 2 * pad
        self.walls = np.pad(grid.walls, pad, constant_values=True).astype(np.uint8).ravel()
        self._offsets = action_offsets(self.padded_width)
        self._occupant = np.full(self.walls.size, -1, dtype=np.int32)
        self._claims = np.zeros(self.walls.size, dtype=np.int32)
        side = 2 * VIEW_RADIUS + 1
        self._window = np.empty((n_agents, side, side), dtype=np.uint8)
        self._wall_window = np.empty((n_agents, side, side), dtype=np.uint8)
        self.reached = np.zeros(n_agents, dtype=np.uint8)

    def reset(self, seed: int) -> FleetObservation:
        """Start the episode of this seed.

        Raises:
            ValueError: when the map has no room for the agents.
        """
        self._scenario = Scenario(self.grid, self.n_agents, seed)
        self._position = self._pad(self._scenario.starts)
        self._goal = self._pad(self._scenario.first_goals)
        self._goal_table: NDArray[np.int32] = np.empty((self.n_agents, 0), dtype=np.int32)
        self._goal_index = np.zeros(self.n_agents, dtype=np.int32)
        self._refill_goals()
        self._occupant.fill(-1)
        self._occupant[self._position] = np.arange(self.n_agents, dtype=np.int32)
        self.reached.fill(0)
        return self.observe()

    def step(self, actions: NDArray[np.integer]) -> FleetObservation:
        """``advance``, then ``observe``."""
        self.advance(actions)
        return self.observe()

    def advance(self, actions: NDArray[np.integer]) -> None:
        """Apply actions [N] in 0..4 (see ``policies.fleet``); ``reached`` tells who scored.

        Raises:
            ValueError: for a wrong number of actions or an action out of range.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.n_agents,):
            raise ValueError(f"expected {self.n_agents} actions, got shape {actions.shape}")
        if actions.min() < 0 or actions.max() > 4:
            bad = int(np.argmax((actions < 0) | (actions > 4)))
            raise ValueError(f"agent {bad}: action {actions[bad]} is not one of 0..4")
        last = kernels.step(
            actions.astype(np.int8, copy=False),
            self._position,
            self._goal,
            self.walls,
            self._occupant,
            self._claims,
            self._offsets,
            self._goal_table,
            self._goal_index,
            self.reached,
        )
        if last >= self._goal_table.shape[1]:
            self._refill_goals()

    def observe(self) -> FleetObservation:
        """What the agents see now; the window is overwritten by the next step."""
        kernels.windows(self._position, self._occupant, -1, self.padded_width, VIEW_RADIUS, self._window)
        return FleetObservation(self.cells, self._unpad(self._goal), self._window)

    def wall_windows(self) -> NDArray[np.uint8]:
        """uint8 [N, 11, 11], 1 where there is a wall; overwritten by the next call."""
        kernels.windows(self._position, self.walls, 0, self.padded_width, VIEW_RADIUS, self._wall_window)
        return self._wall_window

    @property
    def cells(self) -> NDArray[np.int32]:
        """int32 [N] where the agents are."""
        return self._unpad(self._position)

    def close(self) -> None:
        """Nothing to release; part of the world interface."""

    def _refill_goals(self) -> None:
        more = np.stack([self._scenario.take(i, _GOALS_AHEAD) for i in range(self.n_agents)])
        used = int(self._goal_index.min())
        self._goal_index -= used
        self._goal_table = np.concatenate([self._goal_table[:, used:], self._pad(more)], axis=1)

    def _pad(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        return pad_cells(cells, self.grid.width)

    def _unpad(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        row, col = np.divmod(cells, self.padded_width)
        return (row - kernels.PAD) * self.grid.width + (col - kernels.PAD)


def action_offsets(padded_width: int) -> NDArray[np.int32]:
    """Change of a padded cell's index by each action, int32 [5]."""
    return np.array([0, -padded_width, padded_width, -1, 1], dtype=np.int32)


def pad_cells(cells: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Cells of a map ``width`` wide as cells of the same map inside its wall ring."""
    row, col = np.divmod(cells, width)
    return ((row + kernels.PAD) * (width + 2 * kernels.PAD) + col + kernels.PAD).astype(np.int32)

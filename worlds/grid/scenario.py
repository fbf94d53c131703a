"""Start cells and goal streams of a lifelong episode, reproducible draw for draw.

The rules are those of POGEMA 1.3.0 (``on_target="restart"``), so that figures can be compared with
published ones: see ``start_cells`` and ``Scenario``. Streams do not depend on what the agents do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.grid_map import GridMap

_CHUNK = 32
"""Goals drawn at a time for one agent."""


def connected_components(grid: GridMap) -> NDArray[np.int32]:
    """Label of the 4-connected component of each cell, int32 [height * width]; 0 for walls."""
    labels, _ = ndimage.label(~grid.walls)
    return labels.ravel().astype(np.int32)


def start_cells(grid: GridMap, n_agents: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Starts and first goals, int32 [N] each, on a map without warehouse characters.

    The free cells are shuffled; walking that list, a cell becomes the first goal of the agent that
    waits for one in its component, or else opens a new agent if its component has two cells left.

    Raises:
        ValueError: when the map has no room for so many agents.
    """
    cells = grid.free_cells
    order = list(range(len(cells)))
    np.random.default_rng(seed).shuffle(order)
    component = connected_components(grid)[cells]
    unused = np.bincount(component)
    waiting = np.full(len(unused), -1)
    starts: list[int] = []
    goals = np.full(n_agents, -1, dtype=np.int32)
    closed = 0
    for k in order:
        label = component[k]
        if waiting[label] >= 0:
            goals[waiting[label]] = cells[k]
            waiting[label] = -1
            closed += 1
            if closed == n_agents:
                break
        elif len(starts) < n_agents and unused[label] >= 2:
            waiting[label] = len(starts)
            unused[label] -= 2
            starts.append(cells[k])
    if closed < n_agents:
        raise ValueError(f"map {grid.name!r} has room for {closed} agents, not for {n_agents}")
    return np.array(starts, dtype=np.int32), goals


class Scenario:
    """Starts, and an endless stream of goals for each agent.

    On a plain map later goals are uniform over the free cells of the agent's component; on a
    warehouse map over the goal cells. Agent i draws from a generator of its own, whose seed is the
    i-th of ``default_rng(seed).integers(2**31 - 1, size=N)``.

    Attributes:
        starts: int32 [N] cells.
        first_goals: int32 [N] cells.
    """

    def __init__(self, grid: GridMap, n_agents: int, seed: int) -> None:
        if n_agents < 1:
            raise ValueError(f"a scenario needs at least one agent, got {n_agents}")
        self.grid = grid
        if grid.starts is None or grid.goals is None:
            self.starts, self.first_goals = start_cells(grid, n_agents, seed)
            self._pools, self._pool_of_agent = _component_pools(grid, self.starts)
        else:
            if n_agents > min(len(grid.starts), len(grid.goals)):
                raise ValueError(
                    f"map {grid.name!r} has {len(grid.starts)} start and {len(grid.goals)} goal cells: "
                    f"not enough for {n_agents} agents"
                )
            rng = np.random.default_rng(seed)
            starts, goals = list(grid.starts), list(grid.goals)
            rng.shuffle(starts)
            rng.shuffle(goals)
            self.starts = np.array(starts[:n_agents], dtype=np.int32)
            self.first_goals = np.array(goals[:n_agents], dtype=np.int32)
            self._pools = [np.array(goals, dtype=np.int32)]
            self._pool_of_agent = np.zeros(n_agents, dtype=np.int64)
        seeds = np.random.default_rng(seed).integers(2**31 - 1, size=n_agents)
        self._generators = [np.random.default_rng(s) for s in seeds]
        self._next = np.zeros(n_agents, dtype=np.int64)
        self._drawn: list[list[int]] = [[] for _ in range(n_agents)]

    def next_goal(self, agent: int) -> int:
        """The agent's next goal cell; the first call follows on ``first_goals[agent]``."""
        return int(self.take(agent, 1)[0])

    def take(self, agent: int, count: int) -> NDArray[np.int32]:
        """The next ``count`` goal cells of an agent at once, int32 [count]."""
        drawn = self._drawn[agent]
        first = self._next[agent]
        while len(drawn) < first + count:
            pool = self._pools[self._pool_of_agent[agent]]
            picks = self._generators[agent].integers(0, len(pool), size=_CHUNK)
            drawn.extend(pool[picks].tolist())
        self._next[agent] += count
        return np.array(drawn[first : first + count], dtype=np.int32)


def _component_pools(grid: GridMap, starts: NDArray[np.int32]) -> tuple[list[NDArray], NDArray[np.int64]]:
    """The free cells of each component that holds a start, and which of these lists an agent uses."""
    component = connected_components(grid)
    labels, index = np.unique(component[starts], return_inverse=True)
    return [np.flatnonzero(component == label).astype(np.int32) for label in labels], index

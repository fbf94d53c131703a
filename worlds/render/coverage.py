"""Who of an exploring team saw what first, and how much each of them knows."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import FREE, UNKNOWN
from pilotfish.worlds.draw import PALETTE, agent_colours
from pilotfish.worlds.exploration.known_space import reachable
from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory

UNSEEN_FLOOR = (150, 160, 176)
"""Floor of the true map that nobody has seen."""
TINT = 0.16
"""How much of its discoverer's colour a piece of floor has."""


class Coverage:
    """Goes once through all maps of a trajectory.

    Only free space that can be reached from where the robots stand counts.
    """

    def __init__(self, trajectory: ExplorationTrajectory) -> None:
        grid = trajectory.grid
        self._grid = grid
        self._free = reachable(grid.walls, grid.cell_at(trajectory.poses[0, :, :2]))
        self._total = max(int(self._free.sum()), 1)
        self._first = np.full(grid.walls.shape, np.inf, np.float32)
        self._owner = np.zeros(grid.walls.shape, np.uint8)  # 1 + robot
        self._shares: list[list[float]] = [[] for _ in trajectory.maps]
        self._times = [history.times for history in trajectory.maps]
        self._origin = float(trajectory.times[0])
        order = sorted(
            (time, robot, index)
            for robot, history in enumerate(trajectory.maps)
            for index, time in enumerate(history.times)
        )
        for time, robot, index in order:
            pixels = trajectory.maps[robot].entry(index)
            new = (pixels != UNKNOWN) & np.isinf(self._first)
            self._first[new] = time - self._origin
            self._owner[new] = 1 + robot
            self._shares[robot].append(int(((pixels == FREE) & self._free).sum()) / self._total)
        self._seen = np.sort(self._first[self._free & np.isfinite(self._first)])
        floor = np.array(PALETTE["floor"], float)
        tints = floor + TINT * (np.array(agent_colours(trajectory.n_robots), float) - floor)
        self._palette = np.rint([UNSEEN_FLOOR, *tints, PALETTE["wall"]]).astype(np.uint8)

    def share(self, robot: int, time: float) -> float:
        """Share of the free space that a robot's own map says is free, at a time [s]."""
        index = bisect_right(self._times[robot], time) - 1
        return self._shares[robot][index] if index >= 0 else 0.0

    def team(self, time: float) -> float:
        """Share of the free space that anybody has seen."""
        return int(np.searchsorted(self._seen, time - self._origin, side="right")) / self._total

    def picture(self, time: float) -> NDArray[np.uint8]:
        """The true map uint8 [H, W, 3]: floor that nobody has seen is dark, other floor has a tint of its
        discoverer's colour."""
        index = np.where(self._first <= time - self._origin, self._owner, 0)
        index[self._grid.walls] = len(self._palette) - 1
        return self._palette[index]

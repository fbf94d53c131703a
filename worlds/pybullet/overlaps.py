"""Counts collisions from poses alone, so that no physics engine's contact margin can hide one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.grid_map import GridMap


class OverlapCounter:
    """How often two disc footprints, or a footprint and a wall, began to overlap.

    Args:
        grid: the walls; outside of the map everything is wall.
        radius: of every footprint [m].
    """

    def __init__(self, grid: GridMap, radius: float) -> None:
        self._grid = grid
        self._radius = radius
        self._reach = math.ceil(radius / grid.resolution)  # cells around a robot's own that it can touch
        self._walls = np.pad(grid.walls, self._reach + 1, constant_values=True)
        self._now: NDArray[np.bool_] | None = None
        self.total = 0

    def reset(self) -> None:
        self._now = None
        self.total = 0

    def update(self, xy: NDArray[np.float64]) -> int:
        """Look at positions [N, 2] [m, map frame]; returns the overlaps that began since ``reset``."""
        now = np.concatenate([self._pairs(xy), self._at_wall(xy)])
        self.total += int((now if self._now is None else now & ~self._now).sum())
        self._now = now
        return self.total

    def _pairs(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """bool [N (N - 1) / 2]"""
        difference = xy[:, None] - xy[None]
        close = (difference**2).sum(axis=-1) < (2 * self._radius) ** 2
        return close[np.triu_indices(len(xy), k=1)]

    def _at_wall(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """bool [N]: the nearest point of some wall cell around the robot is inside of its disc."""
        grid, edge = self._grid, self._grid.resolution
        column = (xy[:, 0] - grid.origin[0]) / edge
        row = grid.height - (xy[:, 1] - grid.origin[1]) / edge
        cell_row = np.clip(np.floor(row).astype(int), -1, grid.height)
        cell_column = np.clip(np.floor(column).astype(int), -1, grid.width)
        hit = np.zeros(len(xy), dtype=bool)
        around = range(-self._reach, self._reach + 1)
        for d_row in around:
            for d_column in around:
                r, c = cell_row + d_row, cell_column + d_column
                gap_row = row - np.clip(row, r, r + 1)
                gap_column = column - np.clip(column, c, c + 1)
                inside = np.hypot(gap_row, gap_column) * edge < self._radius
                hit |= inside & self._walls[r + self._reach + 1, c + self._reach + 1]
        return hit

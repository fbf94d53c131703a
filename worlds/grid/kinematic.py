"""A fleet of discs that obey their velocity commands exactly: the fast back end, without physics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.grid_map import GridMap


class KinematicFleetWorld:
    """`pilotfish.worlds.fleet_world.FleetWorld` in continuous space with unicycle motion.

    Nothing is solid: robots that meet pass through each other, and are counted.

    Args:
        grid: the map.
        starts: int32 [N] cells.
        radius: of the footprints [m].

    Raises:
        ValueError: if a start is not a free cell, or two are the same.
    """

    def __init__(self, grid: GridMap, starts: NDArray[np.int32], radius: float) -> None:
        starts = np.asarray(starts, dtype=np.int32)
        outside = [int(c) for c in starts if not 0 <= c < grid.walls.size or grid.walls.ravel()[c]]
        if outside:
            raise ValueError(f"map {grid.name!r}: start cells {outside} are not free")
        if len(np.unique(starts)) != len(starts):
            raise ValueError(f"map {grid.name!r}: two robots start in the same cell")
        self.grid = grid
        self.radius = radius
        self._starts = starts
        self._upper = np.triu_indices(len(starts), k=1)
        self.reset(0)

    def reset(self, seed: int) -> NDArray[np.float64]:
        """Robots on their start cells, facing one of the four directions drawn from ``seed``; [N, 3]."""
        n = len(self._starts)
        yaw = np.random.default_rng(seed).integers(4, size=n) * (np.pi / 2)
        self._poses = np.column_stack([self.grid.cell_centre(self._starts), yaw])
        self._touching: NDArray[np.bool_] = np.zeros(len(self._upper[0]), dtype=bool)
        self._at_wall: NDArray[np.bool_] = np.zeros(n, dtype=bool)
        self._overlaps = 0
        return self._poses.copy()

    def step(self, velocity: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Exact arcs of constant velocity [N, 2] over ``dt`` [s]; poses [N, 3]."""
        forward, turn = velocity[:, 0] * dt, velocity[:, 1] * dt
        heading = self._poses[:, 2] + turn / 2
        chord = forward * np.sinc(turn / (2 * np.pi))
        self._poses[:, 0] += chord * np.cos(heading)
        self._poses[:, 1] += chord * np.sin(heading)
        self._poses[:, 2] = np.mod(self._poses[:, 2] + turn + np.pi, 2 * np.pi) - np.pi
        self._count_overlaps()
        return self._poses.copy()

    def overlaps(self) -> int:
        """Overlaps that began since ``reset``, robot with robot and robot with wall."""
        return self._overlaps

    def close(self) -> None:
        """Nothing to free."""

    def _count_overlaps(self) -> None:
        xy = self._poses[:, :2]
        offset = xy[self._upper[0]] - xy[self._upper[1]]
        touching = np.einsum("pk,pk->p", offset, offset) < (2 * self.radius) ** 2
        at_wall = self._touches_wall()
        self._overlaps += int((touching & ~self._touching).sum() + (at_wall & ~self._at_wall).sum())
        self._touching, self._at_wall = touching, at_wall

    def _touches_wall(self) -> NDArray[np.bool_]:
        """bool [N]: whether a wall cell is nearer to the centre than the radius (at most one cell)."""
        grid = self.grid
        col = (self._poses[:, 0] - grid.origin[0]) / grid.resolution
        row = grid.height - (self._poses[:, 1] - grid.origin[1]) / grid.resolution
        reach = self.radius / grid.resolution
        touches = np.zeros(len(col), dtype=bool)
        for d_row in (-1, 0, 1):
            for d_col in (-1, 0, 1):
                r, c = np.floor(row).astype(int) + d_row, np.floor(col).astype(int) + d_col
                inside = (r >= 0) & (r < grid.height) & (c >= 0) & (c < grid.width)
                wall = ~inside
                wall[inside] = grid.walls[r[inside], c[inside]]
                gap_row = np.maximum(np.maximum(r - row, row - (r + 1)), 0.0)
                gap_col = np.maximum(np.maximum(c - col, col - (c + 1)), 0.0)
                touches |= wall & (np.hypot(gap_row, gap_col) < reach)
        return touches

"""Robots as solid discs with laser scanners on a map of fine cells: fast, without physics."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.worlds.grid.laser import cast
from pilotfish.worlds.laser_world import Laser
from pilotfish.worlds.maps.grid_map import GridMap

PIECE = 0.02
"""Longest way that is driven in one piece [m]; a wall is at least a cell thick."""


class SolidFleetWorld:
    """`pilotfish.worlds.laser_world.LaserWorld` with unicycle motion.

    Whoever drives into a wall or another robot stays where it is, and may turn. Robots that overlap at
    the start can drive apart.

    Args:
        grid: the map; its cells may be smaller than the robots.
        starts: int32 [N] cells.
        radius: of the robots [m].
        laser: of every robot.

    Raises:
        ValueError: a start is not a free cell, or two are the same.
    """

    def __init__(
        self, grid: GridMap, starts: NDArray[np.int32], radius: float, laser: Laser | None = None
    ) -> None:
        starts = np.asarray(starts, dtype=np.int32)
        outside = [int(c) for c in starts if not 0 <= c < grid.walls.size or grid.walls.ravel()[c]]
        if outside:
            raise ValueError(f"map {grid.name!r}: start cells {outside} are not free")
        if len(np.unique(starts)) != len(starts):
            raise ValueError(f"map {grid.name!r}: two robots start in the same cell")
        self.grid = grid
        self.radius = radius
        self.laser = laser or Laser()
        self._starts = starts
        self.reset(0)

    def reset(self, seed: int) -> NDArray[np.float64]:
        """Robots on their start cells, facing one of the four directions drawn from ``seed``; [N, 3]."""
        n = len(self._starts)
        yaw = np.random.default_rng(seed).integers(4, size=n) * (np.pi / 2)
        self._poses = np.column_stack([self.grid.cell_centre(self._starts), yaw])
        self._touching = np.zeros((n, n + 1), bool)
        self._overlaps = 0
        return self._poses.copy()

    def step(self, velocity: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Arcs of constant velocity [N, 2] over ``dt`` [s], as far as nothing is in the way; poses [N, 3]."""
        velocity = np.asarray(velocity, np.float64)
        pieces = max(1, int(np.ceil(np.abs(velocity[:, 0]).max(initial=0.0) * dt / PIECE)))
        edge, (left, low) = self.grid.resolution, self.grid.origin
        touched = _drive(
            self.grid.walls, edge, left, low, self.radius, self._poses, velocity, dt / pieces, pieces
        )
        self._overlaps += int((touched & ~self._touching).sum())
        self._touching = touched
        return self._poses.copy()

    def scan(self) -> NDArray[np.float32]:
        """float32 [N, rays] [m], inf for nothing within reach."""
        return cast(self.grid, self._poses, self.radius, self.laser)

    def overlaps(self) -> int:
        """Times that a robot began to drive against a wall or another robot, since ``reset``."""
        return self._overlaps

    def close(self) -> None:
        """Nothing to free."""


@njit(cache=True)
def _drive(walls, edge, left, low, radius, poses, velocity, dt, pieces):
    """Move all robots; bool [N, N + 1]: what each has driven against, the last column is walls."""
    count = len(poses)
    touched = np.zeros((count, count + 1), np.bool_)
    for _ in range(pieces):
        for robot in range(count):
            x, y, yaw = poses[robot]
            turn = velocity[robot, 1] * dt
            way = velocity[robot, 0] * dt
            if turn != 0.0:
                way *= np.sin(turn / 2) / (turn / 2)
            poses[robot, 2] = (yaw + turn + np.pi) % (2 * np.pi) - np.pi
            if way == 0.0:
                continue
            to_x, to_y = x + way * np.cos(yaw + turn / 2), y + way * np.sin(yaw + turn / 2)
            free = True
            gap = _wall_gap(walls, edge, left, low, to_x, to_y, radius)
            if gap < radius and gap < _wall_gap(walls, edge, left, low, x, y, radius):
                touched[robot, count] = True
                free = False
            for other in range(count):
                if other == robot:
                    continue
                gap = np.hypot(to_x - poses[other, 0], to_y - poses[other, 1])
                if gap < 2 * radius and gap < np.hypot(x - poses[other, 0], y - poses[other, 1]):
                    touched[robot, other] = True
                    free = False
            if free:
                poses[robot, 0], poses[robot, 1] = to_x, to_y
    return touched


@njit(cache=True)
def _wall_gap(walls, edge, left, low, x, y, radius):
    """Distance from a point to the nearest wall [m], at most ``radius``; beyond the map all is wall."""
    height, width = walls.shape
    nearest = radius
    reach = int(np.ceil(radius / edge))
    col, row = int(np.floor((x - left) / edge)), height - 1 - int(np.floor((y - low) / edge))
    for r in range(row - reach, row + reach + 1):
        for c in range(col - reach, col + reach + 1):
            if 0 <= r < height and 0 <= c < width and not walls[r, c]:
                continue
            cell_x, cell_y = left + c * edge, low + (height - 1 - r) * edge
            gap_x = max(cell_x - x, x - cell_x - edge, 0.0)
            gap_y = max(cell_y - y, y - cell_y - edge, 0.0)
            nearest = min(nearest, np.hypot(gap_x, gap_y))
    return nearest

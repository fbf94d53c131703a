"""Laser scans on a map of cells, compiled: walls are squares, robots are discs."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.worlds.laser_world import Laser
from pilotfish.worlds.maps.grid_map import GridMap


def cast(grid: GridMap, poses: NDArray[np.float64], radius: float, laser: Laser) -> NDArray[np.float32]:
    """Distance to the nearest wall or other robot along each ray, float32 [N, rays] [m], inf for nothing.

    Beyond the map everything is wall.

    Args:
        poses: float64 [N, 3] x [m], y [m], yaw [rad], map frame.
        radius: of the robots' bodies [m].
    """
    edge = grid.resolution
    x = (poses[:, 0] - grid.origin[0]) / edge
    y = grid.height - (poses[:, 1] - grid.origin[1]) / edge
    ranges = _cast(grid.walls, x, y, poses[:, 2], radius / edge, laser.angles, laser.reach / edge)
    return (ranges * edge).astype(np.float32)


@njit(cache=True)
def _cast(walls, x, y, yaw, radius, angles, reach):
    """All in cells, x to the right and y down from the map's upper left corner; yaw counter-clockwise."""
    count = len(x)
    ranges = np.full((count, len(angles)), np.inf)
    for robot in range(count):
        for ray in range(len(angles)):
            angle = yaw[robot] + angles[ray]
            along_x, along_y = np.cos(angle), -np.sin(angle)
            best = _to_wall(walls, x[robot], y[robot], along_x, along_y, reach)
            for other in range(count):
                if other != robot:
                    way = _to_disc(x[other] - x[robot], y[other] - y[robot], along_x, along_y, radius)
                    best = min(best, way)
            if best <= reach:
                ranges[robot, ray] = best
    return ranges


@njit(cache=True)
def _to_wall(walls, x, y, along_x, along_y, reach):
    """Way from (x, y) to the first wall cell, inf if it is further than ``reach``; cell by cell."""
    height, width = walls.shape
    row, col = int(np.floor(y)), int(np.floor(x))
    step_row, step_col = (1 if along_y > 0 else -1), (1 if along_x > 0 else -1)
    per_row = 1 / abs(along_y) if along_y != 0 else np.inf
    per_col = 1 / abs(along_x) if along_x != 0 else np.inf
    next_row = (row + (step_row > 0) - y) / along_y if along_y != 0 else np.inf
    next_col = (col + (step_col > 0) - x) / along_x if along_x != 0 else np.inf
    way = 0.0
    while way <= reach:
        if row < 0 or row >= height or col < 0 or col >= width or walls[row, col]:
            return way
        if next_row < next_col:
            way, next_row, row = next_row, next_row + per_row, row + step_row
        else:
            way, next_col, col = next_col, next_col + per_col, col + step_col
    return np.inf


@njit(cache=True)
def _to_disc(x, y, along_x, along_y, radius):
    """Way along a ray to a disc around (x, y), inf if it is missed; 0 from inside."""
    ahead = x * along_x + y * along_y
    beside = x * x + y * y - ahead * ahead
    if beside > radius * radius or ahead < -radius:
        return np.inf
    way = ahead - np.sqrt(radius * radius - beside)
    if way >= 0:
        return way
    return 0.0 if x * x + y * y < radius * radius else np.inf

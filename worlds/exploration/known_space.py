"""Robots' maps seen from outside: brought to the cells of the true map, and measured against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.worlds.maps.grid_map import GridMap

OCCUPIED_FROM = 50
"""Percent from which a cell of an occupancy grid counts as occupied."""


class MapSampler:
    """Occupancy grids of any size and resolution on the cells of a true map."""

    def __init__(self, grid: GridMap) -> None:
        self._grid = grid
        self._geometry: tuple | None = None
        self._index: NDArray[np.intp] = np.empty(0, np.intp)
        self._inside: NDArray[np.bool_] = np.empty(0, bool)

    def pixels(
        self, cells: NDArray[np.int8], resolution: float, origin: tuple[float, float]
    ) -> NDArray[np.uint8]:
        """What a map says about the middle of each true cell: uint8 [H, W] UNKNOWN, FREE or OCCUPIED.

        Args:
            cells: int8 [h, w] percent occupied, -1 for unknown; row 0 at the bottom, as in ROS.
            resolution: of the map [m].
            origin: its lower left corner (x, y) [m, map frame].

        Raises:
            ValueError: a map without cells, or a resolution that is not positive.
        """
        if not cells.size or not resolution > 0 or not np.isfinite([*origin, resolution]).all():
            raise ValueError(f"a map of {cells.shape} cells of {resolution} m at {origin} is none")
        self._align(cells.shape, resolution, origin)
        said = np.full(self._grid.walls.size, -1, np.int8)
        said[self._inside] = cells.ravel()[self._index]
        values = np.where(said >= OCCUPIED_FROM, OCCUPIED, np.where(said >= 0, FREE, UNKNOWN))
        return values.astype(np.uint8).reshape(self._grid.walls.shape)

    def _align(self, shape: tuple[int, ...], resolution: float, origin: tuple[float, float]) -> None:
        if (shape, resolution, origin) == self._geometry:
            return
        xy = self._grid.cell_centre(np.arange(self._grid.walls.size))
        col = np.floor((xy[:, 0] - origin[0]) / resolution).astype(np.intp)
        row = np.floor((xy[:, 1] - origin[1]) / resolution).astype(np.intp)
        self._inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
        self._index = (row * shape[1] + col)[self._inside]
        self._geometry = (shape, resolution, origin)


class KnownSpace:
    """How much of the free space that a team can reach a map holds.

    Args:
        grid: the true map.
        starts: cells where the robots stand.
    """

    def __init__(self, grid: GridMap, starts: NDArray[np.integer]) -> None:
        self._sampler = MapSampler(grid)
        self._free = reachable(grid.walls, starts)
        if not self._free.any():
            raise ValueError(f"map {grid.name!r}: the starts {starts.tolist()} are no free cells")
        self._total = int(self._free.sum())

    def share(self, cells: NDArray[np.int8], resolution: float, origin: tuple[float, float]) -> float:
        """Share of that space which a map calls free; the arguments are those of ``MapSampler.pixels``."""
        pixels = self._sampler.pixels(cells, resolution, origin)
        return int(((pixels == FREE) & self._free).sum()) / self._total


def reachable(walls: NDArray[np.bool_], cells: NDArray[np.integer]) -> NDArray[np.bool_]:
    """bool [H, W]: free, and joined (over corners, too) with a cell; cells of -1 or in walls do not count."""
    parts, _ = ndimage.label(~walls, np.ones((3, 3)))
    labels = parts.ravel()[cells[cells >= 0]]
    return np.isin(parts, labels[labels > 0])

"""The occupancy grid that every fleet world, policy and loader shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class GridMap:
    """A 4-connected grid of free cells and walls; outside of it everything is wall.

    Cells are numbered ``row * width + col``; row 0 is the top of a drawn map. In metres (REP 103,
    map frame) x grows with the column and y grows *against* the row, as in a ROS map_server image.

    Attributes:
        name: what tables and errors call this map.
        walls: bool [height, width], True where no agent can stand.
        starts: int32 [S] cells where agents may start, row-major, or None for any free cell.
        goals: int32 [G] cells that may become goals, row-major, or None for any free cell.
            ``starts`` and ``goals`` are either both given (a warehouse map) or both None.
        resolution: edge of a cell [m].
        origin: (x, y) of the map's lower left corner [m, map frame].
    """

    name: str
    walls: NDArray[np.bool_]
    starts: NDArray[np.int32] | None = None
    goals: NDArray[np.int32] | None = None
    resolution: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.walls.ndim != 2 or self.walls.dtype != np.bool_:
            raise ValueError(
                f"map {self.name!r}: walls must be bool [height, width], "
                f"got {self.walls.dtype} with shape {self.walls.shape}"
            )
        if not (~self.walls).any():
            raise ValueError(f"map {self.name!r} has no free cell")
        if (self.starts is None) != (self.goals is None):
            raise ValueError(f"map {self.name!r}: give both starts and goals, or neither")
        if self.resolution <= 0:
            raise ValueError(f"map {self.name!r}: resolution must be positive, got {self.resolution}")
        for kind, cells in (("starts", self.starts), ("goals", self.goals)):
            if cells is not None:
                self._check_cells(kind, cells)

    def _check_cells(self, kind: str, cells: NDArray[np.int32]) -> None:
        if cells.ndim != 1 or not len(cells):
            raise ValueError(f"map {self.name!r}: {kind} must be a list of cells that is not empty")
        if (np.diff(cells) <= 0).any():
            raise ValueError(f"map {self.name!r}: {kind} must be row-major, each cell once")
        if cells[0] < 0 or cells[-1] >= self.walls.size or self.walls.ravel()[cells].any():
            raise ValueError(f"map {self.name!r}: {kind} must be free cells of the map")

    @property
    def height(self) -> int:
        return self.walls.shape[0]

    @property
    def width(self) -> int:
        return self.walls.shape[1]

    @property
    def free_cells(self) -> NDArray[np.int32]:
        """int32 [F], row-major."""
        return np.flatnonzero(~self.walls).astype(np.int32)

    def cell_centre(self, cell: NDArray | int) -> NDArray[np.float64]:
        """Centre of cells [...] as (x, y) [..., 2] [m, map frame]."""
        row, col = np.divmod(np.asarray(cell), self.width)
        x = self.origin[0] + (col + 0.5) * self.resolution
        y = self.origin[1] + (self.height - row - 0.5) * self.resolution
        return np.stack([x, y], axis=-1)

    def cell_at(self, xy: NDArray) -> NDArray[np.int32]:
        """Cell that holds each (x, y) [..., 2] [m, map frame]; -1 outside of the map, and for NaN."""
        xy = np.asarray(xy, dtype=np.float64)
        col = np.floor((xy[..., 0] - self.origin[0]) / self.resolution)
        row = self.height - 1 - np.floor((xy[..., 1] - self.origin[1]) / self.resolution)
        inside = (col >= 0) & (col < self.width) & (row >= 0) & (row < self.height)
        # Only what is inside fits into an integer.
        row, col = np.where(inside, row, 0.0), np.where(inside, col, 0.0)
        return np.where(inside, row * self.width + col, -1).astype(np.int32)

"""The free cells of a map as fast scalar look-ups, for code that runs on one robot."""

from __future__ import annotations

import math
from functools import lru_cache

from pilotfish.worlds.maps.grid_map import GridMap


class CellGraph:
    """Free cells, who is next to whom, what a disc touches. Cells as in `GridMap`, metres, map frame."""

    def __init__(self, grid: GridMap) -> None:
        self.grid = grid
        self.resolution = grid.resolution
        self._left, self._bottom = grid.origin
        self._height, self._width = grid.height, grid.width
        self._free = (~grid.walls).ravel().tolist()
        self.within = lru_cache(maxsize=None)(self._within)
        self.neighbours = lru_cache(maxsize=None)(self._neighbours)

    def is_free(self, cell: int) -> bool:
        """Whether the index is that of a free cell."""
        return 0 <= cell < len(self._free) and self._free[cell]

    def cell_at(self, xy: tuple[float, float]) -> int:
        """The cell that holds a position; the nearest one of the map if it is outside."""
        row, col = self._row_col(xy[0], xy[1])
        return row * self._width + col

    def centre(self, cell: int) -> tuple[float, float]:
        """Centre of a cell [m]."""
        row, col = divmod(cell, self._width)
        return (
            self._left + (col + 0.5) * self.resolution,
            self._bottom + (self._height - row - 0.5) * self.resolution,
        )

    def overlaps(self, cell: int, xy: tuple[float, float], radius: float) -> bool:
        """Whether a disc overlaps a cell."""
        centre_x, centre_y = self.centre(cell)
        half = self.resolution / 2
        gap_x = max(abs(xy[0] - centre_x) - half, 0.0)
        gap_y = max(abs(xy[1] - centre_y) - half, 0.0)
        return gap_x * gap_x + gap_y * gap_y < radius * radius

    def touched(self, xy: tuple[float, float], radius: float) -> frozenset[int]:
        """Free cells that a disc overlaps."""
        top, left = self._row_col(xy[0] - radius, xy[1] + radius)
        bottom, right = self._row_col(xy[0] + radius, xy[1] - radius)
        width = self._width
        return frozenset(
            cell
            for row in range(top, bottom + 1)
            for cell in range(row * width + left, row * width + right + 1)
            if self._free[cell] and self.overlaps(cell, xy, radius)
        )

    def action_target(self, cell: int, action: int) -> int | None:
        """The free cell that an action (`pilotfish.policies.fleet`) leads to, None at walls and the edge."""
        row, col = divmod(cell, self._width)
        row += (0, -1, 1, 0, 0)[action]
        col += (0, 0, 0, -1, 1)[action]
        if not (0 <= row < self._height and 0 <= col < self._width):
            return None
        target = row * self._width + col
        return target if self._free[target] else None

    def _neighbours(self, cell: int) -> tuple[int, ...]:
        """Free cells next to a free one."""
        targets = (self.action_target(cell, action) for action in range(1, 5))
        return tuple(target for target in targets if target is not None)

    def _within(self, cell: int, moves: int) -> frozenset[int]:
        """Cells that are at most so many moves from ``cell``, itself included."""
        reached = edge = frozenset([cell])
        for _ in range(moves):
            edge = frozenset(n for c in edge for n in self.neighbours(c)) - reached
            reached |= edge
        return reached

    def _row_col(self, x: float, y: float) -> tuple[int, int]:
        row = self._height - 1 - math.floor((y - self._bottom) / self.resolution)
        col = math.floor((x - self._left) / self.resolution)
        return min(max(row, 0), self._height - 1), min(max(col, 0), self._width - 1)

    def shortest_path(self, start: int, end: int) -> list[int]:
        """Cells from ``start`` to ``end``, both included; empty if there is no way."""
        came_from = {start: start}
        edge = [start]
        while edge and end not in came_from:
            following = []
            for cell in edge:
                for neighbour in self.neighbours(cell):
                    if neighbour not in came_from:
                        came_from[neighbour] = cell
                        following.append(neighbour)
            edge = following
        if end not in came_from:
            return []
        path = [end]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return path[::-1]

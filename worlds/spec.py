"""The one world description, in metres, from which every back end builds its world.

Frames and units are REP 103's: x forward/right, y left/up, z up [m], yaw counterclockwise from x [rad],
all in the map frame. A spec knows no simulator: the occupancy grid comes from `WorldSpec.to_grid`, the
PyBullet scene and the SDF world are built from the same boxes elsewhere.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilotfish.worlds.maps.files import atomic_write
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.rectangles import cover


@dataclass(frozen=True)
class Box:
    """A solid box with its edges along the axes: centre (x, y, z) and size (x, y, z) [m, map frame]."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]

    def __post_init__(self) -> None:
        if min(self.size) <= 0 or not all(map(math.isfinite, (*self.centre, *self.size))):
            raise ValueError(f"a box needs a finite centre and a positive size, got {self}")


@dataclass(frozen=True)
class Rectangle:
    """A piece of floor: its lower left and upper right corners (x, y) [m, map frame]."""

    low: tuple[float, float]
    high: tuple[float, float]

    def __post_init__(self) -> None:
        if not (self.low[0] < self.high[0] and self.low[1] < self.high[1]):
            raise ValueError(f"a rectangle's low corner must be below and left of its high one, got {self}")


@dataclass(frozen=True)
class Region:
    """A named part of the floor, as ``starts`` and ``goals`` of a warehouse; its rectangles are disjoint."""

    name: str
    rectangles: tuple[Rectangle, ...]


@dataclass(frozen=True)
class Pose:
    """Where a robot stands at first: x, y [m, map frame] and yaw [rad]."""

    x: float
    y: float
    yaw: float = 0.0


@dataclass(frozen=True)
class WorldSpec:
    """A world: a rectangle of floor, what stands on it, and what its parts are for.

    Attributes:
        name: what tables and errors call this world.
        origin: lower left corner of the floor (x, y) [m, map frame].
        size: extent of the floor (x, y) [m].
        cell_size: edge of a cell of its occupancy grid [m]; divides `size`.
        walls: solid boxes, on the floor or just outside of it.
        regions: parts of the floor; ``starts`` and ``goals`` become those of the grid.
        spawns: poses of the first robots, in their order.
    """

    name: str
    origin: tuple[float, float]
    size: tuple[float, float]
    cell_size: float
    walls: tuple[Box, ...] = ()
    regions: tuple[Region, ...] = ()
    spawns: tuple[Pose, ...] = ()

    def __post_init__(self) -> None:
        if self.cell_size <= 0 or min(self.shape) < 1:
            raise ValueError(
                f"world {self.name!r}: cell_size must be positive and at most the size {self.size}, "
                f"got {self.cell_size}"
            )
        names = [region.name for region in self.regions]
        if len(set(names)) < len(names):
            raise ValueError(f"world {self.name!r} has two regions of one name: {names}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its occupancy grid."""
        return round(self.size[1] / self.cell_size), round(self.size[0] / self.cell_size)

    def region(self, name: str) -> Region | None:
        return next((region for region in self.regions if region.name == name), None)

    @classmethod
    def from_grid(
        cls, grid: GridMap, wall_height: float = 1.0, spawn_cells: Sequence[int] = (), border: bool = True
    ) -> WorldSpec:
        """The world of a grid: wall cells merged into few boxes, starts and goals as regions.

        Args:
            wall_height: [m].
            spawn_cells: cells where robots stand at first, facing +x.
            border: put a wall around the floor, one cell thick, since beyond a grid everything is wall.
        """
        edge, (left, low) = grid.resolution, grid.origin
        width, depth = grid.width * edge, grid.height * edge
        walls = [_box(rectangle, wall_height) for rectangle in _rectangles(grid, grid.walls)]
        if border:
            right, high = left + width, low + depth
            around = (
                Rectangle((left - edge, low - edge), (right + edge, low)),
                Rectangle((left - edge, high), (right + edge, high + edge)),
                Rectangle((left - edge, low), (left, high)),
                Rectangle((right, low), (right + edge, high)),
            )
            walls += [_box(rectangle, wall_height) for rectangle in around]
        regions = []
        for name, cells in (("starts", grid.starts), ("goals", grid.goals)):
            if cells is not None:
                mask = np.zeros(grid.walls.shape, bool)
                mask.ravel()[cells] = True
                regions.append(Region(name, tuple(_rectangles(grid, mask))))
        spawns = tuple(Pose(float(x), float(y)) for x, y in grid.cell_centre(np.asarray(spawn_cells, int)))
        return cls(grid.name, grid.origin, (width, depth), edge, tuple(walls), tuple(regions), spawns)

    def to_grid(self) -> GridMap:
        """The occupancy grid: a cell is wall if a box covers its centre, and in a region likewise.

        Raises:
            ValueError: no cell is free, or only one of the regions ``starts`` and ``goals`` is there.
        """
        walls = np.zeros(self.shape, bool)
        for box in self.walls:
            half = np.array(box.size[:2]) / 2
            walls |= self._covered(box.centre[:2] - half, box.centre[:2] + half)
        cells = {name: self._region_cells(name, walls) for name in ("starts", "goals")}
        return GridMap(self.name, walls, **cells, resolution=self.cell_size, origin=self.origin)

    def _region_cells(self, name: str, walls: NDArray[np.bool_]) -> NDArray[np.int32] | None:
        region = self.region(name)
        if region is None:
            return None
        mask = np.zeros(self.shape, bool)
        for rectangle in region.rectangles:
            mask |= self._covered(rectangle.low, rectangle.high)
        return np.flatnonzero(mask & ~walls).astype(np.int32)

    def _covered(self, low: ArrayLike, high: ArrayLike) -> NDArray[np.bool_]:
        """Cells [rows, columns] whose centres lie between two corners (x, y) [m]."""
        rows, columns = self.shape
        x = self.origin[0] + (np.arange(columns) + 0.5) * self.cell_size
        y = self.origin[1] + (rows - np.arange(rows) - 0.5) * self.cell_size
        (x_low, y_low), (x_high, y_high) = np.asarray(low), np.asarray(high)
        return ((y_low <= y) & (y <= y_high))[:, None] & ((x_low <= x) & (x <= x_high))

    def save(self, path: str | Path) -> None:
        """Write JSON, whole or not at all."""
        atomic_write(Path(path), json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> WorldSpec:
        """Read what `save` wrote.

        Raises:
            ValueError: not JSON, or not a world; the message names the file and the field.
        """
        try:
            return cls._from_dict(json.loads(Path(path).read_text()))
        except KeyError as error:
            raise ValueError(f"{path}: a world needs the field {error}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: not a world: {error}") from None

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> WorldSpec:
        regions = tuple(
            Region(
                region["name"],
                tuple(Rectangle(tuple(part["low"]), tuple(part["high"])) for part in region["rectangles"]),
            )
            for region in data["regions"]
        )
        return cls(
            name=data["name"],
            origin=tuple(data["origin"]),
            size=tuple(data["size"]),
            cell_size=data["cell_size"],
            walls=tuple(Box(tuple(box["centre"]), tuple(box["size"])) for box in data["walls"]),
            regions=regions,
            spawns=tuple(Pose(**pose) for pose in data["spawns"]),
        )


def _rectangles(grid: GridMap, mask: NDArray[np.bool_]) -> list[Rectangle]:
    """Few rectangles [m] that cover the cells of a mask over the grid."""
    edge, (left, low) = grid.resolution, grid.origin
    parts = []
    for row, column, height, width in cover(mask).tolist():
        bottom = low + (grid.height - row - height) * edge
        top = low + (grid.height - row) * edge
        parts.append(Rectangle((left + column * edge, bottom), (left + (column + width) * edge, top)))
    return parts


def _box(base: Rectangle, height: float) -> Box:
    """A box of a height [m] that stands on a rectangle of floor."""
    (x_low, y_low), (x_high, y_high) = base.low, base.high
    centre = ((x_low + x_high) / 2, (y_low + y_high) / 2, height / 2)
    return Box(centre, (x_high - x_low, y_high - y_low, height))

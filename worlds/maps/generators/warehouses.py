"""Warehouses: rows of shelves with narrow aisles, goals along the shelves, robots waiting at the sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class WarehouseParams(MapParams):
    """Knobs of a warehouse [cells].

    shelf_length, shelf_depth: a shelf, along and across its row.
    aisle_width: between two rows of shelves; cross_aisle: between two shelves of a row.
    side_width: of the open zone at the left and at the right, where robots start.
    start_pattern: which cells of those zones are starts: all, two columns or rows of three, or every
        second cell.
    missing: share of the shelves that are not there.
    upright: 1 turns the whole layout by a quarter, so that the open zones are above and below.
    """

    height: int = 33
    width: int = 46
    shelf_length: int | None = None
    shelf_depth: int | None = None
    aisle_width: int | None = None
    cross_aisle: int | None = None
    side_width: int | None = None
    start_pattern: str | None = None
    missing: float | None = None
    upright: int | None = None

    SMALLEST: ClassVar = 9
    ALLOWED: ClassVar = {
        "shelf_length": (1, 1000), "shelf_depth": (1, 100), "aisle_width": (1, 100),
        "cross_aisle": (1, 100), "side_width": (3, 1000), "missing": (0.0, 0.9), "upright": (0, 1),
        "start_pattern": {"full", "columns", "rows", "checker"},
    }  # fmt: skip
    DRAWN: ClassVar = {
        "shelf_length": (3, 14), "shelf_depth": (1, 1, 1, 2), "aisle_width": (1, 1, 1, 1, 2, 3),
        "cross_aisle": (1, 1, 1, 2), "side_width": (4, 9), "missing": (0.0, 0.0, 0.0, 0.05, 0.15),
        "upright": (0, 0, 0, 1), "start_pattern": ("columns", "columns", "full", "rows", "checker"),
    }  # fmt: skip


def make_warehouse(params: WarehouseParams, rng: np.random.Generator) -> GridMap:
    """A connected warehouse map, with starts and goals.

    Layouts are drawn again (unless the knobs force one) until starts and goals are each a 7.5th of all
    cells: a busy fleet needs a start and a goal a robot.

    Raises:
        ValueError: the size leaves no room for a shelf between the side zones.
    """
    for _ in range(30):
        grid = _layout(params, rng)
        places = [len(cells) for cells in (grid.starts, grid.goals) if cells is not None]
        if 7.5 * min(places) >= grid.walls.size:
            break
    return grid


def _layout(params: WarehouseParams, rng: np.random.Generator) -> GridMap:
    """Any one warehouse."""
    shelf_length, shelf_depth = params.draw("shelf_length", rng), params.draw("shelf_depth", rng)
    aisle, cross = params.draw("aisle_width", rng), params.draw("cross_aisle", rng)
    side, pattern = params.draw("side_width", rng), params.draw("start_pattern", rng)
    missing, upright = params.draw("missing", rng), params.draw("upright", rng)
    height, width = (params.width, params.height) if upright else (params.height, params.width)

    if params.side_width is None:
        side = min(side, max(3, width // 4))
    inner = width - 2 * side
    if inner < 1 or height < shelf_depth + 2 * aisle:
        raise ValueError(
            f"a warehouse of {params.height}x{params.width} has no room for shelves: side_width {side} "
            f"leaves {inner} columns, shelf_depth {shelf_depth} with aisle_width {aisle} needs "
            f"{shelf_depth + 2 * aisle} rows of {height}"
        )
    shelf_length = min(shelf_length, inner)
    lefts = _spread(width - 2 * (side - cross), shelf_length, cross) + side - cross
    tops = _spread(height, shelf_depth, aisle)
    shelves = np.zeros((height, width), bool)
    for top in tops:
        for left in lefts[rng.random(len(lefts)) >= missing]:
            shelves[top : top + shelf_depth, left : left + shelf_length] = True
    if not shelves.any():
        shelves[tops[0] : tops[0] + shelf_depth, lefts[0] : lefts[0] + shelf_length] = True

    goals = np.zeros_like(shelves)
    goals[:-1] |= shelves[1:]
    goals[1:] |= shelves[:-1]
    goals &= ~shelves
    starts = _start_cells(height, width, (lefts[0], lefts[-1] + shelf_length), pattern)
    if upright:
        shelves, goals, starts = shelves.T, goals.T, starts.T
    return GridMap(
        "warehouse",
        np.ascontiguousarray(shelves),
        np.flatnonzero(starts).astype(np.int32),
        np.flatnonzero(goals).astype(np.int32),
    )


def _spread(room: int, block: int, gap: int) -> NDArray[np.int64]:
    """First cells of as many blocks as fit, in the middle, with `gap` between and beside them."""
    count = (room - gap) // (block + gap)
    margin = (room - count * block - (count - 1) * gap) // 2
    return margin + np.arange(count) * (block + gap)


def _start_cells(height: int, width: int, between: tuple[int, int], pattern: str) -> NDArray[np.bool_]:
    """Starts beside the shelves' columns `between`; the outline and the lane next to them stay free."""
    row, column = np.indices((height, width))
    inward = np.minimum(column, width - 1 - column)  # both sides alike
    keep = {
        "full": np.ones((height, width), bool),
        "columns": inward % 3 != 0,
        "rows": row % 3 != 0,
        "checker": (row + column) % 2 == 0,
    }[pattern]
    zone = (column < between[0] - 1) | (column > between[1])
    return zone & keep & (column > 0) & (column < width - 1) & (row > 0) & (row < height - 1)

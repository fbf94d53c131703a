"""Rooms with doors: a rectangle divided again and again, with furniture in the larger rooms.

Dividing walls run along odd coordinates and doors open at even ones, so a wall that ends at another
never closes its door: all rooms are connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class RoomParams(MapParams):
    """Knobs of a floor of rooms.

    room_size: rooms with an edge up to about this are not divided further [cells].
    doors: mean number of doors in 10 cells of a dividing wall, beyond the one that each has.
    door_width: widest door [cells]; each is 1 to this wide.
    furniture: share of the rooms with a block in the middle.
    """

    height: int = 40
    width: int = 40
    room_size: int | None = None
    doors: float | None = None
    door_width: int | None = None
    furniture: float | None = None

    ALLOWED: ClassVar = {
        "room_size": (3, 1000), "doors": (0.0, 10.0), "door_width": (1, 100), "furniture": (0.0, 1.0),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "room_size": (3, 12), "doors": (0.0, 0.9), "door_width": (1, 1, 2, 3), "furniture": (0.0, 0.5),
    }  # fmt: skip


def make_rooms(params: RoomParams, rng: np.random.Generator) -> GridMap:
    """A connected floor of rooms."""
    room_size = params.draw("room_size", rng)
    doors = params.draw("doors", rng)
    door_width = params.draw("door_width", rng)
    furniture = params.draw("furniture", rng)
    walls = np.zeros((params.height, params.width), bool)
    pending = [(0, params.height, 0, params.width)]  # rooms as half-open ranges of rows and columns
    while pending:
        top, bottom, left, right = pending.pop()
        height, width = bottom - top, right - left
        # Some rooms stay larger than asked: halls among the offices.
        limit = room_size * (1 + 2 * rng.random() ** 4)
        across = rng.random() < (height**2) / (height**2 + width**2)  # long rooms are cut across
        low, high = (top, bottom) if across else (left, right)
        cuts = [cut for cut in range(low + 2, high - 2) if cut % 2 == 1]
        if max(height, width) <= limit or not cuts:
            _furnish(walls[top:bottom, left:right], furniture, rng)
            continue
        cut = int(rng.choice(cuts))
        if across:
            _divide(walls[cut, left:right], left, doors, door_width, rng)
            pending += [(top, cut, left, right), (cut + 1, bottom, left, right)]
        else:
            _divide(walls[top:bottom, cut], top, doors, door_width, rng)
            pending += [(top, bottom, left, cut), (top, bottom, cut + 1, right)]
    return GridMap("rooms", walls)


def _divide(
    wall: NDArray[np.bool_], first: int, doors: float, door_width: int, rng: np.random.Generator
) -> None:
    """Build a wall (a view of the map that starts at coordinate `first`) and open its doors."""
    wall[:] = True
    even = np.arange(first % 2, len(wall), 2)
    count = min(len(even), 1 + rng.poisson(doors * len(wall) / 10))
    for door in rng.choice(even, count, replace=False):
        wall[door : door + rng.integers(1, door_width + 1)] = False


def _furnish(room: NDArray[np.bool_], share: float, rng: np.random.Generator) -> None:
    """Perhaps put a block into a room, at least one cell away from every wall and door."""
    height, width = room.shape
    if rng.random() < share and min(height, width) >= 3:
        rows = np.sort(rng.integers(1, height - 1, 2))
        columns = np.sort(rng.integers(1, width - 1, 2))
        room[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = True

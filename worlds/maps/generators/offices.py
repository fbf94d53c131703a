"""Office floors at real scale: corridors between rows of offices, meeting rooms and furniture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pilotfish.worlds.maps.generators.carving import Mask, exploration_map, place_block
from pilotfish.worlds.maps.generators.floor_plan import Measures, Room, divide, doors
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap

RESOLUTION = 0.1
"""Edge of a cell [m]."""
_WALL = 2


@dataclass(frozen=True)
class OfficeParams(MapParams):
    """Knobs of an office floor of cells of 0.1 m; floors smaller than 7 m have everything smaller.

    corridors: how often the floor is halved by a corridor before walls divide it.
    corridor_width: widest corridor; each is 1.8 to this wide [m].
    office_size: rooms with an edge up to about this are not divided further [m].
    door_width: widest door; each is 0.9 to this wide [m].
    halls: share of the parts up to twice that long that stay whole: meeting rooms and halls.
    loops: share of the possible doors that are built beyond the tree that joins all rooms.
    furniture: pieces of furniture tried, a room of 20 square metres; some find no place.
    """

    height: int = 300
    width: int = 400
    corridors: int | None = None
    corridor_width: float | None = None
    office_size: float | None = None
    door_width: float | None = None
    halls: float | None = None
    loops: float | None = None
    furniture: float | None = None

    SMALLEST: ClassVar = 12
    ALLOWED: ClassVar = {
        "corridors": (0, 5), "corridor_width": (1.8, 4.0), "office_size": (4.0, 20.0),
        "door_width": (0.9, 2.0), "halls": (0.0, 1.0), "loops": (0.0, 0.5), "furniture": (0.0, 20.0),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "corridors": (2, 2, 3, 3, 4), "corridor_width": (1.8, 2.4), "office_size": (4.8, 6.2),
        "door_width": (0.9, 1.1), "halls": (0.0, 0.3), "loops": (0.0, 0.15), "furniture": (0.0, 5.0),
    }  # fmt: skip


def make_offices(params: OfficeParams, rng: np.random.Generator) -> GridMap:
    """A connected office floor inside an outer wall of 0.2 m, with one blob of starts."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    size = (params.height, params.width)
    scale = min(1.0, min(size) / 70)

    def cells(metres: float) -> int:
        return max(1, round(scale * metres / RESOLUTION))

    measures = Measures(
        room=(max(3, cells(2.9)), max(5, cells(knobs["office_size"]))),
        corridor=(cells(1.8), cells(knobs["corridor_width"])),
        wall=(max(1, round(_WALL * scale)),) * 2,
        door=(cells(0.9), cells(knobs["door_width"])),
        corridors=knobs["corridors"],
        halls=knobs["halls"],
    )
    rooms = divide(*size, measures.wall[0], measures, rng)
    free = np.zeros(size, bool)
    for room in rooms:
        free[room.top : room.bottom, room.left : room.right] = True
    for door in doors(rooms, measures.wall[0], measures, knobs["loops"], rng):
        free[slice(*sorted(door.rows)), slice(*sorted(door.columns))] = True
    for room in rooms:
        if not room.corridor:
            pieces = knobs["furniture"] * room.height * room.width * RESOLUTION**2 / scale**2 / 20
            for _ in range(rng.poisson(pieces)):
                _furnish(free, room, scale, rng)
    return exploration_map("offices", free, rng, RESOLUTION, max(2, round(16 * scale)))


def _furnish(free: Mask, room: Room, scale: float, rng: np.random.Generator) -> None:
    """A table in the room or a cupboard against a wall; on its free sides remain ways of 0.9 m."""
    gap = max(1, round(9 * scale))
    height, width = np.maximum(1, np.rint(scale * rng.uniform([5, 8], [9, 22]))).astype(int).tolist()
    # The room with the walls around it, turned so that the cupboard's wall is above.
    view = np.rot90(
        free[room.top - 1 : room.bottom + 1, room.left - 1 : room.right + 1], int(rng.integers(4))
    )
    spare = np.array(view.shape) - (height + 1, width + 1)
    if (spare < 1).any():
        return
    top, left = rng.integers(1, spare + 1).tolist()
    if rng.random() < 0.4:
        place_block(view, np.ones((height, width), bool), top, left, gap)
        return
    beside = slice(max(0, left - gap), left + width + gap)
    around = view[1 : 1 + height + gap, beside]
    if around.shape == (height + gap, width + 2 * gap) and around.all() and not view[0, beside].any():
        view[1 : 1 + height, left : left + width] = False

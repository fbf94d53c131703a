"""Rooms and corridors: a floor divided unevenly, or scattered rooms that bent corridors join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.generators.carving import Mask, exploration_map, roughen, tidy
from pilotfish.worlds.maps.generators.floor_plan import Measures, Room, divide, doors
from pilotfish.worlds.maps.generators.networks import Edges, joined, neighbours, pruned, scattered
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.generators.room_shapes import furnish, outline, shrunk
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class HybridParams(MapParams):
    """Knobs of a map of rooms and corridors [cells]; maps smaller than 200 cells have everything smaller.

    layout: a floor that corridors and walls divide, or scattered rooms that corridors join.
    room_size: rooms of a floor with an edge up to about this are not divided further; no scattered
        room is larger.
    corridors: how often a floor is halved by a corridor before walls divide it.
    corridor_width: widest corridor; each is 12 to this wide.
    wall: thickest wall of a floor; each is 4 to this thick.
    door_width: widest door of a floor; each is 8 to this wide.
    free: share of free cells, roughly: rooms with one way in are left solid beyond it.
    loops: share of the possible ways that are built beyond the tree that joins all rooms.
    uneven: share of the rooms that are no rectangles, or smaller than their part of the floor.
    furniture: share of the rooms with pillars or blocks.
    rough: how far walls waver.
    """

    height: int = 500
    width: int = 500
    layout: str | None = None
    room_size: int | None = None
    corridors: int | None = None
    corridor_width: int | None = None
    wall: int | None = None
    door_width: int | None = None
    free: float | None = None
    loops: float | None = None
    uneven: float | None = None
    furniture: float | None = None
    rough: float | None = None

    SMALLEST: ClassVar = 12
    ALLOWED: ClassVar = {
        "layout": {"floor", "scattered"}, "room_size": (50, 500), "corridors": (0, 4),
        "corridor_width": (12, 40), "wall": (4, 24), "door_width": (8, 20), "free": (0.2, 0.9),
        "loops": (0.0, 0.5), "uneven": (0.0, 1.0), "furniture": (0.0, 1.0), "rough": (0.0, 3.0),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "layout": ("floor", "floor", "floor", "scattered"), "room_size": (100, 160),
        "corridors": (1, 1, 2, 2, 3), "corridor_width": (14, 24), "wall": (6, 20), "door_width": (10, 20),
        "free": (0.45, 0.58), "loops": (0.02, 0.25), "uneven": (0.2, 0.8), "furniture": (0.2, 0.8),
        "rough": (0.0, 0.0, 0.0, 1.0, 2.0),
    }  # fmt: skip


def make_hybrid(params: HybridParams, rng: np.random.Generator) -> GridMap:
    """A connected map of rooms and corridors inside a border of wall, with one blob of starts."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    size = (params.height, params.width)
    scale = min(1.0, min(size) / 200)
    border = max(1, round(5 * scale))
    free: NDArray[np.bool_] = np.zeros(size, bool)
    build = _floor if knobs["layout"] == "floor" else _scattered
    for room in build(free, border, scale, knobs, rng):
        if not room.corridor and rng.random() < knobs["furniture"]:
            furnish(free, room, scale, rng)
    free = roughen(free, scale * knobs["rough"], max(2.0, 8 * scale), rng)
    free = tidy(free, max(1, round(6 * scale)), max(1, round(4 * scale)), border)
    return exploration_map("hybrid", free, rng, edge=max(2, round(16 * min(1, 2 * scale))))


def _floor(free: Mask, border: int, scale: float, knobs: dict, rng: np.random.Generator) -> list[Room]:
    """Carve a divided floor into `free`; returns its rooms."""

    def cells(low: float, high: float) -> tuple[int, int]:
        return max(1, round(scale * low)), max(1, round(scale * high))

    smallest, largest = cells(max(30, 0.45 * knobs["room_size"]), knobs["room_size"])
    measures = Measures(
        room=(max(3, smallest), max(6, largest)),
        corridor=cells(12, knobs["corridor_width"]),
        wall=cells(4, knobs["wall"]),
        door=cells(8, knobs["door_width"]),
        corridors=knobs["corridors"],
        halls=0.05,
    )
    inset = round(8 * scale)
    rooms = divide(free.shape[0], free.shape[1], border, measures, rng)
    for number, room in enumerate(rooms):
        if not room.corridor and rng.random() < knobs["uneven"]:
            rooms[number] = shrunk(room, inset, max(3, smallest // 2), rng)
    openings = doors(rooms, measures.wall[1] + 2 * inset, measures, knobs["loops"], rng)
    pairs = np.array([door.between for door in openings], int).reshape(-1, 2)
    kept, built = _carve_rooms(free, rooms, pairs, knobs, rng)
    for index in np.flatnonzero(built).tolist():
        free[slice(*sorted(openings[index].rows)), slice(*sorted(openings[index].columns))] = True
    return kept


def _scattered(free: Mask, border: int, scale: float, knobs: dict, rng: np.random.Generator) -> list[Room]:
    """Carve scattered rooms and the corridors between them into `free`; returns the rooms."""
    height, width = free.shape
    largest = scale * knobs["room_size"]
    centres = scattered(height, width, 0.9 * largest, border, rng)
    halves = largest * rng.uniform(0.25, 0.5, centres.shape)
    first = np.clip(np.rint(centres - halves), border, None).astype(int)
    last = np.clip(np.rint(centres + halves), None, np.array(free.shape) - border).astype(int)
    rooms = [Room(top, bottom, left, right) for (top, left), (bottom, right) in zip(first, last, strict=True)]
    middles = np.array([((room.top + room.bottom) // 2, (room.left + room.right) // 2) for room in rooms])
    pairs = neighbours(middles, 3 * largest)
    lengths = np.hypot(*(middles[pairs[:, 0]] - middles[pairs[:, 1]]).T)
    pairs = pairs[joined(len(rooms), pairs, 1 + lengths, knobs["loops"], rng)]
    kept, built = _carve_rooms(free, rooms, pairs, knobs, rng)
    for one, other in pairs[built]:
        lane = max(1, round(scale * rng.uniform(12, knobs["corridor_width"])))
        _bent_corridor(free, middles[one], middles[other], lane, rng)
    return kept


def _bent_corridor(
    free: Mask, start: np.ndarray, end: np.ndarray, lane: int, rng: np.random.Generator
) -> None:
    """Carve a corridor of width `lane` between two cells (row, column): along one axis, then the other."""
    corner = (start[0], end[1]) if rng.random() < 0.5 else (end[0], start[1])
    for one in (start, end):
        top, left = np.minimum(one, corner) - lane // 2
        bottom, right = np.maximum(one, corner) - lane // 2 + lane
        free[max(0, top) : bottom, max(0, left) : right] = True


def _carve_rooms(
    free: Mask, rooms: list[Room], pairs: Edges, knobs: dict, rng: np.random.Generator
) -> tuple[list[Room], NDArray[np.bool_]]:
    """Carve rooms, but some of those with one way in, so that the share of free cells is that asked for.

    Args:
        pairs: the rooms that a way joins [E, 2].

    Returns:
        the rooms carved, and which of the ways still lead from one of them to another [E].
    """
    cells = [
        np.ones((room.height, room.width), bool)
        if room.corridor or rng.random() >= knobs["uneven"]
        else outline(room, rng)
        for room in rooms
    ]
    areas = np.array([part.sum() for part in cells])
    fixed = np.array([room.corridor for room in rooms])
    # The ways between the rooms take a little of the map too.
    kept, built = pruned(areas, pairs, areas.sum() - (knobs["free"] - 0.02) * free.size, fixed, rng)
    for index in np.flatnonzero(kept).tolist():
        room = rooms[index]
        free[room.top : room.bottom, room.left : room.right] |= cells[index]
    return [room for room, keep in zip(rooms, kept, strict=True) if keep], built

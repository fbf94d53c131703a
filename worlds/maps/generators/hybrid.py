"""Rooms and corridors: a floor divided unevenly, rooms of many outlines, pillars and blocks inside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from pilotfish.worlds.maps.generators.carving import (
    Mask,
    exploration_map,
    place_block,
    roughen,
    tidy,
)
from pilotfish.worlds.maps.generators.floor_plan import Measures, Room, divide, doors
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class HybridParams(MapParams):
    """Knobs of a map of rooms and corridors [cells]; maps smaller than 200 cells have everything smaller.

    room_size: rooms with an edge up to about this are not divided further.
    corridors: how often the floor is halved by a corridor before walls divide it.
    corridor_width: widest corridor; each is 12 to this wide.
    wall: thickest wall; each is 4 to this thick.
    door_width: widest door; each is 8 to this wide.
    loops: share of the possible doors that are built beyond the tree that joins all rooms.
    uneven: share of the rooms that are no rectangles, or smaller than their part of the floor.
    missing: share of the rooms that are solid.
    furniture: share of the rooms with pillars or blocks.
    rough: how far walls waver.
    """

    height: int = 500
    width: int = 500
    room_size: int | None = None
    corridors: int | None = None
    corridor_width: int | None = None
    wall: int | None = None
    door_width: int | None = None
    loops: float | None = None
    uneven: float | None = None
    missing: float | None = None
    furniture: float | None = None
    rough: float | None = None

    SMALLEST: ClassVar = 12
    ALLOWED: ClassVar = {
        "room_size": (50, 500), "corridors": (0, 4), "corridor_width": (12, 40), "wall": (4, 24),
        "door_width": (8, 20), "loops": (0.0, 0.5), "uneven": (0.0, 1.0), "missing": (0.0, 0.5),
        "furniture": (0.0, 1.0), "rough": (0.0, 3.0),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "room_size": (60, 110), "corridors": (1, 2, 2, 3, 3), "corridor_width": (14, 24), "wall": (6, 16),
        "door_width": (10, 20), "loops": (0.02, 0.25), "uneven": (0.2, 0.8), "missing": (0.0, 0.25),
        "furniture": (0.1, 0.7), "rough": (0.0, 0.0, 0.0, 1.0, 2.0),
    }  # fmt: skip


def make_hybrid(params: HybridParams, rng: np.random.Generator) -> GridMap:
    """A connected map of rooms and corridors inside a border of wall, with one blob of starts."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    size = (params.height, params.width)
    scale = min(1.0, min(size) / 200)
    border = max(1, round(5 * scale))

    def cells(low: float, high: float) -> tuple[int, int]:
        return max(1, round(scale * low)), max(1, round(scale * high))

    room = cells(max(30, 0.45 * knobs["room_size"]), knobs["room_size"])
    measures = Measures(
        room=(max(3, room[0]), max(6, room[1])),
        corridor=cells(12, knobs["corridor_width"]),
        wall=cells(4, knobs["wall"]),
        door=cells(8, knobs["door_width"]),
        corridors=knobs["corridors"],
    )
    inset = round(8 * scale)
    rooms = [
        part
        if part.corridor or rng.random() > knobs["uneven"]
        else _shrunk(part, inset, measures.room[0] // 2, rng)
        for part in divide(*size, border, measures, rng)
    ]
    there = [room.corridor or rng.random() >= knobs["missing"] for room in rooms]
    rooms = [room for room, keep in zip(rooms, there, strict=True) if keep] or rooms[:1]
    free = np.zeros(size, bool)
    for part in rooms:
        outline = "rectangle" if part.corridor or rng.random() > knobs["uneven"] else None
        free[part.top : part.bottom, part.left : part.right] |= _outline(part, outline, rng)
    for door in doors(rooms, measures.wall[1] + 2 * inset, measures, knobs["loops"], rng):
        free[slice(*sorted(door.rows)), slice(*sorted(door.columns))] = True
    for part in rooms:
        if not part.corridor and rng.random() < knobs["furniture"]:
            _furnish(free, part, scale, rng)
    free = roughen(free, scale * knobs["rough"], max(2.0, 8 * scale), rng)
    free = tidy(free, max(1, round(6 * scale)), max(1, round(4 * scale)), border)
    return exploration_map("hybrid", free, rng, edge=max(2, round(16 * min(1, 2 * scale))))


def _shrunk(part: Room, inset: int, smallest: int, rng: np.random.Generator) -> Room:
    """The room with walls moved in by up to `inset`, but no smaller than `smallest`."""
    vertical = min(inset, max(0, (part.height - smallest) // 2))
    horizontal = min(inset, max(0, (part.width - smallest) // 2))
    top, bottom = rng.integers(0, vertical + 1, 2)
    left, right = rng.integers(0, horizontal + 1, 2)
    return replace(
        part,
        top=part.top + int(top),
        bottom=part.bottom - int(bottom),
        left=part.left + int(left),
        right=part.right - int(right),
    )


def _outline(part: Room, kind: str | None, rng: np.random.Generator) -> Mask:
    """The room's cells in its rectangle [height, width]; of any kind for None. All hold both middle lines."""
    kind = kind or str(rng.choice(["L", "L", "bay", "oval", "cut"]))
    row = (np.arange(part.height)[:, None] + 0.5) / part.height
    column = (np.arange(part.width)[None] + 0.5) / part.width
    if rng.random() < 0.5:
        row = row[::-1]
    if rng.random() < 0.5:
        column = column[:, ::-1]
    depth, breadth = rng.uniform(0.2, 0.42, 2)
    if kind == "L":  # without a corner
        return (row > depth) | (column > breadth)
    if kind == "bay":  # without two corners of one side
        if rng.random() < 0.5:
            return (row > depth) | (np.abs(column - 0.5) < 0.5 - breadth / 2)
        return (column > breadth) | (np.abs(row - 0.5) < 0.5 - depth / 2)
    if kind == "oval":
        return np.abs(2 * row - 1) ** 2.5 + np.abs(2 * column - 1) ** 2.5 <= 1
    if kind == "cut":  # corners cut off at an angle
        return np.abs(row - 0.5) + np.abs(column - 0.5) < 1 - depth / 1.3
    return np.ones((part.height, part.width), bool)


def _furnish(free: Mask, part: Room, scale: float, rng: np.random.Generator) -> None:
    """Pillars in rows, one large block, or a few scattered ones, each with a way around it."""
    gap = max(1, round(9 * scale))
    kind = rng.choice(["rows", "core", "scattered"])
    if kind == "rows":
        edge = max(1, round(scale * rng.uniform(4, 9)))
        pitch = edge + 2 * gap + int(rng.integers(0, gap + 1))
        block = np.ones((edge, edge), bool)
        for top in range(part.top + gap, part.bottom - gap - edge + 1, pitch):
            for left in range(part.left + gap, part.right - gap - edge + 1, pitch):
                place_block(free, block, top, left, gap)
        return
    for _ in range(1 if kind == "core" else int(rng.integers(3, 10))):
        share = rng.uniform(0.3, 0.8, 2) if kind == "core" else rng.uniform(0.08, 0.35, 2)
        room = np.array([part.height, part.width]) - 2 * gap
        edges = np.maximum(np.rint(share * room), max(1, round(4 * scale))).astype(int)
        if (edges > room).any():
            continue
        top, left = (np.array([part.top, part.left]) + gap + rng.integers(0, room - edges + 1)).tolist()
        place_block(free, np.ones(edges, bool), top, left, gap)

"""Outlines of rooms that are not plain rectangles, and what stands inside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pilotfish.worlds.maps.generators.carving import Mask, place_block
from pilotfish.worlds.maps.generators.floor_plan import Room


def shrunk(room: Room, inset: int, smallest: int, rng: np.random.Generator) -> Room:
    """The room with each wall moved in by up to `inset`, but no smaller than `smallest` [cells]."""
    vertical = max(0, min(inset, (room.height - smallest) // 2))
    horizontal = max(0, min(inset, (room.width - smallest) // 2))
    top, bottom = rng.integers(0, vertical + 1, 2).tolist()
    left, right = rng.integers(0, horizontal + 1, 2).tolist()
    return replace(
        room,
        top=room.top + top,
        bottom=room.bottom - bottom,
        left=room.left + left,
        right=room.right - right,
    )


def outline(room: Room, rng: np.random.Generator) -> Mask:
    """The cells of an uneven room in its rectangle [height, width]; all outlines hold both middle lines."""
    row = (np.arange(room.height)[:, None] + 0.5) / room.height
    column = (np.arange(room.width)[None] + 0.5) / room.width
    if rng.random() < 0.5:
        row = row[::-1]
    if rng.random() < 0.5:
        column = column[:, ::-1]
    depth, breadth = rng.uniform(0.2, 0.42, 2)
    kind = rng.choice(["L", "L", "T", "oval", "octagon"])
    if kind == "L":  # without a corner
        return (row > depth) | (column > breadth)
    if kind == "T":  # without two corners of one side
        if rng.random() < 0.5:
            return (row > depth) | (np.abs(column - 0.5) < 0.5 - breadth / 2)
        return (column > breadth) | (np.abs(row - 0.5) < 0.5 - depth / 2)
    if kind == "oval":
        return np.abs(2 * row - 1) ** 2.5 + np.abs(2 * column - 1) ** 2.5 <= 1
    return np.abs(row - 0.5) + np.abs(column - 0.5) < 1 - depth / 1.3


def furnish(free: Mask, room: Room, scale: float, rng: np.random.Generator) -> None:
    """Pillars in rows, one large block, or a few scattered ones, each with a way of 9 cells around it.

    Args:
        free: the whole map [height, width]; changed in place.
        scale: of all lengths but the room's; 1 on maps that are not small.
    """
    gap = max(1, round(9 * scale))
    corner, spare = np.array([room.top, room.left]) + gap, np.array([room.height, room.width]) - 2 * gap
    kind = rng.choice(["rows", "core", "scattered"])
    if kind == "rows":
        edge = max(1, round(scale * rng.uniform(4, 9)))
        pitch = edge + 2 * gap + int(rng.integers(0, 2 * gap + 1))
        block = np.ones((edge, edge), bool)
        margin = np.maximum(0, spare - edge) % pitch // 2  # rows stand in the middle of the room
        for top in range(corner[0] + margin[0], corner[0] + spare[0] - edge + 1, pitch):
            for left in range(corner[1] + margin[1], corner[1] + spare[1] - edge + 1, pitch):
                place_block(free, block, top, left, gap)
        return
    for _ in range(1 if kind == "core" else int(rng.integers(3, 10))):
        share = rng.uniform(0.3, 0.75, 2) if kind == "core" else rng.uniform(0.08, 0.35, 2)
        edges = np.maximum(np.rint(share * spare), max(1, round(4 * scale))).astype(int)
        if (edges > spare).any():
            continue
        top, left = (corner + rng.integers(0, spare - edges + 1)).tolist()
        place_block(free, np.ones(edges, bool), top, left, gap)

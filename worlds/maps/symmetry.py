"""Maps that are the same when turned or mirrored: tests must not hold a training map in disguise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from pilotfish.worlds.maps.grid_map import GridMap


def canonical_hash(grid: GridMap) -> str:
    """A hash of the walls (hex digits) that a map shares with its turns by quarters and its mirror images.

    Starts, goals, metres and the name do not count.
    """
    turned = [np.rot90(walls, turns) for walls in (grid.walls, grid.walls.T) for turns in range(4)]
    return min(
        hashlib.sha256(f"{walls.shape}".encode() + np.packbits(walls).tobytes()).hexdigest()
        for walls in turned
    )


def deduplicate(grids: Iterable[GridMap]) -> list[GridMap]:
    """The maps in their order, without those that are an earlier one, turned or mirrored."""
    first: dict[str, GridMap] = {}
    for grid in grids:
        first.setdefault(canonical_hash(grid), grid)
    return list(first.values())

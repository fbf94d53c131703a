"""Where the robots of a team with bodies stand at first: close together, apart from walls and each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.grid_map import GridMap

GAP = 0.15
"""Room between two robots, and between a robot and a wall [m]."""


def team_starts(grid: GridMap, robots: int, radius: float, seed: int = 0) -> NDArray[np.int32]:
    """int32 [robots] cells around one place: the middle of the map's starts, else one drawn from the seed.

    Cells are taken in order of the way from that place, so nobody starts behind a wall.

    Args:
        radius: of a robot [m].

    Raises:
        ValueError: so many robots do not fit in there.
    """
    if robots < 1:
        raise ValueError(f"a team has at least one robot, got {robots}")
    # From a cell's centre to the nearest wall cell's centre; its edge is half a cell nearer.
    clear = ndimage.distance_transform_edt(np.pad(~grid.walls, 1))[1:-1, 1:-1] - 0.5
    room = clear * grid.resolution >= radius + GAP
    parts, _ = ndimage.label(room)
    first = _first(grid, room, parts, np.random.default_rng([seed, 0x57A27]))
    rows, cols = np.nonzero(parts == parts.ravel()[first])
    way = np.hypot(rows - first // grid.width, cols - first % grid.width)
    order = np.argsort(way, kind="stable")
    spacing = (2 * radius + GAP) / grid.resolution
    taken: list[int] = []
    places = np.stack([rows, cols], axis=-1)
    for index in order:
        if all(np.hypot(*(places[index] - places[other])) >= spacing for other in taken):
            taken.append(int(index))
            if len(taken) == robots:
                return (places[taken] @ [grid.width, 1]).astype(np.int32)
    raise ValueError(
        f"map {grid.name!r}: only {len(taken)} of {robots} robots of {radius} m fit around their start"
    )


def _first(grid: GridMap, room: NDArray[np.bool_], parts: NDArray[np.int32], rng: np.random.Generator) -> int:
    """Cell of the first robot."""
    if not room.any():
        raise ValueError(f"map {grid.name!r} has no place for a robot, {GAP} m from the walls")
    if grid.starts is not None:
        candidates = grid.starts[room.ravel()[grid.starts]]
        if len(candidates):
            rows, cols = np.divmod(candidates, grid.width)
            return int(candidates[np.argmin(np.hypot(rows - rows.mean(), cols - cols.mean()))])
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return int(rng.choice(np.flatnonzero(parts.ravel() == sizes.argmax())))

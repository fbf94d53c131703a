"""Lattice mazes: walls that grow along the odd coordinates, in one connected free space.

Every wall starts at a lattice point (odd row and column, or the map's border) and grows over lattice
points that nothing occupies yet, so the walls are a forest rooted at the border or at a point of its
own: no wall encloses a cell, and all free cells are connected by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class MazeParams(MapParams):
    """Knobs of a maze.

    wall_length: how many steps (of two cells) each wall tries to grow.
    density: share of the lattice points that walls cover; 0.6-1 gives maps of 27-43 % wall.
    straightness: probability that a wall keeps its direction at a step.
    """

    height: int = 65
    width: int = 65
    wall_length: int | None = None
    density: float | None = None
    straightness: float | None = None

    ALLOWED: ClassVar = {"wall_length": (1, 1000), "density": (0.0, 1.0), "straightness": (0.0, 1.0)}
    DRAWN: ClassVar = {"wall_length": (2, 8), "density": (0.6, 1.0), "straightness": (0.0, 0.0, 0.2, 0.5)}


@njit(cache=True)
def _grow(lattice, walls, starts, turns, straight, target):
    """Grow walls until they cover `target` lattice points.

    lattice [M, N] has a border ring that is occupied (True); walls [H, W] is written. Wall k starts at
    the flat lattice index starts[k] and steps by the directions turns [K, length], or in the last
    step's direction where straight [K, length].
    """
    d_row, d_col = (-1, 1, 0, 0), (0, 0, -1, 1)
    height, width = walls.shape
    covered = 0
    for k in range(starts.shape[0]):
        row, col = divmod(starts[k], lattice.shape[1])
        border = row == 0 or col == 0 or row == lattice.shape[0] - 1 or col == lattice.shape[1] - 1
        if covered >= target or (lattice[row, col] and not border):
            continue
        if not border:
            lattice[row, col] = True
            walls[2 * row - 1, 2 * col - 1] = True
            covered += 1
        last = turns[k, 0]
        for step in range(turns.shape[1]):
            first = last if straight[k, step] else turns[k, step]
            for turn in range(4):  # the first direction that is not taken
                direction = (first + turn) % 4
                next_row, next_col = row + d_row[direction], col + d_col[direction]
                inside = 0 <= next_row < lattice.shape[0] and 0 <= next_col < lattice.shape[1]
                if inside and not lattice[next_row, next_col]:
                    break
            else:
                break
            lattice[next_row, next_col] = True
            walls[2 * next_row - 1, 2 * next_col - 1] = True
            covered += 1
            link_row, link_col = row + next_row - 1, col + next_col - 1
            if 0 <= link_row < height and 0 <= link_col < width:
                walls[link_row, link_col] = True
            row, col, last = next_row, next_col, direction


def make_maze(params: MazeParams, rng: np.random.Generator) -> GridMap:
    """A connected maze. Even sizes get one more open row or column, on a side that the seed chooses."""
    length, density = params.draw("wall_length", rng), params.draw("density", rng)
    straightness = params.draw("straightness", rng)
    rows, columns = (params.height - 1) // 2, (params.width - 1) // 2  # lattice points inside the border
    lattice = np.ones((rows + 2, columns + 2), bool)
    lattice[1:-1, 1:-1] = False
    starts = rng.permutation(lattice.size)
    turns = rng.integers(0, 4, (lattice.size, length))
    straight = rng.random((lattice.size, length)) < straightness

    walls: NDArray[np.bool_] = np.zeros((params.height, params.width), bool)
    _grow(lattice, walls, starts, turns, straight, round(density * rows * columns))
    flips = rng.random(2) < 0.5
    walls = walls[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
    return GridMap("maze", np.ascontiguousarray(walls))

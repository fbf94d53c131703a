"""The laser of a simulated explorer: what a scan adds to a robot's map."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK, FREE, OCCUPIED, UNKNOWN

RAYS = 720
RANGE = 80
"""[px]"""


@lru_cache(maxsize=4)
def ray_table(rays: int = RAYS, reach: int = RANGE) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Pixels of every ray as steps from the sensor: int16 [rays, reach + 1, 2], and lengths int16 [rays].

    A ray is Bresenham's line to a point on the circle.
    """
    angles = np.arange(rays) * (2 * np.pi / rays)
    ends = np.rint(reach * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(int)
    steps = np.zeros((rays, reach + 1, 2), np.int16)
    lengths = np.zeros(rays, np.int16)
    for ray, (row, col) in enumerate(ends):
        count = max(abs(row), abs(col))
        line = np.rint(np.arange(count + 1)[:, None] * np.array([row, col]) / count).astype(np.int16)
        steps[ray, : count + 1] = line
        lengths[ray] = count + 1
    return steps, lengths


@njit(cache=True)
def scan(walls, steps, lengths, row, col, pixels, known, free, dirty):
    """Look around from a pixel and write what is seen into a map.

    Args:
        walls: bool [H, W] the true world.
        steps, lengths: of ``ray_table``.
        row, col: pixel of the sensor.
        pixels, known, free, dirty: of the map, as in ``blocks.merge_map``; updated.

    Returns: free pixels that are new to the map.
    """
    height, width = walls.shape
    found = 0
    for ray in range(len(lengths)):
        for k in range(lengths[ray]):
            r, c = row + steps[ray, k, 0], col + steps[ray, k, 1]
            if r < 0 or r >= height or c < 0 or c >= width:
                break
            wall = walls[r, c]
            if pixels[r, c] == UNKNOWN:
                i, j = r // BLOCK, c // BLOCK
                pixels[r, c] = OCCUPIED if wall else FREE
                known[i, j] += 1
                dirty[i, j] = True
                if not wall:
                    free[i, j] += 1
                    found += 1
            if wall:
                break
    return found

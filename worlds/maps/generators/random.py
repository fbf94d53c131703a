"""Independent random obstacles; dense ones fall apart into several components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class RandomParams(MapParams):
    """density: probability that a cell is wall."""

    height: int = 20
    width: int = 20
    density: float | None = None

    ALLOWED: ClassVar = {"density": (0.0, 0.9)}
    DRAWN: ClassVar = {"density": (0.0, 0.4)}
    SMALLEST: ClassVar = 2


def make_random(params: RandomParams, rng: np.random.Generator) -> GridMap:
    """A map whose cells are wall independently of each other (one pair is kept free)."""
    density = params.draw("density", rng)
    walls = rng.random((params.height, params.width)) < density
    walls[params.height // 2, params.width // 2 - 1 : params.width // 2 + 1] = False
    return GridMap("random", walls)

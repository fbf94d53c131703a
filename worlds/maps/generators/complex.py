"""Cave complexes: winding tunnels of varying width between chambers, with pillars, loops and dead ends.

A field of depths (how far inside of the nearest tunnel a cell lies) is carved along winding paths; noise
on it makes the walls ragged. The middle of a tunnel is deeper than the noise is high, so nothing closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.generators.carving import (
    Floats,
    Mask,
    along,
    carve,
    exploration_map,
    noise,
    place_block,
    tidy,
    wander,
)
from pilotfish.worlds.maps.generators.networks import joined, neighbours, scattered, thinned
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class ComplexParams(MapParams):
    """Knobs of a cave complex [cells]; caves smaller than 200 cells have everything smaller.

    tunnel_width: mean width of a tunnel, which varies by half along it.
    spacing: mean distance between two junctions, in tunnel widths.
    winding: how far tunnels stray sideways, as a share of their length.
    loops: share of the possible ways that are built beyond the tree that joins all junctions.
    dead_ends: side tunnels that lead nowhere, a junction.
    chambers: share of the junctions that widen to a chamber; islands: pillars, a chamber.
    gaps: share of the junctions left out, where rock stays whole.
    ragged: how far walls stray from the tunnels' outlines.
    free: share of free cells, as near as tunnel widths allow.
    """

    height: int = 1000
    width: int = 1000
    spacing: float | None = None
    tunnel_width: float | None = None
    winding: float | None = None
    loops: float | None = None
    dead_ends: float | None = None
    chambers: float | None = None
    islands: float | None = None
    gaps: float | None = None
    ragged: float | None = None
    free: float | None = None

    SMALLEST: ClassVar = 12
    ALLOWED: ClassVar = {
        "spacing": (2.0, 20.0), "tunnel_width": (15.0, 50.0), "winding": (0.0, 0.5), "loops": (0.0, 1.0),
        "dead_ends": (0.0, 2.0), "chambers": (0.0, 1.0), "islands": (0.0, 9.0), "gaps": (0.0, 0.5),
        "ragged": (0.0, 6.0), "free": (0.2, 0.6),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "spacing": (3.5, 4.7), "tunnel_width": (20.0, 28.0), "winding": (0.08, 0.3),
        "loops": (0.03, 0.2), "dead_ends": (0.0, 0.4), "chambers": (0.06, 0.3), "islands": (1.0, 5.0),
        "gaps": (0.0, 0.2), "ragged": (2.0, 6.0), "free": (0.36, 0.46),
    }  # fmt: skip


def make_complex(params: ComplexParams, rng: np.random.Generator) -> GridMap:
    """A connected cave complex inside a border of wall, with one blob of starts."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    size = (params.height, params.width)
    scale = min(1.0, min(size) / 200)
    ragged = scale * knobs["ragged"]
    narrowest = max(7.5 * scale, ragged + 6 * scale)  # half a width that raggedness does not close
    width = max(scale * knobs["tunnel_width"], 2 * narrowest)
    spacing = width * knobs["spacing"]
    border = max(1, round(5 * scale))
    reach = 8 * scale + 1
    depth = np.full(size, -reach, np.float32)
    points = scattered(*size, spacing, border + 0.8 * width, rng)
    points = points[thinned(points, size, 2.5 * spacing, knobs["gaps"], rng)]
    pairs = neighbours(points, 3 * spacing)
    pairs = pairs[joined(len(points), pairs, rng.uniform(0.1, 1, len(pairs)), knobs["loops"], rng)]
    paths = [points[pair] for pair in pairs] + _stubs(points, spacing, knobs["dead_ends"], rng)
    for ends in paths:
        path = _wind(ends, knobs["winding"], spacing, rng)
        path = np.clip(path, border + width / 2, np.array(size) - 1 - border - width / 2)
        radii = width / 2 * (1 + 0.5 * wander(len(path), round(len(path) * 3 / spacing) + 1, rng))
        carve(depth, path, np.clip(radii, narrowest, 25 * scale), reach)
    widened = rng.random(len(points)) < knobs["chambers"]
    widened[rng.integers(len(points))] = True  # no cave is without a chamber
    centres = points[widened]
    for centre in centres:
        _chamber(depth, centre, scale * rng.uniform(25, 75), reach, rng)
    # Chambers and tunnels end before the border, and raggedly.
    row, column = np.ogrid[: size[0], : size[1]]
    inward = np.minimum(np.minimum(row, size[0] - 1 - row), np.minimum(column, size[1] - 1 - column))
    np.minimum(depth, inward - border, out=depth, casting="unsafe")
    depth += ragged * (noise(size, max(1, 16 * scale), rng) + 0.5 * noise(size, max(1, 6 * scale), rng)) / 1.5
    level = np.clip(np.quantile(depth[::3, ::3], 1 - knobs["free"]), -0.6 * reach, 1.5 * scale)
    free = tidy(depth > level, max(2, round(8 * scale)), max(1, round(4 * scale)), border)
    _add_islands(free, centres, knobs["islands"], spacing, scale, rng)
    return exploration_map("complex", free, rng, edge=max(2, round(16 * min(1, 2 * scale))))


def _stubs(points: Floats, spacing: float, share: float, rng: np.random.Generator) -> list[Floats]:
    """Dead ends: (from, to) [2, 2] in any direction from some junctions."""
    roots = points[rng.integers(0, len(points), rng.poisson(share * len(points)))]
    angles = rng.uniform(0, 2 * np.pi, len(roots))
    lengths = spacing * rng.uniform(0.45, 0.9, len(roots))
    tips = roots + lengths[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return [np.stack(ends) for ends in zip(roots, tips, strict=True)]


def _wind(ends: Floats, winding: float, spacing: float, rng: np.random.Generator) -> Floats:
    """Points [N, 2] along a winding way between two ends."""
    straight = along(ends, 2.0)
    step = ends[1] - ends[0]
    sideways = np.array([-step[1], step[0]])
    bends = 2 + round(2 * np.hypot(*step) / spacing)
    stray = winding * wander(len(straight), bends, rng) * np.sin(np.linspace(0, np.pi, len(straight))) ** 0.5
    return along(straight + stray[:, None] * sideways, 2.5)


def _chamber(
    depth: NDArray[np.float32], centre: Floats, radius: float, reach: float, rng: np.random.Generator
) -> None:
    """A chamber: a few overlapping discs."""
    count = rng.integers(2, 6)
    offsets = rng.normal(0, 0.4 * radius, (count, 2))
    offsets[0] = 0
    carve(depth, centre + offsets, radius * rng.uniform(0.45, 0.8, count), reach)


def _add_islands(
    free: Mask, centres: Floats, islands: float, spacing: float, scale: float, rng: np.random.Generator
) -> None:
    """Pillars in the chambers, each with a way around it."""
    thinnest = np.ones((max(1, round(4 * scale)),) * 2, bool)
    for centre in centres:
        for _ in range(rng.poisson(islands)):
            edge = max(1, round(scale * rng.uniform(6, 26)))
            row, column = np.rint(centre + rng.normal(0, 0.3 * spacing, 2) - edge / 2).astype(int)
            offset = (np.arange(edge) - (edge - 1) / 2) / (edge / 2)
            away = np.hypot(offset[:, None], rng.uniform(1, 1.8) * offset)
            lumps = noise((edge, edge), max(1.0, edge / 3), rng)
            pillar = ndimage.binary_opening(away + 0.25 * lumps < 1, thinnest)
            place_block(free, pillar, row, column, max(1, round(10 * scale)))

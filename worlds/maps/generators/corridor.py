"""Long networks of corridors, straight or bent, with loops, dead ends and a few small rooms.

Corridors run along the lines of a lattice (straight, bent, slanted, in rings, or scattered); which parts
of it are built decides a tree that prefers to go on straight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.generators.carving import (
    Floats,
    along,
    carve,
    exploration_map,
    roughen,
    tidy,
    wander,
)
from pilotfish.worlds.maps.generators.networks import Edges, joined, neighbours, scattered, thinned
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class CorridorParams(MapParams):
    """Knobs of a network of corridors [cells]; maps smaller than 160 cells have everything smaller.

    layout: straight corridors at right angles, bent ones, curved ones, a slanted lattice, rings with
        spokes, or scattered junctions.
    corridor_width: mean width; each corridor has its own, 12 to 24.
    free: share of free cells, roughly; it sets how far apart corridors run.
    straightness: how much corridors prefer to go on in their direction.
    loops: share of the possible ways that are built beyond the tree that joins all junctions.
    dead_ends: share of the dead ends that stay.
    rooms: small rooms, in 10 000 cells.
    gaps: share of the area that no corridor reaches.
    rough: how far walls waver.
    """

    height: int = 480
    width: int = 640
    layout: str | None = None
    corridor_width: float | None = None
    free: float | None = None
    straightness: float | None = None
    loops: float | None = None
    dead_ends: float | None = None
    rooms: float | None = None
    gaps: float | None = None
    rough: float | None = None

    SMALLEST: ClassVar = 12
    ALLOWED: ClassVar = {
        "layout": {"straight", "bent", "curved", "slanted", "rings", "scattered"},
        "corridor_width": (12.0, 24.0), "free": (0.1, 0.5), "straightness": (0.0, 1.0),
        "loops": (0.0, 1.0), "dead_ends": (0.0, 1.0), "rooms": (0.0, 2.0), "gaps": (0.0, 0.5),
        "rough": (0.0, 3.0),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "layout": ("straight", "straight", "bent", "curved", "slanted", "rings", "scattered"),
        "corridor_width": (13.0, 18.0), "free": (0.28, 0.38), "straightness": (0.2, 0.9),
        "loops": (0.02, 0.25), "dead_ends": (0.3, 1.0), "rooms": (0.05, 0.3), "gaps": (0.0, 0.12),
        "rough": (0.0, 0.0, 0.0, 1.0, 2.0),
    }  # fmt: skip


def make_corridor(params: CorridorParams, rng: np.random.Generator) -> GridMap:
    """A connected network of corridors inside a border of wall, with one blob of starts."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    layout, size = knobs["layout"], (params.height, params.width)
    scale = min(1.0, min(size) / 160)
    width = scale * knobs["corridor_width"]
    pitch = width * max(1.7, _pitch(knobs))
    border = max(1, round(4 * scale))
    margin = border + 0.75 * width
    points, pairs, lines = _lattice(layout, size, pitch, margin, rng)
    points, pairs, lines = _subset(
        points, pairs, lines, thinned(points, size, 2.5 * pitch, knobs["gaps"], rng)
    )
    weights = 0.05 + rng.random(len(pairs)) * (1 - knobs["straightness"])
    weights += knobs["straightness"] * rng.random(lines.max(initial=0) + 1)[lines]
    built = joined(len(points), pairs, weights, knobs["loops"], rng)
    pairs, lines = pairs[built], lines[built]
    kept = _without_ends(len(points), pairs, 1 - knobs["dead_ends"], rng)
    pairs, lines = pairs[kept], lines[kept]

    depth = np.full(size, -1, np.float32)
    widths = np.clip(width * rng.uniform(0.8, 1.35, lines.max(initial=0) + 1), 12 * scale, 24 * scale)
    square = layout == "straight"
    for pair, line in zip(pairs, lines, strict=True):
        path = along(points[pair], 2.0)
        if layout == "curved":
            path = np.clip(_curve(path, rng), margin, np.array(size) - 1 - margin)
        carve(depth, path, max(widths[line] / 2, 1.0), square=square)
    roomy = points[np.unique(pairs)] if len(pairs) else points[:1]
    count = max(1, rng.poisson(knobs["rooms"] * params.height * params.width / 10_000 / scale**2))
    for centre in roomy[rng.permutation(len(roomy))[:count]]:
        radius = scale * rng.uniform(12, 22)
        carve(depth, centre + rng.uniform(-4, 4, (2, 2)) * scale, radius, square=square or rng.random() < 0.5)
    free = roughen(depth > 0, scale * knobs["rough"], max(2.0, 9 * scale), rng)
    free = tidy(free, max(2, round(7 * scale)), max(1, round(4 * scale)), border)
    return exploration_map("corridor", free, rng, edge=max(2, round(16 * min(1, 2 * scale))))


def _pitch(knobs: dict) -> float:
    """Distance of two parallel corridors [corridor widths] that gives about the share of free cells."""
    longer = {"curved": 1.15, "scattered": 1.0, "rings": 0.75, "slanted": 0.9}.get(knobs["layout"], 1.05)
    ways = (1 + 0.8 * knobs["loops"]) * (0.8 + 0.2 * knobs["dead_ends"]) * (1 - knobs["gaps"])
    return longer * ways / knobs["free"]


def _lattice(
    layout: str, size: tuple[int, int], pitch: float, margin: float, rng: np.random.Generator
) -> tuple[Floats, Edges, NDArray[np.int64]]:
    """Junctions [N, 2], the pairs [E, 2] that may be joined, and the line that each pair is a part of [E]."""
    if layout == "scattered":
        points = scattered(*size, pitch, margin, rng)
        pairs = neighbours(points, 2 * pitch)
        return points, pairs, np.arange(len(pairs))
    if layout == "rings":
        return _rings(size, pitch, margin, rng)
    if layout == "slanted":
        radius = np.hypot(*size) / 2
        spots, pairs, lines = _grid((2 * radius, 2 * radius), pitch, 0.0, rng)
        turn = np.deg2rad(rng.uniform(12, 78))
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = (spots - radius) @ spin + np.array(size) / 2
        inside = _inside(points, size, margin)
        if not inside.any():
            return np.array([size]) / 2, pairs[:0], lines[:0]
        return _subset(points, pairs, lines, inside)
    points, pairs, lines = _grid(size, pitch, margin, rng)
    if layout != "straight":
        points = points + rng.uniform(-0.22, 0.22, points.shape) * pitch
        points = np.clip(points, margin, np.array(size) - 1 - margin)
    return points, pairs, lines


def _grid(
    size: tuple[float, float], pitch: float, margin: float, rng: np.random.Generator
) -> tuple[Floats, Edges, NDArray[np.int64]]:
    """A lattice of lines at uneven distances, about `pitch`."""
    axes = []
    for length in size:
        count = max(1, round((length - 2 * margin) / pitch) + 1)
        steps = np.cumsum(np.r_[0, rng.uniform(0.75, 1.35, count - 1)])
        span = length - 1 - 2 * margin
        axes.append(margin + (steps / steps[-1] * span if count > 1 else np.array([span / 2])))
    rows, columns = len(axes[0]), len(axes[1])
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    index = np.arange(rows * columns).reshape(rows, columns)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    down = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    lines = np.r_[np.repeat(np.arange(rows), columns - 1), rows + np.tile(np.arange(columns), rows - 1)]
    return points, np.vstack([across, down]), lines


def _rings(
    size: tuple[int, int], pitch: float, margin: float, rng: np.random.Generator
) -> tuple[Floats, Edges, NDArray[np.int64]]:
    """Rings around a place, joined by spokes; what lies outside of the map is left out."""
    centre = np.array(size) * rng.uniform(0.25, 0.75, 2)
    points, pairs, lines, inner = [centre[None]], [], [], np.array([0])
    total = 1
    for ring in range(1, int(np.hypot(*size) / pitch) + 2):
        count = max(4, round(2 * np.pi * ring * rng.uniform(0.6, 0.9)))
        angle = 2 * np.pi * (np.arange(count) / count + rng.random())
        outer = total + np.arange(count)
        points.append(centre + ring * pitch * np.stack([np.sin(angle), np.cos(angle)], axis=1))
        pairs.append(np.stack([outer, np.roll(outer, -1)], axis=1))
        lines.append(np.full(count, ring))
        known = np.vstack(points)
        away = np.hypot(*(known[outer, None] - known[None, inner]).transpose(2, 0, 1))
        pairs.append(np.stack([inner[away.argmin(axis=1)], outer], axis=1))
        lines.append(1000 + outer)
        total, inner = total + count, outer
    spots = np.vstack(points)
    inside = _inside(spots, size, margin)
    return _subset(spots, np.vstack(pairs), np.concatenate(lines), inside)


def _inside(points: Floats, size: tuple[int, int], margin: float) -> NDArray[np.bool_]:
    """Which points [N] are `margin` or more from the edges of the map."""
    last = np.array(size) - 1 - margin
    return np.all((points >= margin) & (points <= last), axis=1)


def _subset(
    points: Floats, pairs: Edges, lines: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[Floats, Edges, NDArray[np.int64]]:
    """The lattice without the points that are not in `keep` [N]."""
    number = np.cumsum(keep) - 1
    whole = keep[pairs].all(axis=1)
    return points[keep], number[pairs[whole]], lines[whole]


def _without_ends(count: int, pairs: Edges, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which pairs [E] stay when a share of those that end at a junction of degree 1 goes, twice."""
    kept = np.ones(len(pairs), bool)
    for _ in range(2):
        degree = np.bincount(pairs[kept].ravel(), minlength=count)
        ends = kept & (degree[pairs] == 1).any(axis=1)
        if kept.sum() - ends.sum() < 2:
            break
        kept &= ~(ends & (rng.random(len(pairs)) < share))
    return kept


def _curve(path: Floats, rng: np.random.Generator) -> Floats:
    """The path, bent to one side or to both."""
    step = path[-1] - path[0]
    sideways = np.array([-step[1], step[0]])
    stray = rng.choice([-0.25, 0.25]) + 0.15 * wander(len(path), 2, rng)
    stray = stray * np.sin(np.linspace(0, np.pi, len(path)))
    return along(path + stray[:, None] * sideways, 2.0)

"""Crops of cities: blocks of buildings of many sizes, streets, avenues across them, squares, ponds.

Everything is a function of a cell's position in a street frame (turned and bent), evaluated for all
cells at once: which block it is in, how far from the block's edges, which lot of the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.grid_map import GridMap

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
SOLID, LOTS, COURTYARD, OPEN = range(4)


@dataclass(frozen=True)
class CityParams(MapParams):
    """Knobs of a city crop.

    block_size: mean edge of a block [cells]; streets: mean width of a street as a share of that.
    built: share of the blocks and lots that carry a building.
    turn: angle of the streets to the map's axes [degrees].
    bend: how far streets and outlines stray from straight lines [cells].
    avenues: number of avenues, rings and squares laid across the blocks.
    connected: 1 fills courtyards and other pockets that the streets do not reach.
    """

    block_size: float | None = None
    streets: float | None = None
    built: float | None = None
    turn: float | None = None
    bend: float | None = None
    avenues: int | None = None
    connected: int = 1

    SMALLEST: ClassVar = 8
    ALLOWED: ClassVar = {
        "block_size": (3.0, 200.0), "streets": (0.02, 0.9), "built": (0.1, 1.0),
        "turn": (-45.0, 45.0), "bend": (0.0, 20.0), "avenues": (0, 20), "connected": (0, 1),
    }  # fmt: skip
    DRAWN: ClassVar = {
        "block_size": (6.0, 18.0), "streets": (0.06, 0.28), "built": (0.75, 1.0),
        "turn": (0.0, 0.0, 0.0, 2.0, -3.0, 8.0, -14.0, 22.0, -30.0, 38.0, 45.0),
        "bend": (0.0, 0.0, 1.0, 2.0, 4.0), "avenues": (0, 1, 1, 2, 3),
    }  # fmt: skip


def make_city(params: CityParams, rng: np.random.Generator) -> GridMap:
    """A city crop; every free cell is reachable unless ``connected`` is 0."""
    for _ in range(20):
        walls = _crop(params, rng)
        if 0.15 < walls.mean() < 0.6:  # others are a bare square or one courtyard: look elsewhere
            break
    return GridMap("city", walls)


def _crop(params: CityParams, rng: np.random.Generator) -> Mask:
    """Walls of some part of some city."""
    knobs = {name: params.draw(name, rng) for name in params.DRAWN}
    row, column = np.indices((params.height, params.width), dtype=np.float64)
    street_width = max(1.3, knobs["streets"] * knobs["block_size"])
    turn = np.deg2rad(knobs["turn"])
    shift = rng.uniform(0, 1000, 2)
    smooth, rough = max(params.height, params.width) / 6, 1.2
    u = np.cos(turn) * column + np.sin(turn) * row + shift[0]
    v = np.cos(turn) * row - np.sin(turn) * column + shift[1]
    u += knobs["bend"] * (_noise(u.shape, smooth, rng) + 0.15 * _noise(u.shape, rough, rng))
    v += knobs["bend"] * (_noise(u.shape, smooth, rng) + 0.15 * _noise(u.shape, rough, rng))

    walls = _buildings(u, v, knobs["block_size"], street_width, knobs["built"], rng)
    if rng.random() < 0.25:  # a pond or a wood: a large shapeless obstacle
        walls |= _noise(walls.shape, smooth, rng) > rng.uniform(1.2, 2.0)
    for _ in range(knobs["avenues"]):
        walls &= ~_avenue(row, column, street_width, rng)
    walls = _without_specks(walls)
    return _without_pockets(walls) if params.connected else walls


def _noise(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Floats:
    """Smooth random field of zero mean and unit deviation whose hills are `scale` cells wide."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), scale, mode="reflect", truncate=2.5)
    return (field - field.mean()) / max(field.std(), 1e-9)


def _strips(
    position: Floats, block_size: float, street_width: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Cut an axis into strips of uneven width.

    Returns:
        each cell's strip, its distance from the strip's first edge and from its last one [cells], both
        measured from the kerb: negative on a street.
    """
    low, high = position.min() - 2 * block_size, position.max() + 2 * block_size
    count = int((high - low) / (0.5 * block_size)) + 2
    edges = low + np.cumsum(block_size * rng.uniform(0.5, 1.6, count))
    avenue = rng.random(count) < 0.15
    half = street_width * rng.uniform(0.6, 1.3, count) * np.where(avenue, 1.8, 1.0) / 2
    strip = np.clip(np.searchsorted(edges, position), 1, count - 1)
    after = position - edges[strip - 1] - half[strip - 1]
    before = edges[strip] - position - half[strip]
    return strip, after, before


def _buildings(
    u: Floats, v: Floats, block_size: float, street_width: float, built: float, rng: np.random.Generator
) -> Mask:
    """What stands on the blocks of the street frame (u, v)."""
    strip_u, left, right = _strips(u, block_size, street_width, rng)
    if rng.random() < 0.5:  # streets across that do not line up from strip to strip
        v = v + rng.uniform(0, block_size, strip_u.max() + 1)[strip_u]
    strip_v, above, below = _strips(v, block_size * rng.uniform(0.7, 1.5), street_width, rng)

    table = (strip_u.max() + 1, strip_v.max() + 1)  # everything below is drawn once a block

    def per_block(values: NDArray) -> NDArray:
        return values[strip_u, strip_v]

    kind = per_block(
        np.where(
            rng.random(table) > built, OPEN, rng.choice([SOLID, LOTS, COURTYARD], table, p=[0.5, 0.38, 0.12])
        )
    )
    setback = per_block(rng.choice([0.0, 0.0, 0.5, 1.0], table))
    edge = np.minimum(np.minimum(left, right), np.minimum(above, below)) - setback
    corner = np.minimum(left, right) + np.minimum(above, below)
    inside = (edge > 0) & (corner > per_block(rng.choice([0.0, 0.0, 2.0, 5.0], table)))

    lot_u, gap_u = _lots(left, right, per_block(rng.integers(1, 4, table)))
    lot_v, gap_v = _lots(above, below, per_block(rng.integers(1, 4, table)))
    lot_built = rng.random((*table, 3, 3))[strip_u, strip_v, lot_u, lot_v] < built
    alley = per_block(rng.random(table) < 0.5) & (np.minimum(gap_u, gap_v) < 0.6)
    gate = np.abs(left - right) < 2
    wing = per_block(rng.uniform(2, 5, table))
    stands = np.select(
        [kind == SOLID, kind == LOTS, kind == COURTYARD],
        [True, lot_built & ~alley, (edge < wing) & ~gate],
        default=False,
    )
    return inside & stands


def _lots(after: Floats, before: Floats, count: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Each cell's lot among `count` equal ones between the kerbs, and its distance to the next [cells]."""
    width = np.maximum(after + before, 1e-6)
    place = np.clip(after / width, 0, 1 - 1e-9) * count
    lot = place.astype(np.int64)
    inner = np.minimum(
        np.where(lot > 0, place - lot, np.inf), np.where(lot < count - 1, lot + 1 - place, np.inf)
    )
    return lot, inner * width / count


def _avenue(row: Floats, column: Floats, street_width: float, rng: np.random.Generator) -> Mask:
    """Cells of a straight avenue at any angle, of a ring road, or of a round square."""
    height, width = row.shape
    centre = rng.uniform(0, height), rng.uniform(0, width)
    half = street_width * rng.uniform(0.6, 1.2)
    shape = rng.choice(["avenue", "ring", "square"], p=[0.5, 0.25, 0.25])
    radius = np.hypot(row - centre[0], column - centre[1])
    if shape == "ring":
        return np.abs(radius - rng.uniform(0.3, 1.0) * min(height, width)) < half
    if shape == "square":
        monument = rng.choice([0.0, 1.5, 2.5])
        return (radius < rng.uniform(4, 9)) & (radius >= monument)
    angle = rng.uniform(0, np.pi)
    return np.abs(np.sin(angle) * (row - centre[0]) + np.cos(angle) * (column - centre[1])) < half


def _without_specks(walls: Mask, smallest: int = 3) -> Mask:
    """Without buildings of fewer than `smallest` cells, which no city map has at this scale."""
    labels, _ = ndimage.label(walls)
    area = np.bincount(labels.ravel())
    return walls & (area[labels] >= smallest)


def _without_pockets(walls: Mask) -> Mask:
    """With everything but the largest free component built over."""
    labels, count = ndimage.label(~walls)
    if count < 2:
        return walls
    area = np.bincount(labels.ravel())
    area[0] = 0
    return labels != area.argmax()

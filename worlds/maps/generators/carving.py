"""What exploration worlds share: strokes carved out of rock, ragged walls, a place to start."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.grid_map import GridMap

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

START_EDGE = 16
"""Edge of the square, or diameter of the disc, that robots start in [cells]."""


@njit(cache=True)
def _carve(depth, points, radii, reach, square):
    for index in range(len(points)):
        row, column, radius = points[index, 0], points[index, 1], radii[index]
        span = radius + reach
        first_row, last_row = max(0, int(np.ceil(row - span))), min(depth.shape[0] - 1, int(row + span))
        first, last = max(0, int(np.ceil(column - span))), min(depth.shape[1] - 1, int(column + span))
        for r in range(first_row, last_row + 1):
            for c in range(first, last + 1):
                if square:
                    away = max(abs(r - row), abs(c - column))
                else:
                    away = np.sqrt((r - row) ** 2 + (c - column) ** 2)
                if radius - away > depth[r, c]:
                    depth[r, c] = radius - away


def carve(
    depth: NDArray[np.float32],
    points: Floats,
    radii: Floats | float,
    reach: float = 1.0,
    square: bool = False,
) -> None:
    """Stamp discs (or squares) into a field of depths [height, width]: how far inside of them a cell is.

    Args:
        points: centres [N, 2] as (row, column) [cells].
        radii: of each [N], or of all [cells].
        reach: how far outside a disc its (then negative) depth is still noted [cells].
    """
    radii = np.broadcast_to(np.asarray(radii, np.float64), len(points))
    _carve(depth, np.ascontiguousarray(points, np.float64), np.ascontiguousarray(radii), reach, square)


def along(path: Floats, step: float) -> Floats:
    """Points [N, 2] every `step` or less along a path of corners [K, 2], both ends included."""
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
    count = max(2, int(np.ceil(lengths[-1] / step)) + 1)
    place = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(place, lengths, path[:, axis]) for axis in (0, 1)], axis=1)


def wander(count: int, knots: int, rng: np.random.Generator) -> Floats:
    """A smooth random course [count] in [-1, 1] with about `knots` bends."""
    heights = rng.uniform(-1, 1, max(2, knots + 1))
    place = np.linspace(0, len(heights) - 1, count)
    left = np.minimum(place.astype(int), len(heights) - 2)
    share = place - left
    share = share * share * (3 - 2 * share)
    return heights[left] * (1 - share) + heights[left + 1] * share


@njit(cache=True)
def _interpolate(coarse, scale, field):
    for r in range(field.shape[0]):
        i = int(r / scale)
        y = r / scale - i
        y = y * y * (3 - 2 * y)
        for c in range(field.shape[1]):
            j = int(c / scale)
            x = c / scale - j
            x = x * x * (3 - 2 * x)
            upper = coarse[i, j] * (1 - x) + coarse[i, j + 1] * x
            lower = coarse[i + 1, j] * (1 - x) + coarse[i + 1, j + 1] * x
            field[r, c] = upper * (1 - y) + lower * y


def noise(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random field [height, width] in [-1, 1] whose hills are `scale` cells wide."""
    coarse = rng.uniform(-1, 1, (int(shape[0] / scale) + 2, int(shape[1] / scale) + 2))
    field = np.empty(shape, np.float32)
    _interpolate(coarse.astype(np.float32), max(scale, 1.0), field)
    return field


def roughen(free: Mask, amplitude: float, scale: float, rng: np.random.Generator) -> Mask:
    """The same rooms with walls that waver by up to `amplitude` cells over `scale` cells.

    The plane is bent, so what was connected stays so while amplitude is well below scale.
    """
    if amplitude <= 0:
        return free
    row, column = np.ogrid[: free.shape[0], : free.shape[1]]
    rows = np.rint(row + amplitude * noise(free.shape, scale, rng)).astype(np.int32)
    columns = np.rint(column + amplitude * noise(free.shape, scale, rng)).astype(np.int32)
    return free[np.clip(rows, 0, free.shape[0] - 1), np.clip(columns, 0, free.shape[1] - 1)]


def tidy(free: Mask, gap: int, wall: int, border: int) -> Mask:
    """Without slits narrower than `gap` and walls thinner than `wall`; the outer `border` is wall [cells]."""
    free = ndimage.grey_opening(with_border(free, border).view(np.uint8), size=gap).view(np.bool_)
    walls = np.pad(~free, wall, constant_values=True)  # what continues outside is not thin
    walls = ndimage.grey_opening(walls.view(np.uint8), size=wall).view(np.bool_)
    return with_border(~walls[wall:-wall, wall:-wall], border)


def with_border(free: Mask, border: int) -> Mask:
    """A copy whose outermost `border` cells are wall."""
    framed = np.zeros_like(free)
    inside = (slice(border, free.shape[0] - border), slice(border, free.shape[1] - border))
    framed[inside] = free[inside]
    return framed


def largest_part(free: Mask) -> Mask:
    """The largest 4-connected component; where nothing is free, the cell in the middle."""
    labels, count = ndimage.label(free)
    if not count:
        middle = np.zeros_like(free)
        middle[free.shape[0] // 2, free.shape[1] // 2] = True
        return middle
    area = np.bincount(labels.ravel())
    area[0] = 0
    return labels == area.argmax()


def place_block(free: Mask, block: Mask, top: int, left: int, gap: int) -> bool:
    """Build a block [h, w] at a place if `gap` free cells remain on all its sides: no way gets closed."""
    height, width = block.shape
    if min(top, left) < gap:
        return False
    around = free[top - gap : top + height + gap, left - gap : left + width + gap]
    if around.shape != (height + 2 * gap, width + 2 * gap) or not around.all():
        return False
    free[top : top + height, left : left + width] &= ~block
    return True


def exploration_map(
    name: str, free: Mask, rng: np.random.Generator, resolution: float = 1.0, edge: int = START_EDGE
) -> GridMap:
    """The largest part of `free` as a map: robots start in one blob, and every free cell is a goal."""
    free = largest_part(free)
    return GridMap(
        name,
        ~free,
        np.flatnonzero(_start_blob(free, edge, rng)).astype(np.int32),
        np.flatnonzero(free).astype(np.int32),
        resolution=resolution,
    )


def _start_blob(free: Mask, edge: int, rng: np.random.Generator) -> Mask:
    """A disc or a square somewhere in the free space, two cells from the walls; smaller where none fits."""
    blob = np.zeros_like(free)
    sums = np.pad(free.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32), ((1, 0), (1, 0)))
    round_one = rng.random() < 0.5
    while True:
        window = min(edge + 4, *free.shape) if edge > 1 else 1
        count = sums[window:, window:] - sums[:-window, window:] - sums[window:, :-window]
        places = np.argwhere(count + sums[:-window, :-window] == window * window)
        if len(places):
            break
        edge -= 1
    row, column = places[rng.integers(len(places))] + (window - edge) // 2
    offset = np.arange(edge) - (edge - 1) / 2
    shape = np.hypot(*np.meshgrid(offset, offset)) <= edge / 2 if round_one else True
    blob[row : row + edge, column : column + edge] = shape
    return blob

"""Images of exploration maps (PNG, PGM): a pixel a cell, walls dark, starts in a grey of their own.

A grey value above 150 is free, and 208 is free and a start; all others are wall. In a colour image starts
are (255, 216, 0), and every other pixel goes by its grey value. Alpha is ignored.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.files import atomic_write
from pilotfish.worlds.maps.grid_map import GridMap

SUFFIXES = (".png", ".pgm")
HIGHEST_WALL, WALL, START, FREE = 150, 127, 208, 255
START_COLOUR = (255, 216, 0)
_GREY, _COLOUR = ("1", "L", "LA"), ("RGB", "RGBA")


def looks_like(path: Path) -> bool:
    """Whether it is an image at all; which ones are maps no image says."""
    try:
        with Image.open(path):
            return True
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def read(path: Path) -> list[GridMap]:
    """The one map of an image, named as the file; all free cells are goals where it has start cells.

    Raises:
        MapError: the image cannot be read, has a palette or 16 bits, or no free pixel.
    """
    grey, starts = _pixels(path)
    free = grey > HIGHEST_WALL
    if not free.any():
        raise MapError(
            f"the map has no free pixel: no grey value is above {HIGHEST_WALL}, the highest is {grey.max()}",
            path,
        )
    if not starts.any():
        return [GridMap(path.stem, ~free)]
    start_cells, goal_cells = (np.flatnonzero(mask).astype(np.int32) for mask in (starts, free))
    return [GridMap(path.stem, ~free, start_cells, goal_cells)]


def _pixels(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Grey values [height, width], and where the start cells are."""
    try:
        with Image.open(path) as image:
            if image.mode not in (*_GREY, *_COLOUR):
                kind = "with a palette" if image.mode in ("P", "PA") else f"of mode {image.mode}"
                raise MapError(f"is an image {kind}; save it in 8-bit grey or RGB", path)
            if image.mode in _GREY:
                grey = np.asarray(image.convert("L"))
                return grey, grey == START
            colours = np.asarray(image.convert("RGB"))
            grey = np.asarray(image.convert("RGB").convert("L"))
    except UnidentifiedImageError:
        raise MapError("is not an image", path) from None
    except OSError as error:
        raise MapError(f"cannot be read: {error.strerror or error}", path) from None
    except (ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, MapError):
            raise
        raise MapError(f"cannot be read: {error}", path) from None
    # A colour may be as light as the grey of starts; only that grey itself is one.
    starts = (colours == START_COLOUR).all(axis=2) | (colours == START).all(axis=2)
    return grey, starts


def write(grid: GridMap, path: Path) -> None:
    """Write walls and starts in grey, as PGM or PNG by the ending (no metres: the format has none).

    Raises:
        ValueError: a map whose goals are not all free cells, which the format cannot hold.
    """
    pixels = np.where(grid.walls, WALL, FREE).astype(np.uint8)
    if grid.starts is not None and grid.goals is not None:
        if len(grid.goals) < len(grid.free_cells):
            raise ValueError(
                f"map {grid.name!r} has {len(grid.goals)} goal cells of {len(grid.free_cells)} free cells; "
                "an image holds only maps whose free cells are all goals"
            )
        pixels.ravel()[grid.starts] = START
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format="PPM" if path.suffix.lower() == ".pgm" else "PNG")
    atomic_write(path, data.getvalue())

"""A robot's own map on disk, so that its process may die: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from pilotfish.policies.exploration.mapping import MapFrame, OccupancyMap, Window

_FORMAT = 1


def save_own_map(own: OccupancyMap, file: Path) -> None:
    """Write a robot's own evidence; whoever reads meanwhile, or after a crash, finds the old file."""
    frame = own.frame
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(
                stream, format=_FORMAT, geometry=_numbers(frame), log_odds=own.log_odds, pixels=own.pixels
            )
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_own_map(own: OccupancyMap, file: Path) -> Window:
    """Read it back into a map that is still empty; the window that it fills.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or of another map frame; the message says so.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            version, geometry = int(stored["format"]), stored["geometry"]
            log_odds, pixels = stored["log_odds"], stored["pixels"]
    except FileNotFoundError:
        raise
    except Exception as error:  # A damaged archive raises whatever its readers do.
        raise ValueError(f"{file} holds no map: {error}") from error
    if version != _FORMAT or not np.array_equal(geometry, _numbers(own.frame)):
        raise ValueError(f"{file} is of another map frame: {geometry.tolist()}, not {_numbers(own.frame)}")
    if (log_odds.shape, log_odds.dtype) != (own.frame.shape, np.int8) or pixels.shape != own.frame.shape:
        raise ValueError(f"{file} holds {log_odds.dtype} {log_odds.shape}, expected int8 {own.frame.shape}")
    if pixels.dtype != np.uint8 or pixels.max(initial=0) > 2:
        raise ValueError(f"{file} holds pixels that are neither unknown nor free nor occupied")
    own.log_odds[:], own.pixels[:] = log_odds, pixels
    own.dirty[:] = own.tiles_with_pixels()
    return Window(0, 0, *own.frame.shape)


def _numbers(frame: MapFrame) -> list[float]:
    return [frame.resolution, *frame.origin, frame.height, frame.width]

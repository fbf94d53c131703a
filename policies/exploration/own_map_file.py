"""A robot's own map, and where it began, on disk, so that its process may die: all is written or nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.mapping import MapFrame, OccupancyMap, Window

_FORMAT = 3


def save_own_map(own: OccupancyMap, robot: int, home: NDArray[np.float32], file: Path) -> None:
    """Write a robot's own evidence; whoever reads meanwhile, or after a crash, finds the old file.

    Args:
        robot: whose it is, by index.
        home: [2] (row, col) where the robot began [px]; NaN if it has not yet.
    """
    frame = own.frame
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(
                stream,
                format=_FORMAT,
                geometry=_numbers(frame),
                robot=robot,
                home=home,
                log_odds=own.log_odds,
                pixels=own.pixels,
            )
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_own_map(own: OccupancyMap, robot: int, file: Path) -> tuple[Window, NDArray[np.float32]]:
    """Read it back into a map of the same robot that is still empty.

    Returns: the window that it fills, and where the robot began, as in ``save_own_map``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, of another map frame, robot or version; the message says so.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            version, geometry = int(stored["format"]), stored["geometry"]
            if version != _FORMAT:
                raise ValueError(f"its format is {version}, this version reads {_FORMAT}")
            log_odds, pixels, home = stored["log_odds"], stored["pixels"], stored["home"]
            whose = int(stored["robot"])
    except FileNotFoundError:
        raise
    except Exception as error:  # A damaged archive raises whatever its readers do.
        raise ValueError(f"{file} holds no map: {error}") from error
    if whose != robot:
        raise ValueError(f"{file} is the map of robot {whose}, not of robot {robot}")
    if not np.array_equal(geometry, _numbers(own.frame)):
        raise ValueError(f"{file} is of another map frame: {geometry.tolist()}, not {_numbers(own.frame)}")
    if (log_odds.shape, log_odds.dtype) != (own.frame.shape, np.int8) or pixels.shape != own.frame.shape:
        raise ValueError(f"{file} holds {log_odds.dtype} {log_odds.shape}, expected int8 {own.frame.shape}")
    if pixels.dtype != np.uint8 or pixels.max(initial=0) > 2:
        raise ValueError(f"{file} holds pixels that are neither unknown nor free nor occupied")
    begun = (home.shape, home.dtype) == ((2,), np.float32) and ((home >= 0) & (home < own.frame.shape)).all()
    if not (begun or np.isnan(home).all()):
        raise ValueError(f"{file} holds a beginning {home.tolist()}, which is no place of its map")
    own.log_odds[:], own.pixels[:] = log_odds, pixels
    own.dirty[:] = own.tiles_with_pixels()
    return Window(0, 0, *own.frame.shape), home


def _numbers(frame: MapFrame) -> list[float]:
    return [frame.resolution, *frame.origin, frame.height, frame.width]

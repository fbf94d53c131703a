"""ROS map_server maps: a YAML of metres and thresholds beside a PGM or PNG of occupancy."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.files import atomic_write
from pilotfish.worlds.maps.formats.pogema_yaml import compose
from pilotfish.worlds.maps.grid_map import GridMap

SUFFIXES = (".yaml", ".yml")
_OCCUPIED, _FREE = 0, 254


def looks_like(path: Path) -> bool:
    try:
        keys = {key.value for key, _ in compose(path).value if isinstance(key, yaml.ScalarNode)}
    except MapError:
        return False
    return {"image", "resolution"} <= keys


def image_of(path: Path) -> Path | None:
    """The image (resolved) that a YAML names, or None where it is no map_server YAML."""
    if not looks_like(path):
        return None
    image = next(value for key, value in compose(path).value if key.value == "image")
    return (path.parent / str(image.value)).resolve() if isinstance(image, yaml.ScalarNode) else None


def _float_or_none(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class _Fields:
    """The YAML's values with their places, so that each complaint can point at its line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.nodes = {key.value: value for key, value in compose(path).value}

    def error(self, key: str, message: str) -> MapError:
        node = self.nodes.get(key)
        place = (node.start_mark.line + 1, node.start_mark.column + 1) if node else ()
        return MapError(f"{key} {message}", self.path, *place)

    def get(self, key: str, default: object = None) -> object:
        if key not in self.nodes:
            if default is None:
                raise self.error(key, "is missing; a map_server YAML has image, resolution and origin")
            return default
        return yaml.SafeLoader("").construct_document(self.nodes[key])

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number with low < number <= high."""
        value = self.get(key, default)
        if isinstance(value, str):  # YAML 1.1 takes 5e-2 for a word
            value = _float_or_none(value)
        if not isinstance(value, int | float) or not low < value <= high:
            raise self.error(key, f"must be a number in ({low:g}, {high:g}], got {value!r}")
        return float(value)


def _occupancy(fields: _Fields, image_path: Path) -> NDArray[np.float64]:
    """Probability of occupation [height, width] as map_server computes it: the mean of the channels."""
    try:
        with Image.open(image_path) as image:
            sixteen_bit = image.mode.startswith("I")
            pixels = np.asarray(
                image if sixteen_bit or image.mode == "L" else image.convert("RGB"), np.float64
            )
    except FileNotFoundError:
        raise fields.error("image", f"names {image_path}, which does not exist") from None
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise fields.error("image", f"{image_path} cannot be read: {error}") from None
    light = (pixels if pixels.ndim == 2 else pixels.mean(axis=2)) / (65535 if sixteen_bit else 255)
    negate = fields.get("negate", 0)
    if negate not in (0, 1):
        raise fields.error("negate", f"must be 0 or 1, got {negate!r}")
    return light if negate else 1.0 - light


def _downsample(walls: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """Walls of cells of factor x factor pixels, aligned with the lower left corner (the origin).

    A cell is wall if any of its pixels is; beyond the image everything is, as beyond any map.
    """
    height, width = walls.shape
    padded = np.pad(walls, ((-height % factor, 0), (0, -width % factor)), constant_values=True)
    rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
    return np.any(padded.reshape(rows, factor, columns, factor), axis=(1, 3))


def read(path: Path, cell_size: float | None = None) -> list[GridMap]:
    """The one map of a map_server YAML, named as the file; unknown counts as wall.

    Args:
        cell_size: edge of the grid's cells [m], a multiple of the image's resolution: set it to about
            the robot's diameter with its margin. None keeps a cell a pixel.

    Raises:
        MapError: a missing or wrong field, an unreadable image, or a mode other than trinary.
    """
    fields = _Fields(path)
    mode = fields.get("mode", "trinary")
    if mode != "trinary":
        raise fields.error("mode", f"must be trinary (the others give degrees of occupation), got {mode!r}")
    resolution = fields.number("resolution", 0.0, math.inf)
    occupied = fields.number("occupied_thresh", 0.0, 1.0, 0.65)
    free = fields.number("free_thresh", 0.0, 1.0, 0.25)
    if free > occupied:
        raise fields.error("free_thresh", f"must not exceed occupied_thresh {occupied:g}, got {free:g}")
    origin = fields.get("origin")
    if not (
        isinstance(origin, list) and len(origin) >= 2 and all(isinstance(v, int | float) for v in origin)
    ):
        raise fields.error("origin", f"must be [x, y, yaw], got {origin!r}")
    if len(origin) > 2 and origin[2] != 0:
        raise fields.error("origin", f"has yaw {origin[2]:g}; rotate the image so that it is 0")

    probability = _occupancy(fields, path.parent / str(fields.get("image")))
    walls = ~(probability < free)  # neither free nor occupied is unknown: wall too
    if cell_size is not None:
        factor = round(cell_size / resolution)
        if factor < 1 or not math.isclose(factor * resolution, cell_size, rel_tol=1e-6):
            nearest = max(1, factor) * resolution
            raise fields.error(
                "resolution", f"{resolution:g} does not divide cell_size {cell_size:g}; try {nearest:g}"
            )
        if factor > 1:
            walls, resolution = _downsample(walls, factor), cell_size
    if walls.all():
        hint = "" if cell_size is None else f" at cell_size {cell_size:g}; try a smaller one"
        raise MapError(f"the map has no free cell{hint}", path)
    return [GridMap(path.stem, walls, resolution=resolution, origin=(float(origin[0]), float(origin[1])))]


def write(grid: GridMap, path: Path) -> None:
    """Write PATH (.yaml) and the image beside it (.pgm), a pixel a cell.

    Raises:
        ValueError: a warehouse map, whose starts and goals the format cannot hold.
    """
    if grid.starts is not None:
        raise ValueError(f"map {grid.name!r} has start and goal cells, which map_server maps cannot hold")
    image = io.BytesIO()
    Image.fromarray(np.where(grid.walls, _OCCUPIED, _FREE).astype(np.uint8)).save(image, format="PPM")
    image_path = path.with_suffix(".pgm")
    atomic_write(image_path, image.getvalue())  # first, so that a YAML never names a missing image
    fields = {
        "image": image_path.name,
        "mode": "trinary",
        "resolution": float(grid.resolution),
        "origin": [float(grid.origin[0]), float(grid.origin[1]), 0.0],
        "negate": 0,
        "occupied_thresh": 0.65,
        "free_thresh": 0.25,
    }
    atomic_write(path, yaml.safe_dump(fields, sort_keys=False, default_flow_style=None))

"""MovingAI ``.map`` files: a header of four lines, then ``.GS`` passable and ``@OTW`` blocked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.files import atomic_write, read_head, read_text
from pilotfish.worlds.maps.formats.rows import character_array
from pilotfish.worlds.maps.grid_map import GridMap

SUFFIXES = (".map",)
PASSABLE, BLOCKED = ".GS", "@OTW"


def looks_like(path: Path) -> bool:
    return read_head(path).lstrip().startswith("type")


def read(path: Path) -> list[GridMap]:
    """The one map of a ``.map`` file, named as the file; raises MapError."""
    lines = [line.rstrip() for line in read_text(path).splitlines()]
    height = width = None
    for number, line in enumerate(lines, start=1):
        key, _, value = line.partition(" ")
        if key == "map":
            break
        if key in ("height", "width"):
            if not value.strip().isdigit() or int(value) == 0:
                raise MapError(f"{key} must be a positive integer, got {value!r}", path, number, len(key) + 2)
            height, width = (int(value), width) if key == "height" else (height, int(value))
        elif line and key != "type":
            raise MapError(f"expected type, height, width or map, got {line!r}", path, number, 1)
    else:
        raise MapError("the header has no line 'map'", path, len(lines))
    if height is None or width is None:
        missing = "height" if height is None else "width"
        raise MapError(f"the header does not give the {missing}", path, number)

    rows = lines[number:]
    while len(rows) > height and not rows[-1]:
        rows.pop()
    if len(rows) != height:
        raise MapError(f"{len(rows)} rows, the header says height {height}", path, len(lines))
    codes = character_array(
        rows, PASSABLE + BLOCKED, path, lambda row, column: (number + row + 1, column + 1), width
    )
    walls = np.isin(codes, np.frombuffer(BLOCKED.encode(), np.uint8))
    if walls.all():
        raise MapError("the map has no free cell", path, number + 1, 1)
    return [GridMap(path.stem, walls)]


def write(grid: GridMap, path: Path) -> None:
    """Write the walls (no metres: the format has none).

    Raises:
        ValueError: a warehouse map, whose starts and goals the format cannot hold.
    """
    if grid.starts is not None:
        raise ValueError(f"map {grid.name!r} has start and goal cells, which MovingAI files cannot hold")
    rows = ["".join(row) for row in np.where(grid.walls, "@", ".")]
    header = ["type octile", f"height {grid.height}", f"width {grid.width}", "map"]
    atomic_write(path, "\n".join(header + rows) + "\n")

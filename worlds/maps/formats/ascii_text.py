"""Plain text maps: one line a row, in the characters of `rows`."""

from __future__ import annotations

from pathlib import Path

from pilotfish.worlds.maps.files import atomic_write, read_head, read_text
from pilotfish.worlds.maps.formats.rows import CHARACTERS, grid_from_rows, rows_from_grid, trim
from pilotfish.worlds.maps.grid_map import GridMap

SUFFIXES = (".txt", ".ascii", ".map")


def looks_like(path: Path) -> bool:
    """Whether the first line that is not blank could be a map's row."""
    rows, _ = trim(read_head(path).splitlines())
    return bool(rows) and set(rows[0]) <= set(CHARACTERS)


def read(path: Path) -> list[GridMap]:
    """The one map of a text file, named as the file; raises MapError."""
    rows, first = trim(read_text(path).splitlines())
    return [grid_from_rows(path.stem, rows, path, lambda row, column: (first + row + 1, column + 1))]


def write(grid: GridMap, path: Path) -> None:
    """Write walls, starts and goals (no metres: the format has none)."""
    atomic_write(path, "\n".join(rows_from_grid(grid)) + "\n")

"""Rows of map characters to GridMap and back: what the text formats share.

``#`` wall, ``.`` free; a map with any of ``@`` (start only), ``$`` (goal only) or ``!`` (neither) is a
warehouse map, in which ``.`` cells are both starts and goals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.grid_map import GridMap

CHARACTERS = "#.@$!"
Place = Callable[[int, int], tuple[int | None, int | None]]
"""(row, column) of a character, from 0, to its (line, column) in the file, from 1."""


def character_array(
    rows: Sequence[str], allowed: str, file: str | Path, place: Place, width: int | None = None
) -> NDArray[np.uint8]:
    """Character codes [height, width] of equally long rows.

    Args:
        allowed: the characters that the format knows.
        width: what the format's header says, or None for the length of the first row.

    Raises:
        MapError: no rows, a row of another length, or a character that is not allowed.
    """
    if not rows or not (width or len(rows[0])):
        raise MapError("the map has no rows", file)
    expected, reference = (width, "the header says") if width else (len(rows[0]), "the first row has")
    for index, row in enumerate(rows):
        for column, character in enumerate(row):
            if character not in allowed:
                line, col = place(index, column)
                raise MapError(f"unknown character {character!r}; a map has only {allowed}", file, line, col)
        if len(row) != expected:
            line, col = place(index, min(len(row), expected))
            message = f"row {index + 1} has {len(row)} characters, {reference} {expected}"
            raise MapError(message, file, line, col)
    codes = np.frombuffer("".join(rows).encode("ascii"), np.uint8)
    return codes.reshape(len(rows), expected)


def trim(lines: Sequence[str]) -> tuple[list[str], int]:
    """The rows without blank lines around them or blanks behind them, and the index of the first."""
    rows = [line.rstrip() for line in lines]
    first = 0
    while first < len(rows) and not rows[first]:
        first += 1
    while rows and not rows[-1]:
        rows.pop()
    return rows[first:], first


def grid_from_rows(name: str, rows: Sequence[str], file: str | Path, place: Place) -> GridMap:
    """A GridMap of `rows` in the characters of this module; raises MapError."""
    codes = character_array(rows, CHARACTERS, file, place)
    is_char = {character: codes == ord(character) for character in CHARACTERS}
    if is_char["#"].all():
        raise MapError("the map has no free cell", file, *place(0, 0))
    if not any(is_char[character].any() for character in "@$!"):
        return GridMap(name, is_char["#"])
    starts = np.flatnonzero(is_char["."] | is_char["@"]).astype(np.int32)
    goals = np.flatnonzero(is_char["."] | is_char["$"]).astype(np.int32)
    for kind, cells, character in (("start", starts, "@"), ("goal", goals, "$")):
        if not len(cells):
            message = f"a map with '@', '$' or '!' needs a {kind} cell: mark one with {character!r} or '.'"
            raise MapError(message, file, *place(0, 0))
    return GridMap(name, is_char["#"], starts, goals)


def rows_from_grid(grid: GridMap) -> list[str]:
    """The rows that `grid_from_rows` reads back.

    Raises:
        ValueError: a warehouse map in which every free cell is both start and goal, which these
            characters cannot tell from a plain map.
    """
    codes = np.full(grid.walls.size, ord("."), np.uint8)
    if grid.starts is not None and grid.goals is not None:
        is_start, is_goal = np.zeros((2, codes.size), bool)
        is_start[grid.starts] = True
        is_goal[grid.goals] = True
        if (is_start & is_goal)[grid.free_cells].all():
            raise ValueError(
                f"map {grid.name!r}: all free cells are both start and goal, which text formats write as a "
                "plain map; leave starts and goals None"
            )
        codes[:] = ord("!")
        codes[is_start] = ord("@")
        codes[is_goal] = ord("$")
        codes[is_start & is_goal] = ord(".")
    codes[grid.walls.ravel()] = ord("#")
    return [row.tobytes().decode("ascii") for row in codes.reshape(grid.walls.shape)]

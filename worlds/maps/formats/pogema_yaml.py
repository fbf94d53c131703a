"""POGEMA's YAML: a mapping from map names to blocks of rows, in the characters of `rows`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.files import atomic_write, read_text
from pilotfish.worlds.maps.formats.rows import Place, grid_from_rows, rows_from_grid, trim
from pilotfish.worlds.maps.grid_map import GridMap

SUFFIXES = (".yaml", ".yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(path: Path) -> yaml.MappingNode:
    """The top-level mapping of a YAML file, with the places of its parts; raises MapError."""
    try:
        node = yaml.compose(read_text(path), Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else ()
        raise MapError(f"not valid YAML: {error.problem}", path, *place) from None
    except yaml.YAMLError as error:
        raise MapError(f"not valid YAML: {error}", path) from None
    if not isinstance(node, yaml.MappingNode):
        raise MapError("expected a mapping from map names to blocks of rows", path, 1, 1)
    return node


def looks_like(path: Path) -> bool:
    """Whether the file maps names to texts of several rows."""
    try:
        values = [value for _, value in compose(path).value]
    except MapError:
        return False
    return bool(values) and all(
        isinstance(value, yaml.ScalarNode) and (value.style == "|" or "\n" in value.value) for value in values
    )


def _places(path: Path, node: yaml.ScalarNode, first: int, lines: Sequence[str]) -> Place:
    """Where the characters of a value are in the file; quoted values only tell their first line."""
    start = node.start_mark.line
    if node.style != "|":
        return lambda row, column: (start + 1, node.start_mark.column + 1)
    block = lines[start + 1 : node.end_mark.line + 1]
    indent = next((len(line) - len(line.lstrip(" ")) for line in block if line.strip()), 0)
    return lambda row, column: (start + 2 + first + row, indent + column + 1)


def read(path: Path) -> list[GridMap]:
    """Every map of the file, in its order; raises MapError."""
    maps: dict[str, GridMap] = {}
    root = compose(path)
    lines = read_text(path).splitlines()
    for key, value in root.value:
        at = (key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise MapError("expected 'NAME: |-' with a block of rows below it", path, *at)
        if key.value in maps:
            raise MapError(f"the map {key.value!r} is there twice", path, *at)
        rows, first = trim(value.value.split("\n"))
        if not rows:
            raise MapError(f"the map {key.value!r} has no rows", path, *at)
        maps[key.value] = grid_from_rows(key.value, rows, path, _places(path, value, first, lines))
    if not maps:
        raise MapError("the file has no maps", path)
    return list(maps.values())


def write(grids: Sequence[GridMap], path: Path) -> None:
    """Write many maps into one file (no metres: the format has none).

    Raises:
        ValueError: no maps, or two of the same name.
    """
    names = [grid.name for grid in grids]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a YAML of maps needs one or more maps of different names, got {names}")
    blocks = []
    for grid in grids:
        key = yaml.safe_dump(grid.name, default_style=None if grid.name.isidentifier() else '"', width=10**6)
        body = "\n".join(f"  {row}" for row in rows_from_grid(grid))
        blocks.append(f"{key.splitlines()[0]}: |-\n{body}\n")
    atomic_write(path, "".join(blocks))

"""Maps by the one string that every command and launch file takes.

========================================  ==========================================================
``maps/office.map``                       a file: MovingAI, text, POGEMA YAML, map_server YAML, image
``maps/``                                 every map of every file in a folder, recursively, sorted
``mazes.yaml#NAME``                       one map of a POGEMA YAML
``office.yaml?cell_size=0.5``             a map_server map at 0.5 m a cell
``builtin:NAME``, ``builtin:``            a map that comes with Pilotfish, all of them
``NAME``                                  the same, where no file or folder is called so
``gen:mazes?size=65&density=0.3&seed=0-9``  ten maps of a generator family
========================================  ==========================================================
"""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from pilotfish.worlds.maps.errors import MapError
from pilotfish.worlds.maps.formats import ascii_text, image, movingai, pogema_yaml, ros_map_server
from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap

FORMATS = (movingai, ascii_text, ros_map_server, pogema_yaml, image)
"""In the order in which they are asked whether a file looks like theirs."""
BUILTIN = Path(__file__).parent / "builtin"


def load_maps(path: str | Path) -> list[GridMap]:
    """The maps that `path` names, at least one; see the table of this module.

    Raises:
        MapError: nothing is there, or a file is malformed (file, line and column are named).
        ValueError: an unknown generator family or a parameter that it refuses.
    """
    text = str(path)
    if text.startswith("gen:"):
        family, params, seeds = _parts(text)
        return [generate(family, seed, **params) for seed in seeds]
    if text.startswith("builtin:"):
        maps = builtin_maps()
        name = text.removeprefix("builtin:")
        return [_pick(maps, name, text)] if name else maps

    file, _, name = text.partition("#")
    options: dict[str, str] = {}
    if not Path(file).exists() and "?" in file:
        file, _, query = file.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
    found = Path(file).expanduser()
    if not found.exists():
        builtin = {grid.name: grid for grid in builtin_maps()}
        if text in builtin:
            return [builtin[text]]
        known = f"no built-in map either ({', '.join(builtin)}); gen:FAMILY?... generates one"
        raise MapError(f"no such file or folder, and {known}", text)
    if found.is_dir():
        maps = _unique_names(grid for path in map_files(found) for grid in _file(path))
    else:
        maps = _file(found, options)
    return [_pick(maps, name, text)] if name else maps


def each_map(path: str | Path) -> list[str]:
    """What names the maps of ``path`` one by one, for who wants one; raises what ``load_maps`` does."""
    text = str(path)
    if text.startswith("gen:"):
        family, params, seeds = _parts(text)
        return [f"gen:{family}?{urlencode({**params, 'seed': seed})}" for seed in seeds]
    maps = load_maps(path)
    return [text] if len(maps) == 1 else [f"{text}#{grid.name}" for grid in maps]


def load_map(path: str | Path) -> GridMap:
    """The one map that `path` names; if it names several, the error lists them."""
    maps = load_maps(path)
    if len(maps) > 1:
        names = ", ".join(grid.name for grid in maps)
        raise MapError(f"holds {len(maps)} maps; append #NAME to choose one of: {names}", path)
    return maps[0]


def _pick(maps: list[GridMap], name: str, source: str) -> GridMap:
    by_name = {grid.name: grid for grid in maps}
    if name not in by_name:
        close = difflib.get_close_matches(name, by_name, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise MapError(f"no map {name!r}; {hint}there are: {', '.join(by_name)}", source)
    return by_name[name]


def _file(path: Path, options: dict[str, str] | None = None) -> list[GridMap]:
    suffix = path.suffix.lower()
    candidates = [form for form in FORMATS if suffix in form.SUFFIXES]
    if not candidates:
        known = " ".join(sorted({ending for form in FORMATS for ending in form.SUFFIXES}))
        raise MapError(f"unknown kind of map file {suffix!r}; known: {known}", path)
    # The last candidate reads what nobody recognises: its error says what was expected.
    form = next((form for form in candidates if form.looks_like(path)), candidates[-1])
    if form is ros_map_server:
        unknown = set(options or ()) - {"cell_size"}
        if unknown:
            raise MapError(
                f"unknown option {', '.join(sorted(unknown))}; a map_server map has cell_size", path
            )
        size = (options or {}).get("cell_size")
        return ros_map_server.read(path, None if size is None else _number(size, path))
    if options:
        raise MapError(f"only a map_server YAML takes options, got {', '.join(options)}", path)
    return form.read(path)


def _number(text: str, source: Path) -> float:
    try:
        return float(text)
    except ValueError:
        raise MapError(f"cell_size must be metres, got {text!r}", source) from None


def map_files(folder: str | Path) -> list[Path]:
    """Every map file below a folder, sorted; files of a map's ending that hold none warn and are left out.

    An image that a map_server YAML names is that YAML's, no map of its own.

    Raises:
        MapError: there are none.
    """
    found, owned = [], set()
    for path in sorted(Path(folder).rglob("*")):
        forms = [form for form in FORMATS if path.suffix.lower() in form.SUFFIXES]
        if not forms or not path.is_file() or path.name.startswith("."):
            continue
        if any(form.looks_like(path) for form in forms):
            found.append(path)
            owned.add(ros_map_server.image_of(path) if ros_map_server in forms else None)
        else:
            warnings.warn(f"{path} does not look like a map: passed over", stacklevel=2)
    found = [path for path in found if path.resolve() not in owned]
    if not found:
        endings = " ".join(sorted({ending for form in FORMATS for ending in form.SUFFIXES}))
        raise MapError(f"no maps in this folder (endings {endings})", folder)
    return found


def builtin_maps() -> list[GridMap]:
    """The maps that come with Pilotfish."""
    return [grid for path in map_files(BUILTIN) for grid in _file(path)]


def _unique_names(maps: Iterable[GridMap]) -> list[GridMap]:
    """Maps of one name (from different files) become NAME, NAME~2, NAME~3: tables group by name."""
    seen: Counter[str] = Counter()
    unique = []
    for grid in maps:
        seen[grid.name] += 1
        count = seen[grid.name]
        unique.append(grid if count == 1 else dataclasses.replace(grid, name=f"{grid.name}~{count}"))
    return unique


def _parts(text: str) -> tuple[str, dict[str, str], range]:
    """Family, parameters and seeds of ``gen:FAMILY?...``."""
    family, _, query = text.removeprefix("gen:").partition("?")
    params: dict[str, str] = dict(parse_qsl(query, keep_blank_values=True))
    first, _, last = params.pop("seed", "0").partition("-")
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = range(0)
    if not seeds:
        raise MapError(f"seed must be N or FIRST-LAST, got {first}{'-' + last if last else ''}", text)
    return family, params, seeds

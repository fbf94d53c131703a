"""The map families by name."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pilotfish.worlds.maps.generators.cities import CityParams, make_city
from pilotfish.worlds.maps.generators.complex import ComplexParams, make_complex
from pilotfish.worlds.maps.generators.corridor import CorridorParams, make_corridor
from pilotfish.worlds.maps.generators.hybrid import HybridParams, make_hybrid
from pilotfish.worlds.maps.generators.mazes import MazeParams, make_maze
from pilotfish.worlds.maps.generators.offices import OfficeParams, make_offices
from pilotfish.worlds.maps.generators.params import MapParams
from pilotfish.worlds.maps.generators.random import RandomParams, make_random
from pilotfish.worlds.maps.generators.rooms import RoomParams, make_rooms
from pilotfish.worlds.maps.generators.warehouses import WarehouseParams, make_warehouse
from pilotfish.worlds.maps.grid_map import GridMap

Generator = Callable[[Any, np.random.Generator], GridMap]
GENERATORS: dict[str, tuple[type[MapParams], Generator]] = {
    "mazes": (MazeParams, make_maze),
    "random": (RandomParams, make_random),
    "rooms": (RoomParams, make_rooms),
    "warehouses": (WarehouseParams, make_warehouse),
    "cities": (CityParams, make_city),
    "hybrid": (HybridParams, make_hybrid),
    "corridor": (CorridorParams, make_corridor),
    "complex": (ComplexParams, make_complex),
    "offices": (OfficeParams, make_offices),
}


def generate(family: str, seed: int, **params: Any) -> GridMap:
    """The map of a family and a seed.

    Args:
        family: a name in GENERATORS.
        params: fields of the family's parameters; ``size`` sets height and width (65, "65", "33x46" or
            (33, 46)). Texts are converted, as they come from command lines; "auto" leaves a knob to
            the seed, which is the default of most.

    Returns:
        a GridMap named FAMILY-HEIGHTxWIDTH-sSEED.

    Raises:
        ValueError: an unknown family or parameter, or a value that the family refuses.
    """
    kind, make = _family(family)
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    known = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    values = _with_size(params)
    for name, value in values.items():
        if name not in known:
            raise ValueError(
                f"map family {family!r} has no parameter {name!r}{_hint(name, [*known, 'size'])}"
            )
        if isinstance(value, str):
            values[name] = _convert(name, value, known[name])
    chosen = kind(**values)
    # The family is part of the seed: seed 3 of two families shall not share its draws.
    rng = np.random.default_rng([zlib.crc32(family.encode()), seed])
    return dataclasses.replace(make(chosen, rng), name=f"{family}-{chosen.height}x{chosen.width}-s{seed}")


def explain_knobs(family: str) -> str:
    """What a family's parameters mean, what they may be, and what the seed draws where they are not given.

    Raises:
        ValueError: an unknown family.
    """
    kind, _ = _family(family)
    lines = [inspect.cleandoc(kind.__doc__ or ""), ""]
    for field in dataclasses.fields(kind):
        default = f"default {field.default}"
        if field.name in kind.DRAWN:
            options = kind.DRAWN[field.name]
            span = " to " if len(options) == 2 else ", "
            default = f"drawn from {span.join(str(option) for option in options)}"
        lines.append(f"{field.name:>14}: {kind.allowed(field.name)}; {default}")
    return "\n".join(lines)


def _family(name: str) -> tuple[type[MapParams], Generator]:
    if name not in GENERATORS:
        raise ValueError(f"unknown map family {name!r}{_hint(name, GENERATORS)}")
    return GENERATORS[name]


def _with_size(params: dict[str, Any]) -> dict[str, Any]:
    values = dict(params)
    size = values.pop("size", None)
    if size is None:
        return values
    try:
        edges = [int(edge) for edge in (size.split("x") if isinstance(size, str) else np.atleast_1d(size))]
        if len(edges) > 2:
            raise ValueError
    except ValueError:
        raise ValueError(f"size must be EDGE or HEIGHTxWIDTH, got {size!r}") from None
    return {"height": edges[0], "width": edges[-1], **values}


def _convert(name: str, text: str, annotation: str) -> Any:
    if text == "auto" and "None" in annotation:
        return None
    if "str" in annotation:
        return text
    if "bool" in annotation and text.lower() in ("true", "false", "1", "0"):
        return text.lower() in ("true", "1")
    try:
        return int(text) if "int" in annotation else float(text)
    except ValueError:
        raise ValueError(f"{name} must be {annotation}, got {text!r}") from None


def _hint(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"

"""Write maps in any of the formats, chosen by name or by the file's ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pilotfish.worlds.maps.formats import ascii_text, movingai, pogema_yaml, ros_map_server
from pilotfish.worlds.maps.grid_map import GridMap

BY_SUFFIX = {".map": "movingai", ".txt": "ascii", ".ascii": "ascii", ".yaml": "pogema", ".yml": "pogema"}
ONE_MAP_WRITERS = {"movingai": movingai.write, "ascii": ascii_text.write, "ros": ros_map_server.write}


def save_maps(grids: Sequence[GridMap], path: str | Path, form: str | None = None) -> None:
    """Write maps into one file, whole or not at all.

    Args:
        form: "ascii", "movingai", "pogema" (the only one for several maps) or "ros" (YAML + PGM);
            None goes by the ending: .txt, .map, .yaml.

    Raises:
        ValueError: an unknown format, several maps for a one-map format, or starts and goals in a map
            whose format cannot hold them.
    """
    path = Path(path)
    form = form or BY_SUFFIX.get(path.suffix.lower())
    if form == "pogema":
        pogema_yaml.write(grids, path)
    elif form not in ONE_MAP_WRITERS:
        known = ", ".join(["pogema", *ONE_MAP_WRITERS])
        raise ValueError(f"{path}: unknown map format {form or path.suffix!r}; known: {known}")
    elif len(grids) != 1:
        raise ValueError(f"{path}: a file of format {form} holds one map, got {len(grids)}; use a .yaml")
    else:
        ONE_MAP_WRITERS[form](grids[0], path)

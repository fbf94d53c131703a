"""Write maps in any of the formats, chosen by name or by the file's ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pilotfish.worlds.maps.formats import ascii_text, image, movingai, pogema_yaml, ros_map_server
from pilotfish.worlds.maps.grid_map import GridMap

BY_SUFFIX = {
    ".map": "movingai", ".txt": "ascii", ".ascii": "ascii", ".yaml": "pogema", ".yml": "pogema",
    ".png": "image", ".pgm": "image",
}  # fmt: skip
ONE_MAP_WRITERS = {
    "movingai": movingai.write,
    "ascii": ascii_text.write,
    "ros": ros_map_server.write,
    "image": image.write,
}


def save_maps(grids: Sequence[GridMap], path: str | Path, form: str | None = None) -> None:
    """Write maps into one file, whole or not at all; or images into a folder, one a map.

    Args:
        path: the file; for images without an ending the folder, in which each map becomes NAME.png.
        form: "ascii", "movingai", "pogema" (the only one for several maps in a file), "ros" (YAML + PGM)
            or "image"; None goes by the ending: .txt, .map, .yaml, .png or .pgm.

    Raises:
        ValueError: an unknown format, several maps for a one-map format, or starts and goals in a map
            whose format cannot hold them.
    """
    path = Path(path)
    form = form or BY_SUFFIX.get(path.suffix.lower())
    if form == "pogema":
        pogema_yaml.write(grids, path)
    elif form == "image" and (path.is_dir() or not path.suffix):
        _save_images(grids, path)
    elif form not in ONE_MAP_WRITERS:
        known = ", ".join(["pogema", *ONE_MAP_WRITERS])
        raise ValueError(f"{path}: unknown map format {form or path.suffix!r}; known: {known}")
    elif form == "image" and path.suffix.lower() not in image.SUFFIXES:
        raise ValueError(f"{path}: images end in {' or '.join(image.SUFFIXES)}, got {path.suffix!r}")
    elif len(grids) != 1:
        instead = "a folder" if form == "image" else "a .yaml"
        raise ValueError(f"{path}: a file of format {form} holds one map, got {len(grids)}; use {instead}")
    else:
        ONE_MAP_WRITERS[form](grids[0], path)


def _save_images(grids: Sequence[GridMap], folder: Path) -> None:
    """One PNG a map, named as the map."""
    names = [grid.name for grid in grids]
    if len(set(names)) < len(names) or any(Path(name).name != name for name in names):
        raise ValueError(f"{folder}: a folder of images needs maps of different file names, got {names}")
    for grid in grids:
        image.write(grid, folder / f"{grid.name}.png")

"""Settings of the arm's trainings from and to YAML, for any dataclass that checks itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, TypeVar

import yaml

Settings = TypeVar("Settings")


def load_settings(kind: type[Settings], path: str | Path) -> Settings:
    """Read a YAML file of some of the fields; the others keep their defaults.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an unknown key or a bad value, naming it and the file.
    """
    try:
        raw: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(raw, dict):
        raise ValueError(f"{path}: expected NAME: VALUE lines, found {type(raw).__name__}")
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := set(raw) - known:
        raise ValueError(f"{path}: unknown {sorted(unknown)}, known are {sorted(known)}")
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def save_settings(settings: Any, path: str | Path) -> None:
    """Write all fields as YAML."""
    values = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(settings).items()
    }
    Path(path).write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

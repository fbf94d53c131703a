"""Settings of the arm's trainings, from and to YAML."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import yaml


class Settings:
    """What the dataclasses of settings share."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
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
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if unknown := set(raw) - known:
            raise ValueError(f"{path}: unknown {sorted(unknown)}, known are {sorted(known)}")
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write all fields as YAML."""
        values = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()  # type: ignore[call-overload]
        }
        Path(path).write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

    def require_choice(self, name: str, choices: Iterable[str]) -> None:
        """Raises ValueError unless the field is one of the choices."""
        if getattr(self, name) not in choices:
            raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(choices)}")

    def require_counts(self, *names: str) -> None:
        """Raises ValueError unless the fields are whole numbers of at least 1."""
        for name in names:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")

    def require_between(self, low: float, high: float, *names: str, ends: str = "") -> None:
        """Raises ValueError unless the fields lie between; ``ends`` "[", "]" or "[]" are allowed, too."""
        for name in names:
            value = getattr(self, name)
            above = low < value or ("[" in ends and value == low)
            below = value < high or ("]" in ends and value == high)
            if not (above and below):
                left, right = "[" if "[" in ends else "(", "]" if "]" in ends else ")"
                wanted = (
                    f"lie in {left}{low:g}, {high:g}{right}"
                    if math.isfinite(high)
                    else f"be {'at least' if '[' in ends else 'above'} {low:g}"
                )
                raise ValueError(f"{name} must {wanted}, got {value}")

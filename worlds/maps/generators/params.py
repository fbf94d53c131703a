"""What the parameters of all map families share: a size, ranges, and values left to the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class MapParams:
    """Size of a generated map; the base of every family's parameters.

    A knob that is None is drawn from the seed: that is what training wants. ``DRAWN`` says from what,
    (low, high) for a uniform draw or three and more choices (repeat one to make it likelier).
    ``ALLOWED`` says what may be given: (low, high), or a set of words.

    Raises:
        ValueError: a value that is not allowed, which the message names.
    """

    height: int = 64
    width: int = 64

    ALLOWED: ClassVar[dict[str, Any]] = {}
    DRAWN: ClassVar[dict[str, tuple]] = {}
    SMALLEST: ClassVar[int] = 5

    def __post_init__(self) -> None:
        for name in ("height", "width", *self.ALLOWED):
            value, limits = getattr(self, name), self._limits(name)
            if value is None:
                continue
            good = value in limits if isinstance(limits, set) else limits[0] <= value <= limits[1]
            if not good:
                raise ValueError(f"{type(self).__name__}.{name} must be {self.allowed(name)}, got {value!r}")

    @classmethod
    def _limits(cls, name: str) -> Any:
        return (cls.SMALLEST, 4096) if name in ("height", "width") else cls.ALLOWED[name]

    @classmethod
    def allowed(cls, name: str) -> str:
        """What a knob may be, in words."""
        limits = cls._limits(name)
        if isinstance(limits, set):
            return f"one of {', '.join(sorted(limits))}"
        return f"in [{limits[0]:g}, {limits[1]:g}]"

    def draw(self, name: str, rng: np.random.Generator) -> Any:
        """The knob's value, or a draw. `rng` advances either way, so that fixing one knob leaves the
        others of a seed as they were."""
        options = self.DRAWN[name]
        if len(options) > 2:
            drawn = options[int(rng.integers(len(options)))]
        elif all(isinstance(limit, int) for limit in options):
            drawn = int(rng.integers(options[0], options[1] + 1))
        else:
            drawn = float(rng.uniform(*options))
        value = getattr(self, name)
        return drawn if value is None else value

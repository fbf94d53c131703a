"""Settings of a critic and of its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pilotfish.policies.manipulation.settings import load_settings, save_settings

METHODS = ("calql", "iql")
HORIZONS = ("chunk", "first")


@dataclass(frozen=True)
class VGPSConfig:
    """How a critic is built and trained.

    Attributes:
        method: "calql" (Nakamoto et al., 2023) or "iql" (Kostrikov et al., 2021).
        horizon: what is judged: the whole "chunk", or only its "first" action.
        heads: critics of the ensemble; the least of them counts.
        width, layers: of each.
        gamma: discount of a whole chunk; a chunk without success costs about 1.
        conservatism: weight of the calibrated conservative term ("calql").
        expectile: of the state's value ("iql").
        samples: chunks of the base policy for each state of the data ("calql"); drawn once.
        steps, batch, learning_rate, tau: of the optimiser and of the target network.
        held_out: share of the episodes that the critic is judged on, not trained on.
        seed: of weights and draws.
    """

    method: str = "iql"
    horizon: str = "chunk"
    heads: int = 2
    width: int = 256
    layers: int = 2
    gamma: float = 0.95
    conservatism: float = 5.0
    expectile: float = 0.7
    samples: int = 4
    steps: int = 6000
    batch: int = 256
    learning_rate: float = 3e-4
    tau: float = 0.01
    held_out: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method {self.method!r} is not one of {', '.join(METHODS)}")
        if self.horizon not in HORIZONS:
            raise ValueError(f"horizon {self.horizon!r} is not one of {', '.join(HORIZONS)}")
        for name in ("heads", "width", "layers", "samples", "steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("gamma", "expectile", "held_out"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in (0, 1), got {getattr(self, name)}")
        if not 0 <= self.conservatism < float("inf"):
            raise ValueError(f"conservatism must not be negative, got {self.conservatism}")
        for name in ("learning_rate", "tau"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {getattr(self, name)}")

    @classmethod
    def load(cls, path: str | Path) -> VGPSConfig:
        """Read a YAML file. Raises as ``load_settings``."""
        return load_settings(cls, path)

    def save(self, path: str | Path) -> None:
        """Write a YAML file."""
        save_settings(self, path)

"""Configuration of a follower, saved beside its weights."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from pilotfish.policies.follower.features import N_FEATURES
from pilotfish.policies.models import config_values


@dataclass(frozen=True)
class FollowerConfig:
    """What a trained follower needs beside its weights.

    Attributes:
        hidden: widths of the two hidden layers.
        dynamic_weight, lane_cost: of the planner the network was trained with.
        negotiate: the network's choices are wishes that priority inheritance resolves (track with
            communication); otherwise they are executed as they are (same information).
        temperature: of the sampled actions; 1 as trained, towards 0 the best action.
        n_features: length of the feature vector the weights belong to.
    """

    hidden: tuple[int, int] = (192, 128)
    dynamic_weight: float = 0.3
    lane_cost: float = 0.8
    negotiate: bool = False
    temperature: float = 1.0
    n_features: int = N_FEATURES

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            raise ValueError(f"temperature must be positive, got {self.temperature}")
        if self.dynamic_weight < 0:
            raise ValueError(f"dynamic_weight must not be negative, got {self.dynamic_weight}")
        if self.n_features != N_FEATURES:
            raise ValueError(
                f"these weights were trained on {self.n_features} features, this version makes {N_FEATURES}: "
                "train again, or use the version that trained them"
            )

    @classmethod
    def load(cls, folder: Path) -> FollowerConfig:
        """Read ``config.json``.

        Raises:
            FileNotFoundError: no such file.
            ValueError: malformed, an unknown key, or a bad value.
        """
        raw = config_values(folder, cls)
        if "hidden" in raw:
            raw["hidden"] = tuple(raw["hidden"])
        return cls(**raw)

    def save(self, folder: Path) -> None:
        """Write ``config.json``."""
        values = {"policy": "follower", **dataclasses.asdict(self)}
        (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

"""Configuration of a learned explorer, saved beside its weights."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from pilotfish.policies.ir2.features import N_EDGE, N_GLOBAL, N_NODE
from pilotfish.policies.models import config_values


@dataclass(frozen=True)
class IR2Config:
    """What a trained explorer needs beside its weights.

    Attributes:
        width: of the embeddings; heads, layers: of the attention encoder.
        clip: logits of the pointer lie in [-clip, clip] (before the planner's leaning is added).
        every: the pointer chooses anew every so many strides, or when other robots are in reach than were;
            a policy also when its target is none any more, a training not.
        temperature: of sampled choices; 0 takes the best.
        pointer: whether the graph network chooses; else the planner does, on promising frontiers.
        spare: frontiers that together hide less than this share of what is known are looked at last
            (``prospects``); 0 looks at all.
        doubt: while there is no news, ever less is spared; after so long, nothing [s].
        keep, apart, border: of the planner that prices the options (``territory.TerritoryPolicy``).
        n_node, n_edge, n_global: sizes of the features that the weights belong to.
    """

    width: int = 64
    heads: int = 4
    layers: int = 3
    clip: float = 10.0
    every: int = 4
    temperature: float = 0.0
    pointer: bool = True
    spare: float = 0.008
    doubt: float = 2000.0
    keep: float = 15.0
    apart: float = 0.2
    border: float = 300.0
    n_node: int = N_NODE
    n_edge: int = N_EDGE
    n_global: int = N_GLOBAL

    def __post_init__(self) -> None:
        if self.width < 1 or self.width % self.heads:
            raise ValueError(f"width {self.width} must be a positive multiple of heads, {self.heads}")
        if self.layers < 1 or self.every < 1:
            raise ValueError(f"layers and every must be at least 1, got {self.layers} and {self.every}")
        if self.temperature < 0:
            raise ValueError(f"temperature must not be negative, got {self.temperature}")
        if not 0 <= self.spare <= 1:
            raise ValueError(f"spare must lie in [0, 1], got {self.spare}")
        if not self.doubt > 0:
            raise ValueError(f"doubt must be positive, got {self.doubt}")
        made = (N_NODE, N_EDGE, N_GLOBAL)
        if (self.n_node, self.n_edge, self.n_global) != made:
            raise ValueError(
                "these weights were trained on features of sizes "
                f"{(self.n_node, self.n_edge, self.n_global)}, this version makes {made}: "
                "train again, or use the version that trained them"
            )

    @classmethod
    def load(cls, folder: Path) -> IR2Config:
        """Read ``config.json``.

        Raises:
            FileNotFoundError: no such file.
            ValueError: malformed, an unknown key, or a bad value.
        """
        return cls(**config_values(folder, cls))

    def save(self, folder: Path) -> None:
        """Write ``config.json``."""
        values = {"policy": "ir2", **dataclasses.asdict(self)}
        (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

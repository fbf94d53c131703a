"""Settings of a critic and of its training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pilotfish.policies.manipulation.settings import Settings

METHODS = ("calql", "iql")
HORIZONS = ("chunk", "first")


@dataclass(frozen=True)
class VGPSConfig(Settings):
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
        self.require_choice("method", METHODS)
        self.require_choice("horizon", HORIZONS)
        self.require_counts("heads", "width", "layers", "samples", "steps", "batch")
        self.require_between(0, 1, "gamma", "expectile", "held_out")
        self.require_between(0, math.inf, "conservatism", ends="[")
        self.require_between(0, 1, "learning_rate", "tau", ends="]")

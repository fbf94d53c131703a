"""Settings of a steering run, from a dataclass or a YAML file."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pilotfish.policies.dsrl.parameterisation import PARAMETERISATIONS
from pilotfish.policies.manipulation.settings import Settings

ALGORITHMS = ("sac", "na")


@dataclass(frozen=True)
class DSRLConfig(Settings):
    """All of a run.

    Attributes:
        algorithm: "sac" or "na".
        parameterisation: of the noise, see PARAMETERISATIONS; rank: of "low_rank".
        bound: noise is in [-bound, bound].
        gamma: discount of a chunk; the reward is -1 for a whole chunk without success.
        warm_up: chunks of w ~ N(0, I) before learning.
        utd: updates of the critics for each chunk; actor_every: of them to one of the actor.
        learning_rate, batch, tau: of SAC; buffer: transitions kept.
        alpha: weight of the entropy; None: learned from initial_alpha on, to an entropy of
            target_entropy for each number of w (noise scaled to [-1, 1], so at most log 2).
        width, layers, activation, layer_norm, critics: of the networks.
        aliases, recent, denoise, distill, actor_share, demonstration_share: of "na", see ``DSRLNA``.
        probe_episodes: for each policy measured before training begins; 0 measures nothing.
        candidates: of the search for the best constant noise.
        evaluate_every: environment steps between evaluations of the deterministic actor; 0 for none.
        evaluate_episodes: of each.
    """

    algorithm: str = "sac"
    parameterisation: str = "full"
    rank: int = 2
    bound: float = 1.5
    gamma: float = 0.97
    warm_up: int = 300
    utd: int = 4
    actor_every: int = 2
    learning_rate: float = 3e-4
    batch: int = 256
    tau: float = 0.005
    buffer: int = 20_000
    alpha: float | None = None
    initial_alpha: float = 0.05
    target_entropy: float = -1.0
    width: int = 128
    layers: int = 2
    activation: str = "relu"
    layer_norm: bool = True
    critics: int = 2
    aliases: int = 8
    recent: int = 512
    denoise: int = 64
    distill: int = 1
    actor_share: float = 0.5
    demonstration_share: float = 0.5
    probe_episodes: int = 50
    candidates: int = 16
    evaluate_every: int = 0
    evaluate_episodes: int = 50

    def __post_init__(self) -> None:
        self.require_choice("algorithm", ALGORITHMS)
        self.require_choice("parameterisation", PARAMETERISATIONS)
        self.require_choice("activation", ("tanh", "relu", "silu"))
        self.require_counts("rank", "warm_up", "utd", "actor_every", "batch", "buffer", "width", "layers")
        self.require_counts("critics", "aliases", "recent", "denoise", "distill")
        self.require_counts("candidates", "evaluate_episodes")
        self.require_between(0, math.inf, "bound", "learning_rate", "initial_alpha")
        self.require_between(0, 1, "gamma")
        self.require_between(0, 1, "tau", ends="]")
        self.require_between(0, 1, "actor_share", "demonstration_share", ends="[")
        if self.alpha is not None:
            self.require_between(0, math.inf, "alpha", ends="[")
        if self.denoise > self.recent:
            raise ValueError(f"denoise {self.denoise} must not exceed recent {self.recent}")

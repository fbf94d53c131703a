"""Settings of a base policy's training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pilotfish.policies.manipulation.settings import Settings

DENOISERS = ("mlp", "unet")
DIFFUSION_STEPS = 100
"""Of training; LeRobot's default."""


@dataclass(frozen=True)
class DiffusionSettings(Settings):
    """How a base policy is built and trained.

    Attributes:
        denoiser: "mlp" or "unet" (LeRobot's own).
        chunk: actions that are generated and executed at once.
        hidden: widths of the perceptron's layers.
        down_dims: widths of the U-Net's stages; ``chunk`` must be a multiple of 2 to the number of them.
        denoising_steps: of DDIM, when acting; at most DIFFUSION_STEPS.
        steps: of the optimiser.
        batch, learning_rate: of Adam; the rate falls to zero along a cosine.
        averaging: decay of the moving average of the weights that is saved.
        least_spread: observations are divided by their standard deviation, or by this where it is smaller, so
            that what hardly moves is not blown up [m or 1].
    """

    denoiser: str = "mlp"
    chunk: int = 4
    hidden: tuple[int, ...] = (256, 256, 256)
    down_dims: tuple[int, ...] = (32, 64)
    denoising_steps: int = 8
    steps: int = 12_000
    batch: int = 256
    learning_rate: float = 1e-3
    averaging: float = 0.999
    least_spread: float = 0.02

    def __post_init__(self) -> None:
        self.require_choice("denoiser", DENOISERS)
        self.require_counts("chunk", "denoising_steps", "steps", "batch")
        self.require_between(0, math.inf, "learning_rate", "least_spread")
        self.require_between(0, 1, "averaging", ends="[")
        self.require_between(1, DIFFUSION_STEPS, "denoising_steps", ends="[]")
        if self.denoiser == "unet" and self.chunk % 2 ** len(self.down_dims):
            raise ValueError(
                f"chunk {self.chunk} is no multiple of {2 ** len(self.down_dims)}: the U-Net halves it "
                f"{len(self.down_dims)} times (down_dims)"
            )

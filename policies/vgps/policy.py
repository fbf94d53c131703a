"""Value guidance: several chunks are drawn, the critic says which one is executed.

Nakamoto et al., "Steering Your Generalists: Improving Robotic Foundation Models via Value Guidance" (CoRL
2024).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.dsrl.policy import SteeredPolicy
from pilotfish.policies.manipulation.chunks import DiffusionPolicy, Observations, flatten

SELECTIONS = ("value", "random")


class Sampler(Protocol):
    """What offers several chunks for each observation."""

    name: str
    chunk_shape: tuple[int, int]

    def __call__(
        self, observations: Observations, k: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks float32 [B, k, n, A]."""
        ...


class Value(Protocol):
    """What says how good chunks are."""

    def __call__(self, states: NDArray[np.float32], chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """States [B, S] and chunks [B, n, A] -> values [B]."""
        ...


class BaseSampler:
    """Chunks of a diffusion policy from noise of N(0, I)."""

    def __init__(self, base: DiffusionPolicy) -> None:
        self.base, self.name, self.chunk_shape = base, base.name, base.chunk_shape

    def __call__(
        self, observations: Observations, k: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks [B, k, n, A], of one call of the policy."""
        count = len(next(iter(observations.values())))
        noise = random.standard_normal((count * k, *self.base.noise_shape), np.float32)
        return self._denoise(observations, noise, count, k)

    def _denoise(
        self, observations: Observations, noise: NDArray[np.float32], count: int, k: int
    ) -> NDArray[np.float32]:
        seen = {name: np.repeat(values, k, axis=0) for name, values in observations.items()}
        return self.base.sample(seen, noise).reshape(count, k, *self.chunk_shape)


class SteeredSampler(BaseSampler):
    """Chunks around those of a steered policy: its noise, moved by a little.

    Args:
        steered: its actor is asked; the first of the k chunks is the one it would execute.
        spread: standard deviation of what is added to the actor's noise.
    """

    def __init__(self, steered: SteeredPolicy, spread: float = 0.25) -> None:
        super().__init__(steered.base)
        self.name, self.spread = steered.name, spread
        self.actor, self.features = steered.actor, steered.features
        self.parameterisation: Parameterisation = steered.parameterisation

    def __call__(
        self, observations: Observations, k: int, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks [B, k, n, A]."""
        seen = {name: observations[name] for name in self.features or observations}
        w = np.repeat(self.actor(flatten(seen)), k, axis=0)
        count = len(w) // k
        moved = self.spread * random.standard_normal(w.shape, np.float32)
        moved.reshape(count, k, -1)[:, 0] = 0.0
        return self._denoise(observations, self.parameterisation.expand(w + moved), count, k)


class ValueGuided:
    """Draws k chunks for each observation and executes the best, or a draw of softmax(value / temperature).

    Args:
        sampler: offers chunks; a diffusion policy is asked with noise of N(0, I).
        value: says how good they are; not asked where ``select`` is "random".
        k: chunks offered.
        temperature: 0 takes the best.
        select: "value", or "random" as control.

    Raises:
        ValueError: k < 1, a negative temperature, or another way to select.
    """

    def __init__(
        self,
        sampler: Sampler | DiffusionPolicy,
        value: Value | None,
        k: int = 16,
        temperature: float = 0.0,
        select: str = "value",
        name: str = "vgps",
    ) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be a number of at least 0, got {temperature}")
        if select not in SELECTIONS or (select == "value" and value is None):
            raise ValueError(
                f"select {select!r} is not one of {', '.join(SELECTIONS)}, or has no value to ask"
            )
        self.sampler: Sampler = BaseSampler(sampler) if isinstance(sampler, DiffusionPolicy) else sampler
        self.value, self.k, self.temperature, self.select = value, k, temperature, select
        self.name, self.chunk_shape = name, sampler.chunk_shape
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Draw from the seed on."""
        self._random = np.random.default_rng(seed)

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks float32 [B, n, A]."""
        chunks = self.sampler(observations, self.k, self._random)
        count = len(chunks)
        if self.select == "random":
            return chunks[np.arange(count), self._random.integers(self.k, size=count)]
        states = np.repeat(flatten(observations), self.k, axis=0)
        assert self.value is not None
        values: NDArray = self.value(states, chunks.reshape(-1, *self.chunk_shape)).reshape(count, self.k)
        if self.temperature > 0:
            values = values / self.temperature + self._random.gumbel(size=values.shape)
        return chunks[np.arange(count), values.argmax(axis=1)]

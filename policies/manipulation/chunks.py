"""What manipulation policies promise: a frozen sampler of action chunks, and the policies that hold one.

Observations are named as LeRobot names its features (``observation.state``,
``observation.environment_state``): a mapping of arrays float32 [B, ...], raw (not normalised). A chunk is the
next ``n`` actions, float32 [n, A], in the units of the task's action space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Observations = Mapping[str, NDArray[np.float32]]


@runtime_checkable
class DiffusionPolicy(Protocol):
    """A frozen generative policy that is a function of its observation and its initial noise.

    Attributes:
        name: as in the registry.
        noise_shape: (H, A) of one sample's initial noise, standard normal by training.
        chunk_shape: (n, A) of one sample's chunk; n <= H.
        fingerprint: of its weights: what was made for it (an actor, a constant noise) fits no other policy,
            whatever that one is called.
    """

    name: str
    fingerprint: str
    noise_shape: tuple[int, int]
    chunk_shape: tuple[int, int]

    def sample(self, observations: Observations, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations [B, ...], noise [B, H, A] -> chunks float32 [B, n, A]; the same for the same input."""
        ...


@runtime_checkable
class ChunkPolicy(Protocol):
    """What acts: decides on the next chunk of each of several episodes.

    Attributes:
        name: as in the registry.
        chunk_shape: (n, A) of one chunk.
    """

    name: str
    chunk_shape: tuple[int, int]

    def reset(self, seed: int) -> None:
        """Start anew: every random draw afterwards follows from the seed."""
        ...

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks float32 [B, n, A]."""
        ...


def flatten(observations: Observations) -> NDArray[np.float32]:
    """All features side by side, by name: float32 [B, S]; what critics and actors in noise space are fed."""
    parts = [np.asarray(observations[name], np.float32) for name in sorted(observations)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

"""Ways to write a sample's initial noise with fewer numbers: w [D] -> noise [H, A].

The base policy was trained on standard normal noise, so each way maps w ~ N(0, I) to entries of mean 0 and
variance 1. Only ``full`` keeps them independent over the chunk: the others are smoother in time than what the
policy was trained on, which some policies bear and others do not. Measure first (``constant.probe``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PARAMETERISATIONS = {
    "full": "every entry by itself: D = H * A",
    "repeated": "one row, repeated over the chunk: D = A",
    "low_rank": "rank smooth curves an action: D = rank * A",
}
"""Name -> what it is."""


class Parameterisation:
    """Noise = basis @ coefficients, for each action by itself.

    noise[h, a] = sum_r basis[h, r] w[r, a]. For ``low_rank`` the basis is that of the discrete cosine
    transform, basis[h, r] ~ cos(pi r (h + 1/2) / H), r = 0 .. rank - 1, with every row scaled to length 1, so
    that the variance of each entry is 1; entries near in time are correlated.

    Args:
        name: one of PARAMETERISATIONS.
        noise_shape: (H, A) of the base policy.
        rank: curves an action, of ``low_rank``.

    Attributes:
        basis: float32 [H, R].
        dim: D, how many numbers w has.

    Raises:
        ValueError: an unknown name, or a rank outside 1 .. H.
    """

    def __init__(self, name: str, noise_shape: tuple[int, int], rank: int = 2) -> None:
        if name not in PARAMETERISATIONS:
            raise ValueError(f"no parameterisation {name!r}: choose one of {', '.join(PARAMETERISATIONS)}")
        rows, self.actions = noise_shape
        if name == "low_rank" and not 1 <= rank <= rows:
            raise ValueError(f"rank {rank} must lie in 1 .. {rows}, the rows of the noise")
        self.name, self.noise_shape, self.rank = name, (rows, self.actions), rank
        if name == "full":
            basis = np.eye(rows)
        elif name == "repeated":
            basis = np.ones((rows, 1))
        else:
            phase = (np.arange(rows)[:, None] + 0.5) * np.arange(rank)
            basis = np.cos(np.pi * phase / rows)
            basis /= np.linalg.norm(basis, axis=1, keepdims=True)
        self.basis: NDArray[np.float32] = basis.astype(np.float32)
        self.dim = self.basis.shape[1] * self.actions

    def expand(self, w: NDArray[np.float32]) -> NDArray[np.float32]:
        """Coefficients [B, D] -> noise float32 [B, H, A]."""
        w = np.asarray(w, np.float32).reshape(len(w), -1, self.actions)
        return np.matmul(self.basis, w)

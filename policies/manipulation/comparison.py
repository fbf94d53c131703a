"""Success of policies side by side: means, intervals, paired differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


def resampled_means(success: NDArray[np.bool_], seed: int = 0) -> NDArray[np.float64]:
    """Means of bootstrap samples: seeds and starts are both drawn anew.

    Args:
        success: bool [seeds, starts]; a seed is one of training, or of a policy's draws.

    Returns: float64 [RESAMPLES]; the same draws for the same shape and seed, so that differences are paired.
    """
    seeds, starts = success.shape
    rng = np.random.default_rng(seed)
    rows = rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds
    columns = rng.multinomial(starts, np.full(starts, 1 / starts), RESAMPLES) / starts
    return np.einsum("rs,st,rt->r", rows, success.astype(np.float64), columns, optimize=True)


def interval(values: NDArray[np.float64]) -> list[float]:
    """95 % of the values: [low, high]."""
    return [float(edge) for edge in np.percentile(values, (2.5, 97.5))]


def success_row(success: NDArray[np.bool_], steps: NDArray[np.int64]) -> dict[str, Any]:
    """Row entries of one policy on one task: ``n``, ``success_rate``, ``steps`` and their intervals."""
    seeds = [float(rate) for rate in success.mean(axis=1)]
    return {
        "n": int(success.size),
        "success_rate": float(success.mean()),
        "success_rate_ci95": interval(resampled_means(success)),
        "worst_seed": min(seeds),
        "steps": float(steps.mean()),
        "success_of_seeds": seeds,
    }


def paired_row(success: NDArray[np.bool_], baseline: NDArray[np.bool_]) -> dict[str, Any]:
    """Difference of success to a baseline on the same starts, and its interval."""
    return {
        "difference": float(success.mean() - baseline.mean()),
        "difference_ci95": interval(resampled_means(success) - resampled_means(baseline)),
    }

"""Rows over episodes, and paired comparisons of policies that met the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.ir2.episode import METRICS

GROUP = ("set", "robots", "radio", "protocol")
"""What policies are compared within."""

BOUND = "full_comm"
"""The policy that ``path_ratio`` is relative to."""

BASELINES = ("hungarian", "hungarian_lastseen")
"""The better one of them, by mean path, is the baseline where none is named."""

RESAMPLES = 10_000

Interval = Callable[[list[float]], tuple[float, list[float] | None]]


def wilson(successes: int, n: int) -> list[float]:
    """95 % interval [low, high] of a share, by Wilson's score."""
    z = 1.959964
    share, square = successes / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * np.sqrt(share * (1 - share) / n + square / (4 * n))
    low = middle - half if successes else 0.0
    high = middle + half if successes < n else 1.0
    return [float(low), float(high)]


class Pairing:
    """Paths of several policies in the episodes that all of them have met, resampled together.

    Args:
        episodes: of one group, any order.

    Attributes:
        n: episodes that all policies have.
    """

    def __init__(self, episodes: Sequence[Mapping[str, Any]]) -> None:
        paths: dict[str, dict[tuple, float]] = {}
        for row in episodes:
            key = (row["map"], row["map_hash"], row["seed"], row["cap"])
            paths.setdefault(row["policy"], {})[key] = row["path_length"]
        common = sorted(set.intersection(*(set(values) for values in paths.values())))
        self.policies = list(paths)
        self.n = len(common)
        if not self.n:
            return
        values = np.array([[paths[policy][key] for key in common] for policy in self.policies])
        self._mean = dict(zip(self.policies, values.mean(axis=1).tolist(), strict=True))
        draws = np.random.default_rng(0).integers(0, self.n, (RESAMPLES, self.n))
        self._resampled: dict[str, NDArray[np.float64]] = {
            policy: row[draws].mean(axis=1) for policy, row in zip(self.policies, values, strict=True)
        }

    def ratio(self, policy: str, against: str) -> tuple[float, list[float] | None]:
        """Mean path of one over that of the other, and its 95 % interval by the bootstrap."""
        ratio = self._mean[policy] / self._mean[against]
        if self.n < 2:
            return ratio, None
        low, high = np.quantile(self._resampled[policy] / self._resampled[against], [0.025, 0.975])
        return ratio, [float(low), float(high)]

    def baseline(self, named: str | None) -> str | None:
        """The one named, or the better of BASELINES; None where it is not among the policies."""
        candidates = [p for p in ([named] if named else BASELINES) if p in self.policies]
        return min(candidates, key=self._mean.__getitem__) if candidates and self.n else None


def summarise(
    episodes: Sequence[Mapping[str, Any]], interval: Interval, baseline: str | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of policies, and of pairs of policies.

    Args:
        episodes: rows of ``evaluation.run_case``.
        interval: values -> (mean, [low, high] or None).
        baseline: what ``path_vs_baseline`` is relative to.

    Returns: one row a group and policy, with the mean of each metric, ``path_ratio`` (mean path over that of
    BOUND) and ``path_vs_baseline`` (relative difference of means, negative is shorter); and one a
    group and ordered pair of policies, with ``path_ratio``. All with 95 % intervals, over ``n`` episodes.
    """
    groups: dict[tuple, dict[str, list[Mapping[str, Any]]]] = {}
    for row in episodes:
        group = groups.setdefault(tuple(row[name] for name in GROUP), {})
        group.setdefault(row["policy"], []).append(row)
    rows, pairs = [], []
    for key, group in groups.items():
        names = dict(zip(GROUP, key, strict=True))
        pairing = Pairing([row for members in group.values() for row in members])
        compare_with = pairing.baseline(baseline)
        for policy, members in group.items():
            row = {"policy": policy, **names, **_means(members, interval)}
            if pairing.n:
                row |= _relative(pairing, policy, compare_with)
                pairs += [
                    {"policy": policy, "against": other, **names, "n": pairing.n}
                    | _ratio(pairing, policy, other)
                    for other in group
                    if other != policy
                ]
            rows.append(row)
    return rows, pairs


def _means(episodes: Sequence[Mapping[str, Any]], interval: Interval) -> dict[str, Any]:
    n = len(episodes)
    successes = sum(row["success"] for row in episodes)
    row: dict[str, Any] = {
        "radio_used": episodes[0]["radio_used"],
        "n": n,
        "success_rate": successes / n,
        "success_rate_ci95": wilson(successes, n),
    }
    for metric in METRICS:
        row[metric], row[f"{metric}_ci95"] = interval([float(e[metric]) for e in episodes])
    return row


def _ratio(pairing: Pairing, policy: str, against: str) -> dict[str, Any]:
    ratio, interval = pairing.ratio(policy, against)
    return {"path_ratio": ratio, "path_ratio_ci95": interval}


def _relative(pairing: Pairing, policy: str, baseline: str | None) -> dict[str, Any]:
    row = _ratio(pairing, policy, BOUND) if BOUND in pairing.policies else {}
    if baseline is not None and policy != baseline:
        ratio, interval = pairing.ratio(policy, baseline)
        row["baseline"] = baseline
        row["path_vs_baseline"] = ratio - 1
        row["path_vs_baseline_ci95"] = interval and [end - 1 for end in interval]
    return row | {"n_paired": pairing.n}

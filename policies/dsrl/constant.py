"""What noise does without learning: measured before training, and reported beside it.

Steering is worth its training only where it beats w = 0 and the best constant w. A parameterisation under
which the base policy fails with w ~ N(0, I) is no good start for it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.table import Table

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.parameterisation import PARAMETERISATIONS, Parameterisation
from pilotfish.policies.dsrl.policy import ConstantNoise, SampledNoise
from pilotfish.policies.manipulation.chunks import ChunkPolicy, DiffusionPolicy, Observations, flatten
from pilotfish.policies.manipulation.evaluation import Evaluator
from pilotfish.worlds.manipulation.seeds import TUNING

ROUNDS = ((12, 1 / 3), (32, 0.4), (96, 0.0))
"""Of the search: episodes for each candidate that is left, and the share that stays (at least one)."""


@dataclass(frozen=True)
class Probe:
    """What was measured before training.

    Attributes:
        success: name -> success rate: "base/full" and so on, "w0", "wbest".
        episodes: of each of them.
        parameterisation, rank: of the best constant noise.
        best: w [D] of it.
        fingerprint: of the base policy.
    """

    success: dict[str, float]
    episodes: int
    parameterisation: str
    rank: int
    best: list[float]
    fingerprint: str

    def best_noise(self, base: DiffusionPolicy) -> NDArray[np.float32]:
        """The best constant noise [H, A], for ``ConstantNoise``. Raises ValueError for another policy's."""
        if self.fingerprint != base.fingerprint:
            raise ValueError(
                f"this constant noise was searched for a policy of weights {self.fingerprint}, not for "
                f"{base.name!r} of {base.fingerprint}"
            )
        kind = Parameterisation(self.parameterisation, base.noise_shape, self.rank)
        return kind.expand(np.array([self.best], np.float32))[0]

    def table(self) -> Table:
        """To print."""
        table = Table("noise", "success", title=f"Before training ({self.episodes} episodes each)")
        for name, value in self.success.items():
            table.add_row(name, f"{value:.2f}")
        return table

    def save(self, path: Path) -> None:
        """Write JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Probe:
        """Read JSON. Raises FileNotFoundError, ValueError."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path}: {error}") from error


class _Recording:
    """A policy that keeps the states it was asked about."""

    def __init__(self, policy: ChunkPolicy, features: Sequence[str]) -> None:
        self.name, self.chunk_shape, self._policy = policy.name, policy.chunk_shape, policy
        self._features = features
        self.states: list[NDArray[np.float32]] = []

    def reset(self, seed: int) -> None:
        self._policy.reset(seed)

    def act(self, observations: Observations) -> NDArray[np.float32]:
        self.states.append(flatten({name: observations[name] for name in self._features}))
        return self._policy.act(observations)


def search_constant(
    evaluate: Evaluator,
    base: DiffusionPolicy,
    parameterisation: Parameterisation,
    candidates: int,
    bound: float,
    seed: int = 0,
    on_episode: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """The best constant w [D] of w = 0 and some of N(0, I) cut to the bound, by successive halving.

    Every round runs the candidates that are left on the same starts, more of them than the round before.
    """
    random = np.random.default_rng(seed)
    left = random.standard_normal((candidates, parameterisation.dim), np.float32).clip(-bound, bound)
    left[0] = 0.0
    first = TUNING.start
    for episodes, stays in ROUNDS:
        if len(left) == 1:
            break
        starts, first = range(first, first + episodes), first + episodes
        noise = parameterisation.expand(left)
        rates = [
            evaluate(ConstantNoise(base, one), starts, on_episode=on_episode).success.mean() for one in noise
        ]
        order = np.argsort(-np.array(rates), kind="stable")  # of equals w = 0 comes first
        left = left[order[: max(1, round(stays * len(left)))]]
    return left[0]


def states_of(
    task_factory: Callable[[], Any], base: DiffusionPolicy, episodes: int = 20, seed: int = 0
) -> NDArray[np.float32]:
    """States [N, S] that the base policy comes through in some episodes, to normalise by."""
    evaluate = Evaluator(task_factory)
    recording = _Recording(SampledNoise(base), _features(task_factory))
    evaluate(recording, range(TUNING.start, TUNING.start + episodes), seed)
    return np.concatenate(recording.states)


def _features(task_factory: Callable[[], Any]) -> list[str]:
    task = task_factory()
    names = sorted(task.observation_space.spaces)
    task.close()
    return names


def probe(
    task_factory: Callable[[], Any],
    base: DiffusionPolicy,
    settings: DSRLConfig,
    seed: int = 0,
) -> tuple[Probe, NDArray[np.float32]]:
    """Measure the base policy under each parameterisation, w = 0 and the best constant w, on tuning starts.

    Returns:
        what was measured, and the states [N, S] that the base policy came through.
    """
    evaluate = Evaluator(task_factory)
    features = _features(task_factory)
    kinds = {name: Parameterisation(name, base.noise_shape, settings.rank) for name in PARAMETERISATIONS}
    chosen = kinds[settings.parameterisation]
    # The search has starts of its own: what is chosen on them must prove itself on others.
    starts = range(TUNING.start + 2**16, TUNING.start + 2**16 + settings.probe_episodes)
    states: list[NDArray[np.float32]] = []
    success: dict[str, float] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, Remaining(), transient=True) as bar:
        planned = (len(kinds) + 2) * len(starts) + _search_episodes(settings.candidates)
        shown = bar.add_task("before training", total=planned)
        advance: Callable[[], None] = lambda: bar.advance(shown)  # noqa: E731
        best = search_constant(
            evaluate, base, chosen, settings.candidates, settings.bound, seed, on_episode=advance
        )
        policies: dict[str, ChunkPolicy] = {
            f"base/{name}": SampledNoise(base, kind) for name, kind in kinds.items()
        }
        policies["w0"] = ConstantNoise(base)
        policies["wbest"] = ConstantNoise(base, chosen.expand(best[None])[0], "wbest")
        for name, policy in policies.items():
            recording = _Recording(policy, features)
            success[name] = float(evaluate(recording, starts, seed, advance).success.mean())
            states += recording.states
    constant = [float(x) for x in best]
    measured = Probe(success, len(starts), chosen.name, chosen.rank, constant, base.fingerprint)
    return measured, np.concatenate(states)


def _search_episodes(candidates: int) -> int:
    total = 0
    for episodes, stays in ROUNDS:
        if candidates == 1:
            break
        total += episodes * candidates
        candidates = max(1, round(stays * candidates))
    return total

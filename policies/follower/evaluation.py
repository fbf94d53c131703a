"""Throughput of fleet policies on maps and seeds: the figures of ``pilotfish eval follower``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import numpy as np

from pilotfish.policies.fleet import FleetPolicy
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.rollout import Rollout, rollout

METRICS = ("throughput", "throughput_largest", "decision_us", "step_us")


@dataclass(frozen=True)
class Case:
    """One episode to run: a policy by name in a map of a set, with a seed."""

    policy: str
    set: str
    grid: GridMap
    agents: int
    seed: int
    steps: int


@dataclass(frozen=True)
class Outcome:
    """What came of a case; ``result`` is None where the map has no room for the agents."""

    case: Case
    result: Rollout | None


@lru_cache(maxsize=4)
def _policy(name: str) -> FleetPolicy:
    """The policy, after a few steps in a small room: compiling is no part of a decision's time."""
    policy = make_fleet_policy(name)
    rollout(GridFleet(GridMap("room", np.zeros((6, 6), dtype=bool)), 2), policy, seed=0, steps=3)
    return policy


def run_case(case: Case) -> Outcome:
    """Run one episode.

    Raises:
        ValueError: nothing answers to the policy's name.
    """
    world = GridFleet(case.grid, case.agents)
    try:
        world.reset(case.seed)
    except ValueError:
        return Outcome(case, None)
    return Outcome(case, rollout(world, _policy(case.policy), case.seed, case.steps))


def run_cases(cases: Sequence[Case], workers: int = 1) -> Iterator[Outcome]:
    """Outcomes as they come, in processes of their own where ``workers`` > 1."""
    if workers <= 1:
        yield from map(run_case, cases)
        return
    # One thread a process: the network is small, and several processes share the cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run_case, case) for case in cases]):
            yield done.result()


def episode(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a flat row: the raw result, for paired comparisons and plots."""
    case, result = outcome.case, outcome.result
    row = {
        "policy": case.policy,
        "set": case.set,
        "map": case.grid.name,
        "agents": case.agents,
        "seed": case.seed,
        "steps": case.steps,
    }
    return row if result is None else row | {metric: getattr(result, metric) for metric in METRICS}


def summarise(
    outcomes: Sequence[Outcome], interval: Callable[[list[float]], tuple[float, list[float] | None]]
) -> list[dict[str, Any]]:
    """One row a set, agent count and policy: mean of each metric and its 95 % interval over episodes.

    Args:
        interval: values -> (mean, [low, high] or None).
    """
    groups: dict[tuple[str, int, str], list[Outcome]] = {}
    for outcome in outcomes:
        key = (outcome.case.set, outcome.case.agents, outcome.case.policy)
        groups.setdefault(key, []).append(outcome)
    rows = []
    for (name, agents, policy), group in groups.items():
        results = [outcome.result for outcome in group if outcome.result is not None]
        row: dict[str, Any] = {
            "policy": policy,
            "information": _policy(policy).information,
            "set": name,
            "agents": agents,
            "n": len(results),
            "no_room": len(group) - len(results),
        }
        for metric in METRICS if results else ():
            row[metric], row[f"{metric}_ci95"] = interval([getattr(r, metric) for r in results])
        rows.append(row)
    return rows

"""The one rollout loop: a policy in a grid fleet for an episode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.fleet import FleetObservation, FleetPolicy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.grid.scenario import connected_components


@dataclass(frozen=True)
class Rollout:
    """What came of an episode.

    Attributes:
        goals: int64 [N] goals each agent reached.
        steps: how many were made.
        largest: bool [N] agents that live in the map's largest connected component.
        decision_us: CPU time of planning, features, network and resolution [microseconds an agent and step].
        step_us: the same with the environment's step.
    """

    goals: NDArray[np.int64]
    steps: int
    largest: NDArray[np.bool_]
    decision_us: float
    step_us: float

    @property
    def throughput(self) -> float:
        """Goals a step."""
        return float(self.goals.sum()) / self.steps

    @property
    def throughput_largest(self) -> float:
        """Goals a step of the agents in the largest component."""
        return float(self.goals[self.largest].sum()) / self.steps


def rollout(
    world: GridFleet,
    policy: FleetPolicy,
    seed: int,
    steps: int,
    on_step: Callable[[FleetObservation], None] | None = None,
) -> Rollout:
    """Run ``policy`` in ``world`` for ``steps``; starts, goals and the policy's draws come from ``seed``.

    Args:
        on_step: called with each observation the policy gets, before it acts.

    Raises:
        ValueError: the map has no room for the agents, or the policy returns bad actions.
    """
    observation = world.reset(seed)
    component = connected_components(world.grid)
    sizes = np.bincount(component[component > 0])
    largest = component[observation.cell] == sizes.argmax()
    policy.reset(world.grid, world.n_agents, seed)
    goals = np.zeros(world.n_agents, dtype=np.int64)
    deciding = stepping = 0.0
    for _ in range(steps):
        if on_step is not None:
            on_step(observation)
        before = time.process_time()
        actions = policy.act(observation)
        between = time.process_time()
        observation = world.step(actions)
        stepping += time.process_time() - between
        deciding += between - before
        goals += world.reached
    scale = 1e6 / (steps * world.n_agents)
    return Rollout(goals, steps, largest, deciding * scale, (deciding + stepping) * scale)

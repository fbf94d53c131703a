"""Policies that stand on the congestion-aware planner: the base of the learned one, and the baselines.

All of them share beliefs (the planner), priorities (ticks since the last goal) and conflict resolution;
what differs is how the actions are scored.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.coordination.priority_inheritance import resolve
from pilotfish.policies.fleet import FleetObservation, Proposal
from pilotfish.policies.follower.planner import Planner
from pilotfish.worlds.maps.grid_map import GridMap


class PlannedPolicy:
    """Scores actions by the planner's cost-to-goal.

    Args:
        name: as registered.
        static: static congestion costs, or plain distances.
        dynamic_weight: weight of the agents seen, 0 for none.
        lane_cost: of moving against a lane, 0 for no lanes.
        negotiate: resolve conflicts by priority inheritance with the neighbours ("neighbours" track);
            otherwise everybody does what he likes best ("window" track).
    """

    def __init__(
        self,
        name: str,
        static: bool = True,
        dynamic_weight: float = 0.3,
        lane_cost: float = 0.8,
        negotiate: bool = True,
    ) -> None:
        self.name = name
        self.information: Literal["window", "neighbours"] = "neighbours" if negotiate else "window"
        self._static = static
        self._dynamic_weight = dynamic_weight
        self._lane_cost = lane_cost

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        """Start an episode: forget every belief, seed every draw."""
        self.planner = Planner(grid, n_agents, self._static, self._dynamic_weight, self._lane_cost)
        self.rng = np.random.default_rng(seed)
        self._goal = np.full(n_agents, -1, dtype=np.int32)
        # The fraction breaks ties between agents that wait equally long, differently in each episode.
        self._tie = self.rng.random(n_agents).astype(np.float32)
        self._waited = self._tie.copy()

    def propose(self, observation: FleetObservation) -> Proposal:
        """Update the beliefs with one observation and score the actions. Call once a tick."""
        self.planner.update(observation.cell, observation.goal, observation.window)
        self._waited = np.where(observation.goal == self._goal, self._waited + 1, self._tie)
        self._goal = observation.goal.copy()
        return Proposal(self._scores(observation), self._waited)

    def resolve(self, observation: FleetObservation, proposal: Proposal) -> NDArray[np.int8]:
        """Actions int8 [N] from proposals: the best ("window") or negotiated ("neighbours").

        The observation may hold other agents than the last ``propose`` (a robot's own proposal
        followed by those it heard).
        """
        if self.information == "window":
            return proposal.scores.argmax(axis=1).astype(np.int8)
        cells = self.planner.pad(observation.cell)
        return resolve(
            cells, proposal.scores, proposal.priority, self.planner.offsets, self.planner.costs.size
        )

    def act(self, observation: FleetObservation) -> NDArray[np.int8]:
        """``resolve(observation, propose(observation))``."""
        return self.resolve(observation, self.propose(observation))

    def _scores(self, observation: FleetObservation) -> NDArray[np.float32]:
        return self.planner.scores(self.rng)


def sample_order(logits: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Logits [N, 5] perturbed so that their order is a sample: the first is drawn from the softmax.

    Gumbel's trick: ``argmax(logits + Gumbel noise)`` is a draw from softmax(logits), the second best a
    draw from what is left, and so on.
    """
    uniform = rng.random(logits.shape, dtype=np.float32)
    return logits - np.log(-np.log(np.clip(uniform, 1e-9, 1 - 1e-7)))

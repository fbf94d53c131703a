"""Policies to compare with: published networks and a random walk."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.fleet import VIEW_RADIUS, FleetObservation, Proposal
from pilotfish.policies.follower.congestion import INF
from pilotfish.policies.follower.planned import PlannedPolicy, sample_order
from pilotfish.policies.follower.planner import Planner
from pilotfish.policies.network import OnnxNetwork
from pilotfish.worlds.maps.grid_map import GridMap


class OnnxPeer(PlannedPolicy):
    """A network trained elsewhere that takes the input of Learn to Follow (AAAI 2024).

    Input [B, 2, W, W]: channel 0 obstacles -1 and planned path +1 (from the agent on), channel 1 agents,
    itself included; output ``action_logits`` of the five actions, which are sampled. W is odd and at most 11;
    FollowerLite has W = 7.

    Raises:
        ValueError: the network's input or output is another, or W is even or too large.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(f"onnx:{Path(path).stem}", negotiate=False)
        self._network = OnnxNetwork(path, output="action_logits")
        shape = self._network.input_shape
        if len(shape) != 4 or shape[1] != 2 or shape[2] != shape[3] or not isinstance(shape[2], int):
            raise ValueError(f"{path}: expected an input of shape [B, 2, W, W], found {list(shape)}")
        widest = 2 * VIEW_RADIUS + 1
        if shape[2] % 2 == 0 or shape[2] > widest:
            raise ValueError(
                f"{path}: an input {shape[2]} cells wide does not fit: W must be odd, with the agent in the "
                f"middle, and at most {widest}, which is as far as an agent sees"
            )
        self._radius = shape[2] // 2

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        """Start an episode: forget every belief, seed every draw."""
        super().reset(grid, n_agents, seed)
        # It was trained with exact paths at every step.
        self.planner = Planner(grid, n_agents, dynamic_weight=1.0, lane_cost=0.0, local=False)
        self.planner.path_radius = self._radius

    def _scores(self, observation: FleetObservation) -> NDArray[np.float32]:
        middle = observation.window.shape[1] // 2
        crop = slice(middle - self._radius, middle + self._radius + 1)
        walls = self.planner.values[:, crop, crop] >= INF
        inputs = np.empty((len(walls), 2, *walls.shape[1:]), dtype=np.float32)
        inputs[:, 0] = np.where(walls, -1.0, self.planner.path[:, crop, crop])
        inputs[:, 0, self._radius, self._radius] = 1.0
        inputs[:, 1] = observation.window[:, crop, crop]
        return sample_order(self._network(inputs), self.rng)


class RandomPolicy:
    """Uniformly random actions: the floor of every table."""

    name = "random"
    information: Literal["window", "neighbours"] = "window"

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        """Start an episode: seed every draw."""
        self._rng = np.random.default_rng(seed)

    def propose(self, observation: FleetObservation) -> Proposal:
        """Random scores."""
        n = len(observation.cell)
        return Proposal(self._rng.random((n, 5), dtype=np.float32), np.zeros(n, dtype=np.float32))

    def resolve(self, observation: FleetObservation, proposal: Proposal) -> NDArray[np.int8]:
        """The best-scored actions int8 [N]."""
        return proposal.scores.argmax(axis=1).astype(np.int8)

    def act(self, observation: FleetObservation) -> NDArray[np.int8]:
        """``resolve(observation, propose(observation))``."""
        return self.resolve(observation, self.propose(observation))

"""The learned follower: planner and features before, a small network, then sampling or negotiation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.fleet import FleetObservation
from pilotfish.policies.follower.config import FollowerConfig
from pilotfish.policies.follower.features import Features
from pilotfish.policies.follower.planned import PlannedPolicy, sample_order
from pilotfish.policies.models import find_model
from pilotfish.policies.network import OnnxNetwork
from pilotfish.worlds.maps.grid_map import GridMap

_WISH_BONUS = np.float32(1e6)


class FollowerPolicy(PlannedPolicy):
    """A trained network that decides when to follow the planned path and when to give way.

    Args:
        config: as saved with the weights.
        network: features float32 [N, n_features] -> logits float32 [N, 5].
        folder: where the weights came from, for ``save_pretrained``.
    """

    def __init__(
        self,
        config: FollowerConfig,
        network: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        name: str = "follower",
        folder: Path | None = None,
    ) -> None:
        super().__init__(
            name, dynamic_weight=config.dynamic_weight, lane_cost=config.lane_cost, negotiate=config.negotiate
        )
        self.config = config
        self.network = network
        self._folder = folder

    @classmethod
    def from_pretrained(
        cls, name: str | Path, backend: Literal["onnx", "torch"] = "onnx", **overrides: Any
    ) -> FollowerPolicy:
        """Load a model folder, or a shipped model by name.

        Args:
            overrides: of the saved configuration, such as ``negotiate=True``.

        Raises:
            ValueError: no such model, or one that does not fit this version.
            FileNotFoundError: the folder lacks its weights.
        """
        folder = find_model(str(name)).path
        config = dataclasses.replace(FollowerConfig.load(folder), **overrides)
        if backend == "onnx":
            network = OnnxNetwork(folder / "model.onnx")
        elif backend == "torch":
            from pilotfish.policies.follower.network import TorchFollowerNetwork

            network = TorchFollowerNetwork(folder, config)
        else:
            raise ValueError(f"backend {backend!r} is not 'onnx' or 'torch'")
        return cls(config, network, folder.name, folder)

    def save_pretrained(self, folder: str | Path) -> None:
        """Copy weights and configuration into another folder.

        Raises:
            ValueError: this policy was not loaded from a folder.
        """
        if self._folder is None:
            raise ValueError("this policy has no saved weights: export its checkpoint with pilotfish models")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("model.safetensors", "model.onnx"):
            (folder / file).write_bytes((self._folder / file).read_bytes())
        self.config.save(folder)

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        """Start an episode: forget every belief, seed every draw."""
        super().reset(grid, n_agents, seed)
        self.features = Features(n_agents)

    def _scores(self, observation: FleetObservation) -> NDArray[np.float32]:
        features = self.features.update(observation, self.planner)
        logits = self.features.scores_in_map(self.network(features)) / np.float32(self.config.temperature)
        planned = super()._scores(observation)
        blocked = planned == -np.inf
        sampled = np.where(blocked, -np.inf, sample_order(logits, self.rng)).astype(np.float32)
        if not self.config.negotiate:
            return sampled
        # As in training: the network's wish first, then the planner's order.
        wish = sampled.argmax(axis=1)
        planned[np.arange(len(wish)), wish] += _WISH_BONUS
        return planned

"""The follower network in torch: training's side of the two back ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from pilotfish.policies.follower.config import FollowerConfig


class FollowerNetwork(nn.Module):
    """Features [B, n_features] -> logits [B, 5] of the actions in the turned window."""

    def __init__(self, config: FollowerConfig) -> None:
        super().__init__()
        first, second = config.hidden
        self.layers = nn.Sequential(
            nn.Linear(config.n_features, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, 5),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(features)

    @classmethod
    def from_checkpoint(cls, path: Path, config: FollowerConfig) -> FollowerNetwork:
        """The actor of a training checkpoint (``training.train``)."""
        weights = torch.load(path, weights_only=True)["policy"]
        network = cls(config)
        parts = ("pi_features_extractor.layers.0", "mlp_extractor.policy_net.0", "action_net")
        state = {
            f"layers.{2 * k}.{kind}": weights[f"{part}.{kind}"]
            for k, part in enumerate(parts)
            for kind in ("weight", "bias")
        }
        network.load_state_dict(state)
        return network


class TorchFollowerNetwork:
    """A saved network run by torch; the same call as ``OnnxNetwork``."""

    def __init__(self, folder: Path, config: FollowerConfig) -> None:
        self.network = FollowerNetwork(config)
        self.network.load_state_dict(load_file(folder / "model.safetensors"))
        self.network.eval()

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self.network(torch.from_numpy(features)).numpy()


def save_network(network: FollowerNetwork, config: FollowerConfig, folder: Path) -> None:
    """Write ``model.safetensors``, ``model.onnx`` and ``config.json`` into a model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    save_file(network.state_dict(), folder / "model.safetensors")
    torch.onnx.export(
        network,
        (torch.zeros(2, config.n_features),),
        str(folder / "model.onnx"),
        input_names=["features"],
        output_names=["logits"],
        dynamic_axes={"features": {0: "agents"}, "logits": {0: "agents"}},
        dynamo=False,
    )
    config.save(folder)

"""The explorer's network in torch: training's side of the two back ends.

An attention encoder over the belief graph (each node attends to its neighbours) and a pointer over the
options, after IR2 (section IV-C). Smaller than the paper's, and it does not start from nothing: the
planner's leaning is added to the logits, so that an untrained network is the planner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn
from torch_geometric.nn import TransformerConv, global_mean_pool

from pilotfish.policies.exploration.blocks import BLOCK, FREE, OCCUPIED
from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.features import Features
from pilotfish.policies.ir2.prospects import (
    BEYOND,
    FINE_SIDE,
    LOOKS,
    MEMBER,
    MOST_WIDE,
    N_EXTENT,
    OUTSIDE,
    SIDE,
    Views,
)


class Block(nn.Module):
    """Pre-norm attention to neighbours, then a feed-forward layer; both with a residual."""

    def __init__(self, config: IR2Config) -> None:
        super().__init__()
        width = config.width
        self.before_attention, self.before_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = TransformerConv(
            width, width // config.heads, config.heads, edge_dim=config.n_edge, root_weight=False
        )
        self.forward_layer = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, nodes: torch.Tensor, edges: torch.Tensor, edge_features: torch.Tensor) -> torch.Tensor:
        """Nodes [K, width], edges [2, E], edge features [E, n_edge] -> nodes [K, width]."""
        nodes = nodes + self.attention(self.before_attention(nodes), edges, edge_features)
        return nodes + self.forward_layer(self.before_forward(nodes))


PROSPECTS = (10, 30, 100, 300, 1000, 3000)
"""Between the classes of what lies behind a frontier [unseen free pixels]."""

BEHIND = (1.4, 17.2, 58.7, 186.0, 589.0, 1806.0, 37743.0)
"""Mean of what lies behind frontiers of each class, by 170 thousand of training maps [unseen free pixels]."""


class ProspectNetwork(nn.Module):
    """How much lies behind frontiers, by the map around them: three small towers of convolutions."""

    behind: torch.Tensor

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.coarse, self.wide = self._tower(6, width, SIDE), self._tower(4, width, SIDE)
        self.fine = self._tower(3, width, FINE_SIDE)
        self.head = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(6 * width * 4**2 + N_EXTENT, 128),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(128, len(BEHIND)),
        )
        self.register_buffer("behind", torch.tensor(BEHIND), persistent=False)

    @staticmethod
    def _tower(planes: int, width: int, side: int) -> nn.Sequential:
        """Planes [C, planes, side, side] -> [C, 2 * width * 4 * 4]."""
        layers: list[nn.Module] = []
        channels, kernel = planes, 5
        while side > 4:
            made = width if kernel == 5 else 2 * width
            layers.append(nn.Conv2d(channels, made, kernel, stride=2, padding=kernel // 2, bias=False))
            layers += [nn.BatchNorm2d(made), nn.ReLU()]
            channels, kernel, side = made, 3, side // 2
        return nn.Sequential(*layers, nn.Flatten())

    @staticmethod
    def planes(coarse: torch.Tensor, wide: torch.Tensor, fine: torch.Tensor) -> list[torch.Tensor]:
        """Views, as in ``Views``, as planes of 0 to 1: float32 [C, 6, 4 and 3, side, side]."""

        def shares(free: torch.Tensor, known: torch.Tensor, most: int) -> list[torch.Tensor]:
            beyond = (known == OUTSIDE).float()
            free, known = free.float() / most, known.float() / most
            return [plane * (1.0 - beyond) for plane in (free, known - free, 1.0 - known)] + [beyond]

        rough = shares(coarse[:, 0], coarse[:, 1], BLOCK**2)
        rough += [(coarse[:, 2] == value).float() for value in (MEMBER, BEYOND)]
        sharp = [(fine == value).float() for value in (FREE, OCCUPIED, OUTSIDE)]
        return [torch.stack(p, 1) for p in (rough, shares(wide[:, 0], wide[:, 1], MOST_WIDE), sharp)]

    def logits(self, planes: Sequence[torch.Tensor], extent: torch.Tensor) -> torch.Tensor:
        """[C, classes] of planes and extents [C, N_EXTENT]."""
        towers = zip((self.coarse, self.wide, self.fine), planes, strict=True)
        return self.head(torch.cat([*(tower(plane) for tower, plane in towers), extent], 1))

    def forward(
        self, coarse: torch.Tensor, wide: torch.Tensor, fine: torch.Tensor, extent: torch.Tensor
    ) -> torch.Tensor:
        """Unseen free pixels expected behind each frontier [C]; arguments as ``Views``."""
        return self.logits(self.planes(coarse, wide, fine), extent).softmax(1) @ self.behind


class IR2Network(nn.Module):
    """Belief graphs -> a logit for each option, and the value of the state.

    Beside it a network of its own judges frontiers: it is taught by what lay behind them (``lessons``), and
    reinforcement learning, which knows nothing of that, leaves it as it is.
    """

    def __init__(self, config: IR2Config) -> None:
        super().__init__()
        width = config.width
        self.clip = config.clip
        self.embed = nn.Linear(config.n_node, width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.state = nn.Sequential(nn.Linear(2 * width + config.n_global, width), nn.ReLU())
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.prospects = ProspectNetwork()
        # The pointer begins silent: the planner's leaning decides until training has a reason.
        nn.init.zeros_(self.query.weight)
        nn.init.zeros_(self.query.bias)

    def encode(
        self,
        nodes: torch.Tensor,
        edges: torch.Tensor,
        edge_features: torch.Tensor,
        context: torch.Tensor,
        first: torch.Tensor,
        graph: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode B graphs that lie behind each other.

        Args:
            nodes: [K, n_node]; edges: int64 [2, E]; edge_features: [E, n_edge]; context: [B, n_global].
            first: int64 [B] node of each graph's robot; graph: int64 [K] graph of each node.

        Returns: nodes [K, width], states [B, width].
        """
        hidden = self.embed(nodes)
        for block in self.blocks:
            hidden = block(hidden, edges, edge_features)
        hidden = self.norm(hidden)
        pooled = global_mean_pool(hidden, graph, size=context.shape[0])
        return hidden, self.state(torch.cat([hidden[first], pooled, context], dim=1))

    def point(self, state: torch.Tensor, option: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Logits [..., M] of options: states [..., width], option nodes [..., M, width], prior [..., M]."""
        match = (self.key(option) * self.query(state).unsqueeze(-2)).sum(-1) / option.shape[-1] ** 0.5
        return prior + self.clip * torch.tanh(match)

    def forward(
        self,
        nodes: torch.Tensor,
        edges: torch.Tensor,
        edge_features: torch.Tensor,
        context: torch.Tensor,
        option: torch.Tensor,
        prior: torch.Tensor,
    ) -> torch.Tensor:
        """One decision, as ``features.Features`` -> logits [M]."""
        zero = torch.zeros(1, dtype=torch.int64)
        graph = torch.zeros_like(nodes[:, 0], dtype=torch.int64)
        hidden, state = self.encode(nodes, edges, edge_features, context.unsqueeze(0), zero, graph)
        return self.point(state[0], hidden[option], prior)


class TorchIR2Network:
    """A saved network run by torch; the same call as ``OnnxIR2Network``."""

    def __init__(self, folder: Path, config: IR2Config) -> None:
        self.network = IR2Network(config)
        self.network.load_state_dict(load_file(folder / "model.safetensors"))
        self.network.eval()

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Logits float32 [M]."""
        with torch.inference_mode():
            return self.network(*(torch.from_numpy(array) for array in vars(features).values())).numpy()


class TorchProspects:
    """The network that judges frontiers, run by torch; the same call as ``OnnxProspects``."""

    def __init__(self, network: ProspectNetwork) -> None:
        self.network = network

    def __call__(self, views: Views) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self.network(*(torch.from_numpy(array) for array in vars(views).values())).numpy()


def save_network(network: IR2Network, config: IR2Config, folder: Path) -> None:
    """Write ``model.safetensors``, both networks as ONNX, and ``config.json`` into a model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    save_file(network.state_dict(), folder / "model.safetensors")
    names = ["nodes", "edges", "edge_features", "context", "option", "prior"]
    example = (
        torch.zeros(5, config.n_node),
        torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]]),
        torch.zeros(5, config.n_edge),
        torch.zeros(config.n_global),
        torch.tensor([1, 2, 3]),
        torch.zeros(3),
    )
    torch.onnx.export(
        network,
        example,
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={
            "nodes": {0: "nodes"},
            "edges": {1: "edges"},
            "edge_features": {0: "edges"},
            "option": {0: "options"},
            "prior": {0: "options"},
            "logits": {0: "options"},
        },
        opset_version=18,
        dynamo=False,
    )
    torch.onnx.export(
        network.prospects,
        (
            torch.zeros(3, 3, SIDE, SIDE, dtype=torch.uint8),
            torch.zeros(3, 2, SIDE, SIDE, dtype=torch.uint8),
            torch.zeros(3, FINE_SIDE, FINE_SIDE, dtype=torch.uint8),
            torch.zeros(3, N_EXTENT),
        ),
        str(folder / "prospects.onnx"),
        input_names=list(LOOKS),
        output_names=["behind"],
        dynamic_axes={name: {0: "frontiers"} for name in (*LOOKS, "behind")},
        opset_version=18,
        dynamo=False,
    )
    config.save(folder)

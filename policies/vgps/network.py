"""The networks of the critics in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CriticNetwork(nn.Module):
    """An ensemble of perceptrons over normalised features.

    Args:
        inputs: length of the features; their mean and spread are kept with the weights.
        heads, width, layers: of the ensemble.
        mean, spread: of the features, [inputs].
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        inputs: int,
        heads: int,
        width: int,
        layers: int,
        mean: Tensor | None = None,
        spread: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs) if mean is None else mean)
        self.register_buffer("spread", torch.ones(inputs) if spread is None else spread)
        self.heads = nn.ModuleList(_perceptron(inputs, width, layers) for _ in range(heads))

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, inputs], raw -> values [heads, B]."""
        normal = (features - self.mean) / self.spread
        return torch.stack([head(normal)[:, 0] for head in self.heads])


def _perceptron(inputs: int, width: int, layers: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for _ in range(layers):
        parts += [nn.Linear(inputs, width), nn.LayerNorm(width), nn.SiLU()]
        inputs = width
    return nn.Sequential(*parts, nn.Linear(inputs, 1))

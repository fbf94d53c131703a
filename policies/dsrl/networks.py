"""Networks of noise steering: small, with layer norm, the critics of an ensemble run as one.

States come in raw; each network has their mean and scale inside, so that a saved actor needs nothing else.
"""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.sac.policies import SACPolicy
from torch import nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}
LOG_STD = (-5.0, 1.0)
"""Limits of the actor's log standard deviation, before tanh."""


@dataclass(frozen=True)
class Shape:
    """What the networks of one agent share.

    Attributes:
        width, layers: of the hidden layers; activation: one of ACTIVATIONS; layer_norm: before it.
        critics: heads of each ensemble.
        mean, scale: [S] of the states; the networks see (s - mean) / scale. None: as they come.
    """

    width: int = 128
    layers: int = 2
    activation: str = "tanh"
    layer_norm: bool = True
    critics: int = 2
    mean: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None


class Normaliser(nn.Module):
    """(s - mean) / scale, cut at +-10."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, shape: Shape, size: int) -> None:
        super().__init__()
        mean = torch.zeros(size) if shape.mean is None else torch.tensor(shape.mean)
        scale = torch.ones(size) if shape.scale is None else torch.tensor(shape.scale)
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[B, S] -> [B, S]."""
        return torch.clamp((states - self.mean) / self.scale, -10.0, 10.0)


class ActorNetwork(nn.Module):
    """States -> mean and log standard deviation of the noise before tanh."""

    def __init__(self, shape: Shape, states: int, dim: int) -> None:
        super().__init__()
        self.normaliser = Normaliser(shape, states)
        layers: list[nn.Module] = []
        size = states
        for _ in range(shape.layers):
            layers.append(nn.Linear(size, shape.width))
            if shape.layer_norm:
                layers.append(nn.LayerNorm(shape.width))
            layers.append(ACTIVATIONS[shape.activation]())
            size = shape.width
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(size, 2 * dim)
        # It begins at mean 0 in every state: the best guess of a policy that was trained on N(0, I).
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States [B, S] -> mean [B, D], log std [B, D]."""
        mean, log_std = self.head(self.trunk(self.normaliser(states))).chunk(2, dim=-1)
        return mean, torch.clamp(log_std, *LOG_STD)


class SteeringActor(BasePolicy):
    """SB3's side of ``ActorNetwork``: noise in [-1, 1]^D, u = tanh(mean + std * eps), w = bound * u."""

    def __init__(self, shape: Shape, **kwargs: Any) -> None:
        super().__init__(squash_output=True, **kwargs)
        assert self.observation_space.shape and self.action_space.shape
        self.network = ActorNetwork(shape, self.observation_space.shape[0], self.action_space.shape[0])

    def forward(self, obs: torch.Tensor, deterministic: bool = False) -> torch.Tensor:
        """States [B, S] -> noise [B, D] in [-1, 1]."""
        mean, log_std = self.network(obs)
        if deterministic:
            return torch.tanh(mean)
        return torch.tanh(mean + log_std.exp() * torch.randn_like(mean))

    def action_log_prob(self, obs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States [B, S] -> noise [B, D] in [-1, 1] and its log density [B, 1]."""
        mean, log_std = self.network(obs)
        eps = torch.randn_like(mean)
        before = mean + log_std.exp() * eps
        gaussian = -0.5 * eps.square() - log_std - 0.5 * math.log(2 * math.pi)
        # log(1 - tanh(x)^2), without a loss of digits.
        squash = 2 * (math.log(2.0) - before - functional.softplus(-2 * before))
        return torch.tanh(before), (gaussian - squash).sum(1, keepdim=True)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        return self(observation, deterministic)


class EnsembleLayer(nn.Module):
    """One linear layer for each of E heads, with layer norm and activation of its own."""

    def __init__(self, heads: int, size: int, out: int, norm: bool, activation: nn.Module | None) -> None:
        super().__init__()
        limit = 1 / math.sqrt(size)
        self.weight = nn.Parameter(torch.empty(heads, size, out).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.empty(heads, 1, out).uniform_(-limit, limit))
        self.gain = nn.Parameter(torch.ones(heads, 1, out)) if norm else None
        self.shift = nn.Parameter(torch.zeros(heads, 1, out)) if norm else None
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[E, B, size] -> [E, B, out]."""
        x = torch.baddbmm(self.bias, x, self.weight)
        if self.gain is not None and self.shift is not None:
            x = torch.addcmul(self.shift, functional.layer_norm(x, x.shape[-1:]), self.gain)
        return x if self.activation is None else self.activation(x)


class EnsembleCritic(nn.Module):
    """E values of a state and a decision (noise in [-1, 1]^D, or a flat chunk), computed side by side."""

    optimizer: torch.optim.Optimizer

    def __init__(self, shape: Shape, states: int, decision: int) -> None:
        super().__init__()
        self.heads = shape.critics
        self.normaliser = Normaliser(shape, states)
        sizes = [states + decision, *[shape.width] * shape.layers]
        layers: list[nn.Module] = [
            EnsembleLayer(shape.critics, size, out, shape.layer_norm, ACTIVATIONS[shape.activation]())
            for size, out in zip(sizes, sizes[1:], strict=False)
        ]
        layers.append(EnsembleLayer(shape.critics, sizes[-1], 1, False, None))
        self.layers = nn.Sequential(*layers)

    def forward(self, states: torch.Tensor, decisions: torch.Tensor) -> torch.Tensor:
        """States [B, S], decisions [B, C] -> values [E, B, 1]."""
        inputs = torch.cat([self.normaliser(states), decisions], dim=1)
        return self.layers(inputs.expand(self.heads, *inputs.shape))

    def set_training_mode(self, mode: bool) -> None:
        """SB3's name for ``train``."""
        self.train(mode)


class SteeringPolicy(SACPolicy):
    """SB3's SAC policy made of these networks: an actor, Q^W and its target.

    Args:
        shape: of the networks; as a dict when SB3 loads.
    """

    def __init__(self, *args: Any, shape: Shape, **kwargs: Any) -> None:
        self.shape = shape
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        assert self.observation_space.shape and self.action_space.shape
        states, dim = self.observation_space.shape[0], self.action_space.shape[0]
        self.actor: Any = SteeringActor(
            self.shape, observation_space=self.observation_space, action_space=self.action_space
        )
        self.critic: Any = EnsembleCritic(self.shape, states, dim)
        self._give_optimizer(self.actor, lr_schedule)
        self._give_optimizer(self.critic, lr_schedule)
        self._build_targets(lr_schedule)

    def _build_targets(self, lr_schedule: Schedule) -> None:
        self.critic_target: Any = target_of(self.critic)

    def _give_optimizer(self, network: Any, lr_schedule: Schedule) -> None:
        network.optimizer = torch.optim.Adam(network.parameters(), lr=lr_schedule(1), fused=True)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "shape": self.shape}


class NoiseAliasingPolicy(SteeringPolicy):
    """An actor, Q^W (distilled, so without a target), and Q^A of chunks with its target.

    Args:
        chunk_size: n * A.
    """

    def __init__(self, *args: Any, chunk_size: int, **kwargs: Any) -> None:
        self.chunk_size = chunk_size
        super().__init__(*args, **kwargs)

    def _build_targets(self, lr_schedule: Schedule) -> None:
        assert self.observation_space.shape
        self.critic_target = self.critic
        self.chunk_critic = EnsembleCritic(self.shape, self.observation_space.shape[0], self.chunk_size)
        self.chunk_critic_target = target_of(self.chunk_critic)
        self._give_optimizer(self.chunk_critic, lr_schedule)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "chunk_size": self.chunk_size}


def target_of(critic: EnsembleCritic) -> EnsembleCritic:
    """A copy that no gradient reaches."""
    target = copy.deepcopy(critic)
    target.requires_grad_(False)
    return target


def follow(critic: EnsembleCritic, target: EnsembleCritic, tau: float) -> None:
    """target <- (1 - tau) target + tau critic."""
    with torch.no_grad():
        torch._foreach_lerp_(list(target.parameters()), list(critic.parameters()), tau)


def state_statistics(states: NDArray[np.float32]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and scale of states [N, S] for ``Shape``; what hardly moves is not blown up."""
    scale = np.maximum(states.std(0), 1e-2)
    return tuple(map(float, states.mean(0))), tuple(map(float, scale))


class _Deterministic(nn.Module):
    """States -> w = bound * tanh(mean), for ONNX."""

    def __init__(self, network: ActorNetwork, bound: float) -> None:
        super().__init__()
        self.network, self.bound = network, bound

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.bound * torch.tanh(self.network(states)[0])


def save_actor(network: ActorNetwork, bound: float, states: int, folder: Path) -> None:
    """Write ``model.safetensors`` and ``model.onnx`` (states [B, S] -> w [B, D])."""
    save_file(network.state_dict(), folder / "model.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Deterministic(network, bound).eval(),
            (torch.zeros(2, states),),
            str(folder / "model.onnx"),
            input_names=["states"],
            output_names=["w"],
            dynamic_axes={"states": {0: "batch"}, "w": {0: "batch"}},
            opset_version=18,
            dynamo=False,
        )

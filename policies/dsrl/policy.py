"""Frozen policies with something to choose their noise: policies that act, one chunk after another.

``SteeredPolicy`` is what training makes. A saved one is a folder (``config.json``, ``model.safetensors``,
``model.onnx``), holds the actor only and is joined with its base policy on loading; without torch.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.manipulation.chunks import DiffusionPolicy, Observations, flatten
from pilotfish.policies.models import config_values
from pilotfish.policies.network import OnnxNetwork

if TYPE_CHECKING:
    from pilotfish.policies.dsrl.networks import ActorNetwork, Shape

Actor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""States [B, S], raw -> noise coefficients w [B, D]."""


class SampledNoise:
    """The base policy by itself: w ~ N(0, I) for every chunk.

    Args:
        base: the frozen policy.
        parameterisation: of its noise; None for full.
    """

    def __init__(
        self, base: DiffusionPolicy, parameterisation: Parameterisation | None = None, name: str = "base"
    ) -> None:
        self.name, self.base, self.chunk_shape = name, base, base.chunk_shape
        self.parameterisation = parameterisation or Parameterisation("full", base.noise_shape)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Draw from the seed on."""
        self._random = np.random.default_rng(seed)

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks [B, n, A]."""
        count = len(next(iter(observations.values())))
        w = self._random.standard_normal((count, self.parameterisation.dim), np.float32)
        return self.base.sample(observations, self.parameterisation.expand(w))


class ConstantNoise:
    """The base policy with the same noise always; what steering must beat.

    Args:
        base: the frozen policy.
        noise: [H, A]; None for zeros.
    """

    def __init__(
        self, base: DiffusionPolicy, noise: NDArray[np.float32] | None = None, name: str = "w0"
    ) -> None:
        self.name, self.base, self.chunk_shape = name, base, base.chunk_shape
        self.noise = np.asarray(np.zeros(base.noise_shape) if noise is None else noise, np.float32)
        if self.noise.shape != tuple(base.noise_shape):
            raise ValueError(f"noise of {base.name} is {base.noise_shape}, got {self.noise.shape}")

    def reset(self, seed: int) -> None:
        """Nothing is random."""

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks [B, n, A]."""
        count = len(next(iter(observations.values())))
        return self.base.sample(observations, np.repeat(self.noise[None], count, axis=0))


@dataclass(frozen=True)
class SteeredConfig:
    """What a saved actor needs beside its weights.

    Attributes:
        base, fingerprint: name and weights of the policy it steers; noise_shape, chunk_shape: that policy's.
        features: name -> shape of the observations it sees.
        parameterisation, rank, bound: of the noise.
        width, layers, activation, layer_norm: of the actor.
    """

    base: str
    fingerprint: str
    noise_shape: tuple[int, int]
    chunk_shape: tuple[int, int]
    features: dict[str, tuple[int, ...]]
    parameterisation: str
    rank: int
    bound: float
    width: int
    layers: int
    activation: str
    layer_norm: bool

    @property
    def states(self) -> int:
        """S, the length of a flat state."""
        return sum(int(np.prod(shape)) for shape in self.features.values())

    def noise(self) -> Parameterisation:
        """What the actor's numbers mean. Raises ValueError."""
        return Parameterisation(self.parameterisation, self.noise_shape, self.rank)

    def shape(self) -> Shape:
        """Of the actor, for torch."""
        from pilotfish.policies.dsrl.networks import Shape

        return Shape(self.width, self.layers, self.activation, self.layer_norm)

    @classmethod
    def load(cls, folder: Path) -> SteeredConfig:
        """Read ``config.json``. Raises FileNotFoundError, ValueError."""
        values = config_values(folder, cls)
        try:
            for name in ("noise_shape", "chunk_shape"):
                rows, actions = values[name]
                values[name] = (int(rows), int(actions))
            values["features"] = {name: tuple(shape) for name, shape in values["features"].items()}
            return cls(**values)
        except (TypeError, KeyError) as error:
            raise ValueError(f"{folder}/config.json: {error}") from error


class SteeredPolicy:
    """The base policy with the noise that a deterministic actor chooses: a ``ChunkPolicy``.

    Args:
        base: the frozen policy.
        actor: states -> w.
        parameterisation: what w means.
        features: names of the observations that the actor sees; None for all.
    """

    def __init__(
        self,
        base: DiffusionPolicy,
        actor: Actor,
        parameterisation: Parameterisation,
        features: tuple[str, ...] | None = None,
        name: str = "dsrl",
    ) -> None:
        self.name, self.base, self.chunk_shape = name, base, base.chunk_shape
        self.actor, self.parameterisation, self.features = actor, parameterisation, features
        self.config: SteeredConfig | None = None
        self.network: ActorNetwork | None = None

    def reset(self, seed: int) -> None:
        """Nothing is random."""

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks [B, n, A]."""
        seen = observations if self.features is None else {name: observations[name] for name in self.features}
        return self.base.sample(observations, self.parameterisation.expand(self.actor(flatten(seen))))

    @classmethod
    def of_network(
        cls, base: DiffusionPolicy, network: ActorNetwork, config: SteeredConfig, name: str = "dsrl"
    ) -> SteeredPolicy:
        """Of an actor in torch; this is the one that can be saved."""
        import torch

        def actor(states: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.no_grad():
                return (config.bound * torch.tanh(network(torch.from_numpy(states))[0])).numpy()

        policy = cls(base, actor, config.noise(), tuple(config.features), name)
        policy.config, policy.network = config, network
        return policy

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, base: DiffusionPolicy, backend: Literal["onnx", "torch"] = "onnx"
    ) -> SteeredPolicy:
        """Join a saved actor with its base policy.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ValueError: a bad configuration, or one made for another base policy.
        """
        folder = Path(folder)
        config = SteeredConfig.load(folder)
        if config.fingerprint != base.fingerprint:
            raise ValueError(
                f"{folder} steers a policy {config.base!r} of weights {config.fingerprint}, not "
                f"{base.name!r} of {base.fingerprint}: name its own base policy (--base)"
            )
        if backend == "onnx":
            actor = OnnxNetwork(folder / "model.onnx")
            return cls(base, actor, config.noise(), tuple(config.features))
        if backend != "torch":
            raise ValueError(f"backend {backend!r} is not 'onnx' or 'torch'")
        from safetensors.torch import load_file

        from pilotfish.policies.dsrl.networks import ActorNetwork

        network = ActorNetwork(config.shape(), config.states, config.noise().dim)
        network.load_state_dict(load_file(folder / "model.safetensors"))
        return cls.of_network(base, network.eval(), config)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the actor's folder. Raises ValueError for a policy without a network in torch."""
        if self.network is None or self.config is None:
            raise ValueError("only a policy with its network in torch can be saved: load it with torch")
        from pilotfish.policies.dsrl.networks import save_actor

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_actor(self.network, self.config.bound, self.config.states, folder)
        values = {"policy": "dsrl", **dataclasses.asdict(self.config)}
        (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

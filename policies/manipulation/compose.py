"""The arm's policies, put together of trained parts: a base, an actor for its noise, a critic of chunks."""

from __future__ import annotations

from pathlib import Path

from pilotfish.policies.diffusion.policy import TrainedDiffusionPolicy
from pilotfish.policies.dsrl.constant import Probe
from pilotfish.policies.dsrl.policy import ConstantNoise, SampledNoise, SteeredPolicy
from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.models import find_model


def base_policy(task: str, folder: str = "") -> TrainedDiffusionPolicy:
    """The diffusion policy of a task, or the one in a folder. Raises ValueError, FileNotFoundError."""
    return TrainedDiffusionPolicy.from_pretrained(folder or f"diffusion/{task}")


def sampled(task: str, folder: str = "") -> ChunkPolicy:
    """Noise from N(0, I) for every chunk."""
    return SampledNoise(base_policy(task, folder))


def zero(task: str, folder: str = "") -> ChunkPolicy:
    """Noise held at zero."""
    return ConstantNoise(base_policy(task, folder))


def best_constant(task: str, folder: str = "") -> ChunkPolicy:
    """Noise held at the best constant that the search before a training found (its ``probe.json``)."""
    base = base_policy(task)
    probe = Probe.load(_model(folder or f"dsrl/{task}_sac") / "probe.json")
    return ConstantNoise(base, probe.best_noise(base.noise_shape), "wbest")


def steered(task: str, algorithm: str, folder: str = "") -> SteeredPolicy:
    """Noise from a trained actor: algorithm "sac" or "na"."""
    return SteeredPolicy.from_pretrained(_model(folder or f"dsrl/{task}_{algorithm}"), base_policy(task))


def _model(name: str) -> Path:
    return find_model(name).path

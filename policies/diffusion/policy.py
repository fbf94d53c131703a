"""A trained diffusion policy as a function of observation and noise: DDIM in numpy around an ONNX denoiser.

A model folder is LeRobot's (``config.json``, ``model.safetensors``, the two processors) plus ``model.onnx``,
the denoiser alone. Denoising with DDIM (Song et al., 2021) and eta 0 draws nothing at random, so a chunk is a
function of the observation and the initial noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pilotfish.policies.manipulation.chunks import Observations
from pilotfish.policies.models import find_model, read_config
from pilotfish.policies.network import onnx_session

ENVIRONMENT_STATE = "observation.environment_state"
STATE = "observation.state"

Denoiser = Callable[[NDArray[np.float32], int, NDArray[np.float32]], NDArray[np.float32]]
"""(noisy chunks [B, H, A], time of diffusion, conditions [B, C]) -> noise [B, H, A]."""


class DDIM:
    """The denoising loop of diffusers' DDIMScheduler with leading time steps, eta 0 and clipped samples.

    Args:
        train_steps: times of diffusion in training; cosine schedule (Nichol and Dhariwal, 2021).
        steps: of the loop.
        clip: bound of the clean sample.
    """

    def __init__(self, train_steps: int, steps: int, clip: float) -> None:
        t = np.arange(train_steps + 1) / train_steps
        bar = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2
        betas = np.minimum(1 - bar[1:] / bar[:-1], 0.999).astype(np.float32)
        kept = np.cumprod(1 - betas, dtype=np.float32)
        if not 1 <= steps <= train_steps:
            raise ValueError(f"{steps} denoising steps: from 1 to the {train_steps} of the training")
        stride = train_steps // steps
        self.times = (np.arange(steps) * stride)[::-1]
        self.now = [float(kept[time]) for time in self.times]
        self.next = [float(kept[time - stride]) if time >= stride else 1.0 for time in self.times]
        self.clip = clip

    def __call__(
        self, denoiser: Denoiser, noise: NDArray[np.float32], conditions: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """noise [B, H, A], conditions [B, C] -> clean chunks [B, H, A]."""
        x = noise
        for time, now, following in zip(self.times, self.now, self.next, strict=True):
            guess = denoiser(x, int(time), conditions)
            clean = np.clip((x - (1 - now) ** 0.5 * guess) / now**0.5, -self.clip, self.clip)
            x = following**0.5 * clean + (1 - following) ** 0.5 * guess
        return x.astype(np.float32)


class OnnxDenoiser:
    """The denoiser by ONNX Runtime. Raises FileNotFoundError, ValueError as ``onnx_session``."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = onnx_session(path, threads)

    def __call__(
        self, x: NDArray[np.float32], time: int, conditions: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        times = np.full(len(x), time, np.int64)
        return self._session.run(None, {"x": x, "timestep": times, "global_cond": conditions})[0]


class TorchDenoiser:
    """The denoiser of the LeRobot policy, for training and the parity test."""

    def __init__(self, folder: Path) -> None:
        from pilotfish.policies.diffusion.saving import load_policy

        self.policy = load_policy(folder)

    def __call__(
        self, x: NDArray[np.float32], time: int, conditions: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        import torch

        with torch.no_grad():
            times = torch.full((len(x),), time, dtype=torch.long)
            sample, given = torch.from_numpy(x), torch.from_numpy(conditions)
            return self.policy.diffusion.unet(sample, times, global_cond=given).numpy()


class TrainedDiffusionPolicy:
    """A `DiffusionPolicy` (``policies/manipulation/chunks.py``) of a model folder.

    Args:
        config: LeRobot's ``config.json``.
        statistics: feature -> statistic -> float32 [D], as LeRobot's normaliser has them.
        denoiser: predicts noise.
        fingerprint: of the weights.
    """

    def __init__(
        self,
        config: dict[str, Any],
        statistics: dict[str, dict[str, NDArray[np.float32]]],
        denoiser: Denoiser,
        name: str = "diffusion",
        fingerprint: str = "",
    ) -> None:
        if config["n_obs_steps"] != 1 or any("image" in feature for feature in config["input_features"]):
            raise ValueError(
                f"{name}: steering needs a policy of one observation step without images, got "
                f"n_obs_steps {config['n_obs_steps']} and {sorted(config['input_features'])}"
            )
        self.name, self.fingerprint, self.config, self.statistics = name, fingerprint, config, statistics
        actions = config["output_features"]["action"]["shape"][0]
        self.noise_shape = (config["horizon"], actions)
        self.chunk_shape = (config["n_action_steps"], actions)
        steps = config["num_inference_steps"] or config["num_train_timesteps"]
        self._ddim = DDIM(config["num_train_timesteps"], steps, config["clip_sample_range"])
        self._denoiser = denoiser
        self._inputs = [key for key in (STATE, ENVIRONMENT_STATE) if key in config["input_features"]]

    @classmethod
    def from_pretrained(
        cls, name: str | Path, backend: Literal["onnx", "torch"] = "onnx", threads: int = 1
    ) -> TrainedDiffusionPolicy:
        """Load a model folder, or a shipped model by name.

        Raises:
            ValueError: no such model, or one that cannot be steered.
            FileNotFoundError: the folder lacks a file.
        """
        folder = find_model(str(name)).path
        if backend == "onnx":
            denoiser: Denoiser = OnnxDenoiser(folder / "model.onnx", threads)
        elif backend == "torch":
            denoiser = TorchDenoiser(folder)
        else:
            raise ValueError(f"backend {backend!r} is not 'onnx' or 'torch'")
        weights = (folder / "model.safetensors").read_bytes()
        fingerprint = hashlib.sha256(weights).hexdigest()[:16]
        return cls(read_config(folder), read_statistics(folder), denoiser, folder.name, fingerprint)

    def sample(self, observations: Observations, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations [B, ...] raw, noise [B, H, A] -> chunks float32 [B, n, A] in the task's units."""
        x = self._ddim(self._denoiser, np.ascontiguousarray(noise, np.float32), self.conditions(observations))
        low, high = (self.statistics["action"][name] for name in ("min", "max"))
        return ((x[:, : self.chunk_shape[0]] + 1) / 2 * (high - low) + low).astype(np.float32)

    def conditions(self, observations: Observations) -> NDArray[np.float32]:
        """What the denoiser is told of raw observations: float32 [B, C], of mean 0 and spread 1."""
        parts = []
        for key in self._inputs:
            values = np.asarray(observations[key], np.float32)
            mean, std = self.statistics[key]["mean"], self.statistics[key]["std"]
            parts.append((values - mean) / (std + 1e-8))
        return np.concatenate(parts, axis=1, dtype=np.float32)


def read_statistics(folder: Path) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Feature -> statistic -> values, of LeRobot's saved normaliser. Raises FileNotFoundError."""
    files = sorted(folder.glob("policy_preprocessor_*normalizer*.safetensors"))
    if not files:
        raise FileNotFoundError(
            f"{folder} has no policy_preprocessor: save the policy with LeRobot's processors"
        )
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    for key, values in load_file(files[0]).items():
        feature, statistic = key.rsplit(".", 1)
        found.setdefault(feature, {})[statistic] = values.astype(np.float32)
    return found

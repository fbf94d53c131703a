"""What sampling a chunk and learning from one cost in CPU time, next to LeRobot's own sampling."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from pilotfish.policies.diffusion.policy import TrainedDiffusionPolicy
from pilotfish.policies.diffusion.saving import load_policy
from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.environment import NoiseEnv
from pilotfish.policies.dsrl.noise_aliasing import make_na
from pilotfish.policies.dsrl.noise_sac import make_sac
from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.manipulation.compose import base_policy
from pilotfish.policies.models import find_model
from pilotfish.policies.registry import make_chunk_policy
from pilotfish.worlds.registry import make_task

REPEATS = 50


def sample_rows(task: str, model: str, batches: tuple[int, ...] = (1, 16, 256)) -> list[dict[str, Any]]:
    """Milliseconds of a sample of B chunks: ONNX Runtime and numpy here, torch and diffusers in LeRobot."""
    policy = TrainedDiffusionPolicy.from_pretrained(model)
    peer = load_policy(find_model(model).path)
    one, _ = _first_observation(task)
    rows = []
    for count in batches:
        seen = {name: np.repeat(value[None], count, axis=0) for name, value in one.items()}
        noise = np.random.default_rng(0).normal(size=(count, *policy.noise_shape)).astype(np.float32)
        inputs = {name: torch.from_numpy(value)[:, None] for name, value in seen.items()}

        def theirs(inputs: dict = inputs, noise: NDArray = noise) -> None:
            with torch.no_grad():
                peer.diffusion.generate_actions(inputs, noise=torch.from_numpy(noise))

        ours = _milliseconds(partial(policy.sample, seen, noise))
        lerobot = _milliseconds(theirs)
        rows.append(
            {
                "case": "sample",
                "policy": model,
                "batch": count,
                "ms": ours,
                "lerobot_ms": lerobot,
                "ratio": lerobot / ours,
            }
        )
    return rows


def decision_rows(task: str, base: str = "") -> list[dict[str, Any]]:
    """Milliseconds of one decision of the base policy, and of guidance and steering over it.

    ``times_base`` is the ratio to the base policy's in the same run.
    """
    one, _ = _first_observation(task)
    seen = {name: value[None] for name, value in one.items()}
    rows: list[dict[str, Any]] = []
    # A shipped actor steers the task's own base policy only.
    for name in ("base", "random_k", "vgps") if base else ("base", "dsrl", "random_k", "vgps", "dsrl+vgps"):
        policy = make_chunk_policy(name, task, base)
        policy.reset(0)
        cost = _milliseconds(partial(policy.act, seen))
        times = cost / rows[0]["ms"] if rows else 1.0
        rows.append({"case": "decision", "policy": name, "ms": cost, "times_base": times})
    return rows


def chunk_row(task: str, settings: DSRLConfig, chunks: int, base: str = "") -> dict[str, Any]:
    """Milliseconds of CPU a chunk while learning: environment, denoising and updates included."""
    policy = base_policy(task, base)
    kind = Parameterisation(settings.parameterisation, policy.noise_shape, settings.rank)
    env = NoiseEnv(make_task(task), policy, kind, settings.bound, settings.gamma)
    model = (make_na if settings.algorithm == "na" else make_sac)(env, settings, 0, None)
    model.set_logger(Logger(None, []))
    watch = _Watch(settings.warm_up)
    model.learn(settings.warm_up + chunks, watch, None)  # type: ignore[arg-type]  # no logs
    env.close()
    return {
        "case": f"chunk_{settings.algorithm}",
        "task": task,
        "utd": settings.utd,
        "n": chunks,
        "ms": 1000 * (time.process_time() - watch.began) / chunks,
    }


class _Watch(BaseCallback):
    """Begins to count when learning does."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self._first, self.began = first, 0.0

    def _on_step(self) -> bool:
        if self.num_timesteps == self._first:
            self.began = time.process_time()
        return True


def _first_observation(task: str) -> tuple[dict, dict]:
    env = make_task(task)
    try:
        return env.reset(seed=0)
    finally:
        env.close()


def _milliseconds(call: Callable[[], Any]) -> float:
    for _ in range(5):
        call()
    costs = []
    for _ in range(REPEATS):
        began = time.process_time()
        call()
        costs.append(1000 * (time.process_time() - began))
    return float(np.median(costs))

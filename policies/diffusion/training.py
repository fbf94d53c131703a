"""Training of a base policy: LeRobot's diffusion loss on a dataset of demonstrations.

pilotfish worlds demonstrate push data/push
pilotfish train diffusion --data data/push --out runs/push
pilotfish train diffusion --resume runs/push
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lerobot.configs.types import FeatureType, NormalizationMode, PolicyFeature
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.diffusion.processor_diffusion import make_diffusion_pre_post_processors
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pilotfish.policies.diffusion.config import DIFFUSION_STEPS, DiffusionSettings
from pilotfish.policies.diffusion.denoiser import MlpDiffusionConfig, MlpDiffusionPolicy
from pilotfish.policies.diffusion.policy import ENVIRONMENT_STATE, STATE
from pilotfish.policies.diffusion.saving import save_policy
from pilotfish.policies.manipulation.recorded import Recorded, load_recorded
from pilotfish.policies.models import whole_folder
from pilotfish.policies.pace import deadline_after, paced
from pilotfish.policies.training import CHECKPOINT

LOGGED_EVERY = 100


def make_policy(settings: DiffusionSettings, recorded: Recorded) -> DiffusionPolicy:
    """A fresh LeRobot policy for the features of a dataset."""

    def feature(kind: FeatureType, name: str) -> PolicyFeature:
        return PolicyFeature(type=kind, shape=(recorded.columns[name].shape[1],))

    shared: dict[str, Any] = dict(
        n_obs_steps=1,
        horizon=settings.chunk,
        n_action_steps=settings.chunk,
        drop_n_last_frames=0,
        noise_scheduler_type="DDIM",
        num_train_timesteps=DIFFUSION_STEPS,
        num_inference_steps=settings.denoising_steps,
        diffusion_step_embed_dim=32,
        device="cpu",
        input_features={
            STATE: feature(FeatureType.STATE, STATE),
            ENVIRONMENT_STATE: feature(FeatureType.ENV, ENVIRONMENT_STATE),
        },
        output_features={"action": feature(FeatureType.ACTION, "action")},
        normalization_mapping={
            "STATE": NormalizationMode.MEAN_STD,
            "ENV": NormalizationMode.MEAN_STD,
            "ACTION": NormalizationMode.MIN_MAX,
        },
    )
    if settings.denoiser == "mlp":
        return MlpDiffusionPolicy(MlpDiffusionConfig(hidden_dims=settings.hidden, **shared))
    return DiffusionPolicy(DiffusionConfig(down_dims=settings.down_dims, **shared))


def floored_statistics(recorded: Recorded, least: float) -> dict[str, dict[str, Tensor]]:
    """LeRobot's statistics of what the policy sees and does, with no standard deviation under ``least``."""
    found = {}
    for name in (STATE, ENVIRONMENT_STATE, "action"):
        values = {
            key: torch.as_tensor(np.asarray(value), dtype=torch.float32)
            for key, value in recorded.statistics[name].items()
            if key in ("mean", "std", "min", "max")
        }
        values["std"] = values["std"].clamp(min=least)
        # An entry that is always the same would be divided by nothing.
        flat = values["max"] - values["min"] < 1e-3
        values["min"] = torch.where(flat, values["min"] - 0.5, values["min"])
        values["max"] = torch.where(flat, values["max"] + 0.5, values["max"])
        found[name] = values
    return found


class Run:
    """A training run in a folder: settings.yaml, checkpoint.pt, loss.csv.

    Args:
        out: the folder.
        settings, data: of a new run; None to go on with the one in ``out``.

    Raises:
        ValueError: a new run in a folder that holds one.
        FileNotFoundError: nothing to go on with, or no dataset.
    """

    def __init__(
        self, out: Path, settings: DiffusionSettings | None, data: Path | None, seed: int = 0
    ) -> None:
        self.out, note = out, out / "run.json"
        if settings is None:
            if not note.is_file():
                raise FileNotFoundError(f"{out} holds no run to go on with (no run.json)")
            said = json.loads(note.read_text())
            settings, data, seed = (
                DiffusionSettings.load(out / "settings.yaml"),
                Path(said["data"]),
                said["seed"],
            )
        elif note.exists():
            raise ValueError(f"{out} holds a run already: give another --out, or --resume {out}")
        assert data is not None
        self.settings, self.seed = settings, seed
        self.recorded = load_recorded(data)
        self.recorded.require(STATE, ENVIRONMENT_STATE, "action")
        torch.manual_seed(seed)
        self.policy = make_policy(settings, self.recorded)
        self.statistics = floored_statistics(self.recorded, settings.least_spread)
        self.average = AveragedModel(self.policy, multi_avg_fn=get_ema_multi_avg_fn(settings.averaging))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=settings.learning_rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, settings.steps)
        self.step = 0
        if (out / CHECKPOINT).exists():
            self._restore()
        self.batch = self._tensors()
        if not note.exists():  # all of it could be made: the folder is taken
            out.mkdir(parents=True, exist_ok=True)
            settings.save(out / "settings.yaml")
            note.write_text(json.dumps({"data": str(Path(data).resolve()), "seed": seed}))

    def _parts(self) -> dict[str, Any]:
        names = ("policy", "average", "optimizer", "schedule")
        return {name: getattr(self, name) for name in names}

    def _restore(self) -> None:
        saved = torch.load(self.out / CHECKPOINT, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        self.step = saved["step"]
        torch.manual_seed(int(np.random.SeedSequence([self.seed, saved["step"]]).generate_state(1)[0]))

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        part = self.out / "checkpoint.part.pt"
        torch.save({**{k: v.state_dict() for k, v in self._parts().items()}, "step": self.step}, part)
        os.replace(part, self.out / CHECKPOINT)

    def _tensors(self) -> dict[str, Tensor]:
        """All frames, normalised by LeRobot's own processor: inputs [N, 1, D], chunks [N, H, A]."""
        windows = self.recorded.windows(self.settings.chunk)
        columns = self.recorded.columns
        raw = {
            name: torch.as_tensor(columns[name], dtype=torch.float32) for name in (STATE, ENVIRONMENT_STATE)
        }
        raw["action"] = torch.as_tensor(columns["action"][windows], dtype=torch.float32)
        normalise = make_diffusion_pre_post_processors(self.policy.config, self.statistics)[0]
        ready = normalise(raw)
        return {
            STATE: ready[STATE][:, None],
            ENVIRONMENT_STATE: ready[ENVIRONMENT_STATE][:, None],
            "action": ready["action"],
            "action_is_pad": torch.zeros(windows.shape, dtype=torch.bool),
        }

    def fit(self, deadline: float) -> bool:
        """Train until the steps are done, or until ``deadline`` (monotonic clock): then False."""
        frames, losses = len(self.recorded.episode), []
        self.policy.train()
        for _ in paced(range(self.step, self.settings.steps), "diffusion", deadline, self.save):
            rows = torch.randint(frames, (self.settings.batch,))
            loss = self.policy.diffusion.compute_loss({k: v[rows] for k, v in self.batch.items()})
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.average.update_parameters(self.policy)
            self.step += 1
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise ValueError(f"the loss is no number any more ({losses[-1]}): lower learning_rate")
            if len(losses) == LOGGED_EVERY:
                with (self.out / "loss.csv").open("a", newline="") as file:
                    csv.writer(file).writerow([self.step, float(np.mean(losses))])
                losses.clear()
        self.save()
        return self.step >= self.settings.steps

    def export(self, folder: Path) -> None:
        """Write the model folder, with the averaged weights."""
        with whole_folder(folder) as part:
            save_policy(self.average.module.eval(), self.statistics, part)


def train(
    out: Path,
    settings: DiffusionSettings | None = None,
    data: Path | None = None,
    seed: int = 0,
    budget_minutes: float | None = None,
) -> bool:
    """Train a base policy, or go on with the run in ``out`` where no settings are given.

    Returns: whether it is done; the model folder ``out/model`` is written either way.

    Raises:
        ValueError, FileNotFoundError: as ``Run``.
    """
    deadline = deadline_after(budget_minutes)
    run = Run(out, settings, data, seed)
    done = run.fit(deadline)
    run.export(out / "model")
    return done

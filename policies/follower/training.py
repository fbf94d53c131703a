"""Training of the follower: a curriculum of imitation and PPO stages from one YAML file.

    pilotfish train follower --config policies/follower/curricula/follower.yaml --out runs/follower
    pilotfish train follower --resume runs/follower          # goes on after a kill
    tensorboard --logdir runs/follower/tensorboard

Logged, beside what SB3's PPO logs: ``fleet/<maps>/<agents>``, goals per step of the training episodes
that ended since the last rollout, under sampled actions.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import yaml
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, make_output_format
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from pilotfish.policies.follower.config import FollowerConfig
from pilotfish.policies.follower.environment import Episode, FleetVecEnv, RewardConfig
from pilotfish.policies.follower.features import N_FEATURES
from pilotfish.policies.follower.network import FollowerNetwork, save_network
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_maps

CHECKPOINT = "checkpoint.pt"
CURVES = (r"fleet/(.*)", "goals a step (sampled actions)")
"""What ``plot_curves`` draws of a run."""
DEFAULT_CURRICULUM = Path(__file__).parent / "curricula" / "follower.yaml"


@dataclass(frozen=True)
class EpisodeGroup:
    """Episodes that run side by side in a stage.

    Attributes:
        maps: what ``load_maps`` takes; a map is drawn anew for each episode.
        agents: agents an episode.
        copies: how many such episodes at once.
        length: steps an episode.
    """

    maps: str
    agents: int
    copies: int = 1
    length: int = 256


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum.

    Attributes:
        method: "imitate" (follow the negotiating teacher, the student drives) or "ppo".
        steps: agent-steps.
        episodes: what runs in it.
        reward: what the agents are paid (PPO).
        learning_rate, entropy, discount: of the optimiser; each falls linearly to ``final`` of its
            value over the stage (learning rate only).
    """

    name: str
    method: str
    steps: int
    episodes: list[EpisodeGroup]
    reward: RewardConfig = field(default_factory=RewardConfig)
    learning_rate: float = 3e-4
    final: float = 1.0
    entropy: float = 0.01
    discount: float = 0.97
    rollout: int = 16
    batch: int = 4096
    epochs: int = 2
    clip: float = 0.2

    def __post_init__(self) -> None:
        if self.method not in ("imitate", "ppo"):
            raise ValueError(f"stage {self.name!r}: method {self.method!r} is not 'imitate' or 'ppo'")
        if self.steps <= 0 or not self.episodes:
            raise ValueError(f"stage {self.name!r} needs positive steps and at least one group of episodes")


@dataclass(frozen=True)
class Curriculum:
    """All of a training run; ``negotiate`` trains wishes for the track with communication."""

    stages: list[Stage]
    seed: int = 0
    negotiate: bool = False
    dynamic_weight: float = 0.3
    lane_cost: float = 0.8
    hidden: tuple[int, int] = (192, 128)

    @classmethod
    def load(cls, path: str | Path) -> Curriculum:
        """Read a curriculum YAML.

        Raises:
            ValueError: for an unknown key or a bad value, naming it.
        """
        raw = yaml.safe_load(Path(path).read_text())
        try:
            stages = [
                Stage(
                    **{
                        **stage,
                        "episodes": [EpisodeGroup(**group) for group in stage["episodes"]],
                        "reward": RewardConfig(**stage.get("reward", {})),
                    }
                )
                for stage in raw.pop("stages")
            ]
            raw["hidden"] = tuple(raw.get("hidden", cls.hidden))
            return cls(stages=stages, **raw)
        except (TypeError, KeyError) as error:
            raise ValueError(f"{path}: {error}") from error


class Trunk(BaseFeaturesExtractor):
    """The first layer, shared by actor and critic: features [B, N_FEATURES] -> [B, hidden]."""

    def __init__(self, observation_space, hidden: int) -> None:
        super().__init__(observation_space, hidden)
        self.layers = nn.Sequential(nn.Linear(N_FEATURES, hidden), nn.ReLU())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.layers(features)


def train(config: Path, out: Path, resume: bool, budget_minutes: float | None = None) -> bool:
    """Run (or go on with) a curriculum; the run's folder holds everything needed to go on.

    Args:
        config: curriculum YAML; with ``resume`` the copy in ``out`` is used.
        out: run folder: curriculum.yaml, progress.json, checkpoint.pt, tensorboard/.
        budget_minutes: stop (and save) after this long.

    Returns:
        whether the curriculum is done.

    Raises:
        ValueError: a bad curriculum, or a folder that holds a run already.
        FileNotFoundError: there is nothing to go on with.
    """
    copy = out / "curriculum.yaml"
    if resume and not copy.exists():
        raise FileNotFoundError(f"{out} holds no run to go on with (no curriculum.yaml)")
    if not resume:
        if (out / CHECKPOINT).exists():
            raise ValueError(f"{out} holds a run already: give another --out, or --resume {out}")
        Curriculum.load(config)
        out.mkdir(parents=True, exist_ok=True)
        copy.write_text(Path(config).read_text())
    curriculum = Curriculum.load(copy)
    progress_file = out / "progress.json"
    progress = {"stage": 0, "steps": 0, "seconds": 0.0}
    if resume and progress_file.exists():
        progress = json.loads(progress_file.read_text())
    deadline = time.monotonic() + 60 * budget_minutes if budget_minutes else float("inf")
    for index in range(progress["stage"], len(curriculum.stages)):
        stage = curriculum.stages[index]
        if index != progress["stage"]:
            progress.update(stage=index, steps=0)
        if progress["steps"] >= stage.steps:
            continue
        if not _StageRun(stage, curriculum, out, progress, deadline).finish():
            return False
    return True


def export(run: Path, folder: Path) -> None:
    """Write the model folder (weights, ONNX, configuration) of a run's last checkpoint."""
    curriculum = Curriculum.load(run / "curriculum.yaml")
    config = FollowerConfig(
        hidden=curriculum.hidden,
        dynamic_weight=curriculum.dynamic_weight,
        lane_cost=curriculum.lane_cost,
        negotiate=curriculum.negotiate,
    )
    save_network(FollowerNetwork.from_checkpoint(run / CHECKPOINT, config), config, folder)


class _StageRun:
    """One stage: its environment, its model (the last stage's weights), its checkpoints."""

    CHECKPOINT_SECONDS = 120.0

    def __init__(
        self, stage: Stage, curriculum: Curriculum, out: Path, progress: dict, deadline: float
    ) -> None:
        self.stage, self.out, self.progress, self.deadline = stage, out, progress, deadline
        # A resumed stage draws other maps than its first part did, not the same ones again.
        seed = [curriculum.seed, progress["stage"], progress["steps"]]
        self.env = FleetVecEnv(_episodes(stage, curriculum, seed))
        torch.manual_seed(curriculum.seed + progress["steps"])
        settings = dict(
            learning_rate=self._learning_rate,
            n_steps=stage.rollout,
            batch_size=stage.batch,
            n_epochs=stage.epochs,
            gamma=stage.discount,
            ent_coef=stage.entropy,
            clip_range=stage.clip,
        )
        self.checkpoint = out / CHECKPOINT
        first, second = curriculum.hidden
        self.model = PPO(
            "MlpPolicy",
            self.env,
            max_grad_norm=1.0,
            policy_kwargs=dict(
                features_extractor_class=Trunk,
                features_extractor_kwargs=dict(hidden=first),
                net_arch=dict(pi=[second], vf=[second]),
                activation_fn=nn.ReLU,
                normalize_images=False,
            ),
            device="cpu",
            **settings,
        )
        if self.checkpoint.exists():
            self.model.set_parameters(torch.load(self.checkpoint, weights_only=True))
        folder = str(out / "tensorboard" / stage.name)
        # A resumed stage writes files of its own, so that nothing logged before is lost.
        formats = [
            make_output_format(kind, folder, f"-{progress['steps']}") for kind in ("tensorboard", "csv")
        ]
        self.model.set_logger(Logger(folder, formats))
        self._saved = self._started = time.monotonic()
        self._seconds_before = progress["seconds"]

    def _learning_rate(self, remaining: float) -> float:
        done = min(1.0, self.progress["steps"] / self.stage.steps)
        return self.stage.learning_rate * (1 - done * (1 - self.stage.final))

    def finish(self) -> bool:
        """Run the rest of the stage; False when time ran out first."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns) as bar:
            task = bar.add_task(self.stage.name, total=self.stage.steps, completed=self.progress["steps"])
            on_steps: Callable[[int], bool] = lambda n: self._advance(n, bar, task)  # noqa: E731
            if self.stage.method == "imitate":
                self._imitate(on_steps)
            else:
                callback = _Steps(on_steps, self.env)
                self.model.learn(10**12, callback=callback, reset_num_timesteps=False)
        self._save()
        return self.progress["steps"] >= self.stage.steps

    def _advance(self, steps: int, bar: Progress, task) -> bool:
        """Count agent-steps, save now and then; False when the stage or the time is over."""
        self.progress["steps"] += steps
        bar.update(task, completed=self.progress["steps"])
        now = time.monotonic()
        if now - self._saved > self.CHECKPOINT_SECONDS:
            self._save()
            self._saved = now
        return self.progress["steps"] < self.stage.steps and now < self.deadline

    def _save(self) -> None:
        self.progress["seconds"] = self._seconds_before + time.monotonic() - self._started
        temporary = self.out / "checkpoint.part.pt"
        torch.save(self.model.get_parameters(), temporary)
        os.replace(temporary, self.checkpoint)
        temporary = self.out / "progress.part.json"
        temporary.write_text(json.dumps(self.progress))
        os.replace(temporary, self.out / "progress.json")

    def _imitate(self, on_steps: Callable[[int], bool]) -> None:
        """DAgger: the student acts, the teacher says what it would have done (Ross et al. 2011)."""
        policy = self.model.policy
        features = torch.as_tensor(self.env.reset())
        seen: list[tuple[torch.Tensor, torch.Tensor]] = []
        going, rounds = True, 0
        while going:
            label = torch.as_tensor(self.env.teacher())
            with torch.no_grad():
                actions, _, _ = policy(features)
            seen.append((features, label))
            features = torch.as_tensor(self.env.step(actions.numpy())[0])
            going = on_steps(self.env.num_envs)
            if len(seen) == self.stage.rollout or not going:
                loss, agreement = self._fit(seen)
                seen.clear()
                rounds += 1
                log = self.model.logger
                log.record("imitation/loss", loss)
                log.record("imitation/agreement", agreement)
                _log_throughput(log, self.env)
                log.dump(self.progress["steps"])

    def _fit(self, seen: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[float, float]:
        policy, optimizer = self.model.policy, self.model.policy.optimizer
        features = torch.cat([x for x, _ in seen])
        labels = torch.cat([y for _, y in seen])
        for group in optimizer.param_groups:
            group["lr"] = self._learning_rate(0.0)
        losses, agreements = [], []
        for rows in torch.randperm(len(features)).split(self.stage.batch):
            distribution = policy.get_distribution(features[rows])
            loss = (
                -distribution.log_prob(labels[rows]).mean()
                - self.stage.entropy * distribution.entropy().mean()
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            agreements.append((distribution.mode() == labels[rows]).float().mean().item())
        return float(np.mean(losses)), float(np.mean(agreements))


class _Steps(BaseCallback):
    """Counts SB3's steps towards the stage and logs the fleet's throughput."""

    def __init__(self, on_steps: Callable[[int], bool], env: FleetVecEnv) -> None:
        super().__init__()
        self._on_steps, self._env = on_steps, env

    def _on_step(self) -> bool:
        return self._on_steps(self._env.num_envs)

    def _on_rollout_end(self) -> None:
        _log_throughput(self.logger, self._env)


def _log_throughput(logger, env: FleetVecEnv) -> None:
    by_group = defaultdict(list)
    for name, agents, throughput in env.throughput:
        by_group[f"fleet/{name.split('-')[0]}/{agents}"].append(throughput)
    env.throughput.clear()
    for key, values in by_group.items():
        logger.record_mean(key, float(np.mean(values)))


def _episodes(stage: Stage, curriculum: Curriculum, seed: list[int]) -> list[Episode]:
    episodes = []
    pools: dict[str, list[GridMap]] = {}
    for group in stage.episodes:
        maps = pools.setdefault(group.maps, [])
        if not maps:
            for path in group.maps.split(";"):
                maps.extend(load_maps(path.strip()))
        for _ in range(group.copies):
            rng = np.random.default_rng([*seed, len(episodes)])
            episodes.append(
                Episode(
                    lambda rng, maps=maps: maps[rng.integers(len(maps))],
                    group.agents,
                    group.length,
                    rng,
                    stage.reward,
                    curriculum.negotiate,
                    curriculum.dynamic_weight,
                    curriculum.lane_cost,
                )
            )
    return episodes

"""Training of the explorer: a curriculum of imitation and PPO stages from one YAML file.

    pilotfish train ir2 --config policies/ir2/curricula/ir2.yaml --out runs/ir2
    pilotfish train ir2 --resume runs/ir2          # goes on after a kill
    tensorboard --logdir runs/ir2/tensorboard

Logged, beside what SB3's PPO logs: ``explore/<family>/path`` and ``/success``, longest path [px] and success
of the training episodes that ended since the last rollout, under sampled choices.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.logger import Logger, make_output_format
from stable_baselines3.common.policies import ActorCriticPolicy

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import Episode, ExplorationVecEnv, RewardConfig, views
from pilotfish.policies.ir2.features import MOST_OPTIONS
from pilotfish.policies.ir2.network import IR2Network, save_network
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_maps

CHECKPOINT = "checkpoint.pt"
CURVES = (r"explore/(.*)/path", "longest path [px] (sampled choices)")
"""What ``plot_curves`` draws of a run."""
DEFAULT_CURRICULUM = Path(__file__).parent / "curricula" / "ir2.yaml"


@dataclass(frozen=True)
class EpisodeGroup:
    """Episodes that run side by side in a stage.

    Attributes:
        maps: what ``load_maps`` takes, ";" between several; a map is drawn anew for each episode.
        robots: in the team.
        radio: regime: open, mid, closed or random.
        copies: how many such episodes at once.
        cap: seconds after which an episode is cut.
    """

    maps: str
    robots: int
    radio: str = "random"
    copies: int = 1
    cap: float = 4000.0


@dataclass(frozen=True)
class Promotion:
    """When a stage is over before its steps are: enough episodes in a row of ``window`` succeed.

    Attributes:
        success: share of the last ``window`` episodes that must finish; more than 1 never promotes.
    """

    success: float = 2.0
    window: int = 40


@dataclass(frozen=True)
class Stage:
    """One stage of the curriculum.

    Attributes:
        method: "imitate" (follow the planner, the student decides: DAgger) or "ppo".
        steps: decisions of single robots, at most.
        promotion: the rule that ends it sooner.
        learning_rate: falls linearly to ``final`` of its value over the stage.
    """

    name: str
    method: str
    steps: int
    episodes: list[EpisodeGroup]
    reward: RewardConfig = field(default_factory=RewardConfig)
    promotion: Promotion = field(default_factory=Promotion)
    learning_rate: float = 3e-4
    final: float = 1.0
    entropy: float = 0.0
    discount: float = 0.995
    rollout: int = 64
    batch: int = 128
    epochs: int = 2
    clip: float = 0.2
    target_kl: float | None = 0.03

    def __post_init__(self) -> None:
        if self.method not in ("imitate", "ppo"):
            raise ValueError(f"stage {self.name!r}: method {self.method!r} is not 'imitate' or 'ppo'")
        if self.steps <= 0 or not self.episodes:
            raise ValueError(f"stage {self.name!r} needs positive steps and at least one group of episodes")


@dataclass(frozen=True)
class Curriculum:
    """All of a training run."""

    stages: list[Stage]
    seed: int = 0
    model: IR2Config = field(default_factory=IR2Config)

    @classmethod
    def load(cls, path: str | Path) -> Curriculum:
        """Read a curriculum YAML.

        Raises:
            ValueError: for an unknown key or a bad value, naming it.
        """
        raw = yaml.safe_load(Path(path).read_text())
        kinds = {"reward": RewardConfig, "promotion": Promotion}
        try:
            stages = []
            for stage in raw.pop("stages"):
                parts: dict[str, Any] = {key: kind(**stage.get(key, {})) for key, kind in kinds.items()}
                parts["episodes"] = [EpisodeGroup(**group) for group in stage["episodes"]]
                stages.append(Stage(**{**stage, **parts}))
            return cls(stages=stages, model=IR2Config(**raw.pop("model", {})), **raw)
        except (TypeError, KeyError) as error:
            raise ValueError(f"{path}: {error}") from error


class ExplorerActorCritic(ActorCriticPolicy):
    """SB3's side of ``IR2Network``: flat observations in, a choice between options and a value out."""

    def __init__(self, *args: Any, config: IR2Config, **kwargs: Any) -> None:
        self.config = config
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Callable[[float], float]) -> None:
        self.network = IR2Network(self.config)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=lr_schedule(1), eps=1e-5)

    def _both(self, obs: torch.Tensor) -> tuple[CategoricalDistribution, torch.Tensor]:
        part = views(obs)
        counts = part["counts"].long()
        places = torch.arange(part["nodes"].shape[1])
        there = places < counts[:, :1]
        graph, _ = there.nonzero(as_tuple=True)
        first = torch.cumsum(counts[:, 0], 0) - counts[:, 0]
        used = torch.arange(part["edges"].shape[2]) < counts[:, 1:2]
        edges = (part["edges"].long() + first[:, None, None]).transpose(1, 2)[used].T
        nodes, state = self.network.encode(
            part["nodes"][there], edges, part["edge_features"][used], part["context"], first, graph
        )
        option = nodes[part["option"].long() + first[:, None]]
        logits = self.network.point(state, option, part["prior"])
        logits = logits.masked_fill(torch.arange(MOST_OPTIONS) >= counts[:, 2:3], -1e9)
        distribution = CategoricalDistribution(MOST_OPTIONS).proba_distribution(logits)
        return distribution, self.network.value(state)

    def forward(self, obs: torch.Tensor, deterministic: bool = False):
        distribution, value = self._both(obs)
        actions = distribution.get_actions(deterministic)
        return actions, value, distribution.log_prob(actions)

    def evaluate_actions(self, obs: torch.Tensor, actions: torch.Tensor):
        distribution, value = self._both(obs)
        return value, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: torch.Tensor) -> CategoricalDistribution:
        return self._both(obs)[0]

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:
        return self._both(obs)[1]


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
        if index != progress["stage"]:
            progress.update(stage=index, steps=0)
        if progress["steps"] < curriculum.stages[index].steps:
            run = _StageRun(curriculum.stages[index], curriculum, out, progress, deadline)
            if not run.finish():
                return False
    return True


def export(run: Path, folder: Path) -> None:
    """Write the model folder (weights, ONNX, configuration) of a run's last checkpoint."""
    config = Curriculum.load(run / "curriculum.yaml").model
    network = IR2Network(config)
    weights = torch.load(run / CHECKPOINT, weights_only=True)["policy"]
    prefix = "network."
    network.load_state_dict({k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)})
    save_network(network, config, folder)


class _StageRun:
    """One stage: its environment, its model (the last stage's weights), its checkpoints."""

    CHECKPOINT_SECONDS = 120.0

    def __init__(
        self, stage: Stage, curriculum: Curriculum, out: Path, progress: dict, deadline: float
    ) -> None:
        self.stage, self.out, self.progress, self.deadline = stage, out, progress, deadline
        # A resumed stage draws other maps than its first part did, not the same ones again.
        seed = [curriculum.seed, progress["stage"], progress["steps"]]
        self.env = ExplorationVecEnv(_episodes(stage, curriculum.model, seed))
        torch.manual_seed(curriculum.seed + progress["steps"])
        self.checkpoint = out / CHECKPOINT
        self.model = PPO(
            ExplorerActorCritic,
            self.env,
            learning_rate=self._learning_rate,
            n_steps=stage.rollout,
            batch_size=stage.batch,
            n_epochs=stage.epochs,
            gamma=stage.discount,
            ent_coef=stage.entropy,
            clip_range=stage.clip,
            target_kl=stage.target_kl,
            max_grad_norm=0.5,
            policy_kwargs=dict(config=curriculum.model, normalize_images=False),
            device="cpu",
        )
        if self.checkpoint.exists():
            self.model.set_parameters(torch.load(self.checkpoint, weights_only=True))
        folder = str(out / "tensorboard" / stage.name)
        # A resumed stage writes files of its own, so that nothing logged before is lost.
        formats = [
            make_output_format(kind, folder, f"-{progress['steps']}") for kind in ("tensorboard", "csv")
        ]
        self.model.set_logger(Logger(folder, formats))
        self._recent: list[bool] = []
        self._saved = self._started = time.monotonic()
        self._seconds_before = progress["seconds"]

    def _learning_rate(self, remaining: float) -> float:
        done = min(1.0, self.progress["steps"] / self.stage.steps)
        return self.stage.learning_rate * (1 - done * (1 - self.stage.final))

    @property
    def promoted(self) -> bool:
        """Whether the stage's rule says that it is learned."""
        rule = self.stage.promotion
        recent = self._recent[-rule.window :]
        return len(recent) >= rule.window and float(np.mean(recent)) >= rule.success

    def finish(self) -> bool:
        """Run the rest of the stage; False when time ran out first."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn()) as bar:
            task = bar.add_task(self.stage.name, total=self.stage.steps, completed=self.progress["steps"])
            on_steps: Callable[[int], bool] = lambda n: self._advance(n, bar, task)  # noqa: E731
            if self.stage.method == "imitate":
                self._imitate(on_steps)
            else:
                self.model.learn(10**12, callback=_Steps(on_steps, self.log), reset_num_timesteps=False)
        if self.promoted:
            self.progress["steps"] = self.stage.steps
        self._save()
        return self.progress["steps"] >= self.stage.steps

    def _advance(self, steps: int, bar: Progress, task: Any) -> bool:
        """Count decisions, save now and then; False when the stage or the time is over."""
        self.progress["steps"] += steps
        bar.update(task, completed=self.progress["steps"])
        now = time.monotonic()
        if now - self._saved > self.CHECKPOINT_SECONDS:
            self._save()
            self._saved = now
        return self.progress["steps"] < self.stage.steps and now < self.deadline and not self.promoted

    def _save(self) -> None:
        self.progress["seconds"] = self._seconds_before + time.monotonic() - self._started
        temporary = self.out / "checkpoint.part.pt"
        torch.save(self.model.get_parameters(), temporary)
        os.replace(temporary, self.checkpoint)
        temporary = self.out / "progress.part.json"
        temporary.write_text(json.dumps(self.progress))
        os.replace(temporary, self.out / "progress.json")

    def _imitate(self, on_steps: Callable[[int], bool]) -> None:
        """DAgger: the student decides, the planner says what it would have done (Ross et al., 2011)."""
        policy = self.model.policy
        seen = torch.as_tensor(self.env.reset())
        rounds: list[tuple[torch.Tensor, torch.Tensor]] = []
        going = True
        while going:
            rounds.append((seen, torch.as_tensor(self.env.teacher())))
            with torch.no_grad():
                actions, _, _ = policy(seen)
            seen = torch.as_tensor(self.env.step(actions.numpy())[0])
            going = on_steps(self.env.num_envs)
            if len(rounds) == self.stage.rollout or not going:
                loss, agreement = self._fit(rounds)
                rounds.clear()
                self.model.logger.record("imitation/loss", loss)
                self.model.logger.record("imitation/agreement", agreement)
                self.log()
                self.model.logger.dump(self.progress["steps"])

    def _fit(self, rounds: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[float, float]:
        policy, optimizer = self.model.policy, self.model.policy.optimizer
        seen, labels = (torch.cat(column) for column in zip(*rounds, strict=True))
        for group in optimizer.param_groups:
            group["lr"] = self._learning_rate(0.0)
        losses, agreements = [], []
        for rows in torch.randperm(len(seen)).split(self.stage.batch):
            distribution = policy.get_distribution(seen[rows])
            loss = -distribution.log_prob(labels[rows]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            agreements.append((distribution.mode() == labels[rows]).float().mean().item())
        return float(np.mean(losses)), float(np.mean(agreements))

    def log(self) -> None:
        """Record the episodes that have ended."""
        by_family = defaultdict(list)
        for name, _, success, path in self.env.finished:
            self._recent.append(success)
            by_family[name.split("-")[0]].append((success, path))
        self.env.finished.clear()
        for family, ended in by_family.items():
            success, path = np.mean(ended, axis=0)
            self.model.logger.record(f"explore/{family}/success", float(success))
            self.model.logger.record(f"explore/{family}/path", float(path))


class _Steps(BaseCallback):
    """Counts SB3's steps towards the stage and logs what has ended."""

    def __init__(self, on_steps: Callable[[int], bool], log: Callable[[], None]) -> None:
        super().__init__()
        self._on_steps, self._log = on_steps, log

    def _on_step(self) -> bool:
        return self._on_steps(self.training_env.num_envs)

    def _on_rollout_end(self) -> None:
        self._log()


def _episodes(stage: Stage, config: IR2Config, seed: list[int]) -> list[Episode]:
    episodes: list[Episode] = []
    pools: dict[str, list[GridMap]] = {}
    for group in stage.episodes:
        if group.maps not in pools:
            pools[group.maps] = [grid for path in group.maps.split(";") for grid in load_maps(path.strip())]
        maps = pools[group.maps]
        for _ in range(group.copies):
            rng = np.random.default_rng([*seed, len(episodes)])
            draw = lambda rng, maps=maps: maps[rng.integers(len(maps))]  # noqa: E731
            episodes.append(Episode(draw, group.robots, group.radio, group.cap, rng, stage.reward, config))
    return episodes

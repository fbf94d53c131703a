"""What the trainings of all systems share: a run's folder, its stages of imitation and PPO, its checkpoints.

A system adds its curriculum, its environment and its network: ``policies/SYSTEM/training.py``.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
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
from stable_baselines3.common.vec_env import VecEnv

from pilotfish.policies.pace import deadline_after

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, kw_only=True)
class StageSettings:
    """What every stage of every curriculum says.

    Attributes:
        method: "imitate" (a teacher says what it would do, the student acts: DAgger), "ppo", or one of the
            system's own.
        steps: decisions of single agents.
        learning_rate: of the optimiser; falls linearly to ``final`` of its value over the stage.
        entropy, discount, rollout, batch, epochs, clip, target_kl: of PPO.
    """

    name: str
    method: str
    steps: int
    learning_rate: float = 3e-4
    final: float = 1.0
    entropy: float = 0.01
    discount: float = 0.97
    rollout: int = 16
    batch: int = 4096
    epochs: int = 2
    clip: float = 0.2
    target_kl: float | None = None

    METHODS: ClassVar[tuple[str, ...]] = ("imitate", "ppo")

    def __post_init__(self) -> None:
        if self.method not in self.METHODS:
            known = ", ".join(self.METHODS)
            raise ValueError(f"stage {self.name!r}: method {self.method!r} is not one of {known}")
        if self.steps <= 0:
            raise ValueError(f"stage {self.name!r} needs positive steps, got {self.steps}")


@dataclass
class RunState:
    """Where a run is, and how long it may go on.

    Attributes:
        out: the run's folder.
        progress: stage, steps in it, seconds so far; saved as ``progress.json``.
        deadline: of the monotonic clock [s].
    """

    out: Path
    progress: dict[str, Any]
    deadline: float


def train_curriculum(
    config: Path,
    out: Path,
    resume: bool,
    budget_minutes: float | None,
    load: Callable[[Path], Any],
    start: Callable[[Any, Any, RunState], StageRun],
) -> bool:
    """Run (or go on with) a curriculum; the run's folder holds everything needed to go on.

    Args:
        config: curriculum YAML; with ``resume`` the copy in ``out`` is used.
        out: run folder: curriculum.yaml, progress.json, checkpoint.pt, tensorboard/.
        budget_minutes: stop (and save) after this long.
        load: reads a curriculum, which has ``stages``.
        start: (stage, curriculum, state) -> the run of the stage.

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
        load(config)
        out.mkdir(parents=True, exist_ok=True)
        copy.write_text(Path(config).read_text())
    curriculum = load(copy)
    progress_file = out / "progress.json"
    progress: dict[str, Any] = {"stage": 0, "steps": 0, "seconds": 0.0}
    if resume and progress_file.exists():
        progress = json.loads(progress_file.read_text())
    state = RunState(out, progress, deadline_after(budget_minutes))
    for index in range(progress["stage"], len(curriculum.stages)):
        stage = curriculum.stages[index]
        if index != progress["stage"]:
            progress.pop("recent", None)  # a stage is promoted by its own episodes
            progress.update(stage=index, steps=0)
        if progress["steps"] < stage.steps and not start(stage, curriculum, state).finish():
            return False
    return True


class StageRun:
    """One stage: its model (with the last stage's weights), its checkpoints.

    Args:
        env: has ``teacher()`` beside what SB3 asks: the actions to imitate for the last observations.
        policy, policy_kwargs, max_grad_norm: of SB3's PPO.
        seed: of torch.
    """

    CHECKPOINT_SECONDS = 120.0

    def __init__(
        self,
        stage: StageSettings,
        state: RunState,
        env: VecEnv,
        seed: int,
        policy: Any,
        policy_kwargs: dict[str, Any],
        max_grad_norm: float,
    ) -> None:
        self.stage, self.state = stage, state
        self.env: Any = env  # a VecEnv with a teacher
        self.out, self.progress = state.out, state.progress
        torch.manual_seed(seed + self.progress["steps"])
        self.checkpoint = self.out / CHECKPOINT
        with warnings.catch_warnings():
            # The last batch of a rollout may be smaller; stages of other methods have no rollouts.
            warnings.filterwarnings("ignore", "You have specified a mini-batch size")
            self.model = PPO(
                policy,
                env,
                learning_rate=self._learning_rate,
                n_steps=stage.rollout,
                batch_size=stage.batch,
                n_epochs=stage.epochs,
                gamma=stage.discount,
                ent_coef=stage.entropy,
                clip_range=stage.clip,
                target_kl=stage.target_kl,
                max_grad_norm=max_grad_norm,
                policy_kwargs=policy_kwargs,
                device="cpu",
            )
        if self.checkpoint.exists():
            self.model.set_parameters(torch.load(self.checkpoint, weights_only=True))
        folder = str(self.out / "tensorboard" / stage.name)
        # A resumed stage writes files of its own, so that nothing logged before is lost.
        suffix = f"-{self.progress['steps']}"
        self.model.set_logger(
            Logger(folder, [make_output_format(kind, folder, suffix) for kind in ("tensorboard", "csv")])
        )
        self._passed = False  # once promoted, whatever else ends before the stage does
        self._saved = self._started = time.monotonic()
        self._seconds_before = self.progress["seconds"]

    @property
    def promoted(self) -> bool:
        """Whether the stage is over before its steps are."""
        return False

    def log(self) -> None:
        """Record, in the model's logger, the episodes that have ended."""
        raise NotImplementedError

    def _learning_rate(self, remaining: float) -> float:
        done = min(1.0, self.progress["steps"] / self.stage.steps)
        return self.stage.learning_rate * (1 - done * (1 - self.stage.final))

    def finish(self) -> bool:
        """Run the rest of the stage; False when time ran out first."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn()) as bar:
            self.bar = bar
            task = bar.add_task(self.stage.name, total=self.stage.steps, completed=self.progress["steps"])
            on_steps: Callable[[int], bool] = lambda n: self._advance(n, bar, task)  # noqa: E731
            self.run(on_steps)
        if self._passed:
            self.progress["steps"] = self.stage.steps
        self.save()
        return self.progress["steps"] >= self.stage.steps

    def run(self, on_steps: Callable[[int], bool]) -> None:
        """Do what the stage's method says until ``on_steps``, told of decisions taken, is False."""
        if self.stage.method == "imitate":
            self._imitate(on_steps)
        else:
            self.model.learn(10**12, callback=_Steps(on_steps, self.log), reset_num_timesteps=False)

    def _advance(self, steps: int, bar: Progress, task: Any) -> bool:
        """Count decisions, save now and then; False when the stage or the time is over."""
        self.progress["steps"] += steps
        bar.update(task, completed=self.progress["steps"])
        now = time.monotonic()
        self._passed = self._passed or self.promoted
        over = self.progress["steps"] >= self.stage.steps or now >= self.state.deadline or self._passed
        # A stage whose steps are done is saved when it has learned from the last of them, not before.
        if not over and now - self._saved > self.CHECKPOINT_SECONDS:
            self.save()
            self._saved = now
        return not over

    def save(self) -> None:
        """Write weights and progress, atomically."""
        self.progress["seconds"] = self._seconds_before + time.monotonic() - self._started
        temporary = self.out / "checkpoint.part.pt"
        torch.save(self.model.get_parameters(), temporary)
        os.replace(temporary, self.checkpoint)
        temporary = self.out / "progress.part.json"
        temporary.write_text(json.dumps(self.progress))
        os.replace(temporary, self.out / "progress.json")

    def _imitate(self, on_steps: Callable[[int], bool]) -> None:
        """DAgger: the student acts, the teacher says what it would have done (Ross et al., 2011)."""
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

    def _fit(self, rounds: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> tuple[float, float]:
        policy, optimizer = self.model.policy, self.model.policy.optimizer
        seen, labels = (torch.cat(column) for column in zip(*rounds, strict=True))
        for group in optimizer.param_groups:
            group["lr"] = self._learning_rate(0.0)
        losses, agreements = [], []
        for rows in torch.randperm(len(seen)).split(self.stage.batch):
            distribution = policy.get_distribution(seen[rows])
            imitation = -distribution.log_prob(labels[rows]).mean()
            entropy = distribution.entropy()
            loss = imitation if entropy is None else imitation - self.stage.entropy * entropy.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            agreements.append((distribution.mode() == labels[rows]).float().mean().item())
        return float(np.mean(losses)), float(np.mean(agreements))


class _Steps(BaseCallback):
    """Counts SB3's steps towards the stage and logs what has ended.

    SB3 learns from whole rollouts only: one that has begun is finished, and learned from, before the stage is
    over. SB3 can be stopped in a rollout only, so the step after the last one is not counted.
    """

    def __init__(self, on_steps: Callable[[int], bool], log: Callable[[], None]) -> None:
        super().__init__()
        self._on_steps, self._log = on_steps, log
        self._going = True
        self._over = False

    def _on_step(self) -> bool:
        if self._over:
            return False
        self._going = self._on_steps(self.training_env.num_envs) and self._going
        return True

    def _on_rollout_end(self) -> None:
        self._over = not self._going
        self._log()

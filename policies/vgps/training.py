"""Training of a critic from recorded episodes with true labels.

    pilotfish worlds demonstrate push data/push
    pilotfish train vgps --task push --data data/push --out runs/push_value
    pilotfish train vgps --resume runs/push_value
    pilotfish train vgps --task push --data runs/dsrl_push_0          # a steering run's own experience
    pilotfish train vgps --task push,stack --data data/push,data/stack

``scores.json`` of a run says how well the critic tells success from failure on episodes it was not taught:
``auc`` of all chunks, ``auc_first`` of the episodes' first chunks (0.5 is chance; late states give the
outcome away), ``squared_error`` to what the episodes brought.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from pilotfish.policies.diffusion.policy import TrainedDiffusionPolicy
from pilotfish.policies.manipulation.chunks import DiffusionPolicy
from pilotfish.policies.models import whole_folder
from pilotfish.policies.pace import deadline_after, paced
from pilotfish.policies.vgps.config import VGPSConfig
from pilotfish.policies.vgps.critic import CriticConfig, save_critic
from pilotfish.policies.vgps.learning import Batch, Learner, load_state_dicts, make_networks, state_dicts
from pilotfish.policies.vgps.replayed import is_steering_run, replay_transitions
from pilotfish.policies.vgps.transitions import Transitions, failure_value, load_transitions, together

CHECKPOINT = "checkpoint.pt"
SAMPLED_AT_ONCE = 512
CURRICULA = Path(__file__).parent / "curricula"
DEFAULT_CURRICULUM = CURRICULA / "iql.yaml"


class Data:
    """Transitions, the base policy's chunks at their states, and what is held out.

    Args:
        transitions: all of them.
        policy: whose chunks are drawn.
        layout: name -> length of the features that a state is made of, in order.
        config: of the critic.
    """

    def __init__(
        self,
        transitions: Transitions,
        policy: DiffusionPolicy,
        layout: dict[str, int],
        config: CriticConfig,
        settings: VGPSConfig,
    ) -> None:
        rng = np.random.default_rng(settings.seed)
        episodes = np.unique(transitions.episode)
        if len(episodes) < 2:
            raise ValueError("a value needs at least two episodes: one to learn from, one to be judged on")
        held = rng.permutation(episodes)[: max(1, round(settings.held_out * len(episodes)))]
        out = np.isin(transitions.episode, held)
        self.config, self.held_out = config, transitions.rows(out)
        self.train = transitions.rows(~out)
        # Every next state is a state of the data, so each is drawn for once.
        each = settings.samples if settings.method == "calql" else 0
        drawn = self._draw(policy, layout, transitions.states, each, rng)
        self.drawn, self.next_drawn = drawn[~out], drawn[transitions.following[~out]]

    @staticmethod
    def _draw(
        policy: DiffusionPolicy,
        layout: dict[str, int],
        states: NDArray[np.float32],
        each: int,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Chunks of the policy at every state, float32 [N, K, n, A]."""
        found = np.empty((len(states) * each, *policy.chunk_shape), np.float32)
        repeated = np.repeat(states, each, axis=0)
        ends = np.cumsum(list(layout.values()))[:-1]
        for first in range(0, len(repeated), SAMPLED_AT_ONCE):
            rows = repeated[first : first + SAMPLED_AT_ONCE]
            seen = dict(zip(layout, np.split(rows, ends, axis=1), strict=True))
            noise = rng.standard_normal((len(rows), *policy.noise_shape), np.float32)
            found[first : first + len(rows)] = policy.sample(seen, noise)
        return found.reshape(len(states), each, *policy.chunk_shape)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Some of the training rows as tensors."""
        data, each = self.train, self.drawn.shape[1]

        def drawn(states: NDArray[np.float32], chunks: NDArray[np.float32]) -> torch.Tensor:
            if each == 0:
                return torch.zeros(len(rows), 0, 0)
            flat = self.config.features(
                np.repeat(states[rows], each, axis=0),
                chunks[rows].reshape(-1, *chunks.shape[2:]),
                np.repeat(data.task[rows], each),
            )
            return torch.from_numpy(flat).reshape(len(rows), each, -1)

        tasks = data.task[rows]
        return Batch(
            torch.from_numpy(self.config.features(data.states[rows], data.chunks[rows], tasks)),
            torch.from_numpy(data.rewards[rows]),
            torch.from_numpy(data.discounts[rows]),
            torch.from_numpy(data.failed[rows]),
            torch.from_numpy(data.returns[rows]),
            drawn(data.states, self.drawn),
            drawn(data.next_states, self.next_drawn),
            torch.from_numpy(self.bare(data.states[rows], tasks)),
            torch.from_numpy(self.bare(data.next_states[rows], tasks)),
        )

    def bare(self, states: NDArray[np.float32], tasks: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features of states without a chunk."""
        return self.config.features(states, np.zeros((len(states), 1, 0), np.float32), tasks)


class Run:
    """One training in a folder: settings.yaml, checkpoint.pt, scores.json.

    Args:
        out: the folder.
        transitions: what is learned from.
        policy, layout: the base policy, and the features it sees.
        settings: of the training.
    """

    def __init__(
        self,
        out: Path,
        transitions: Transitions,
        policy: DiffusionPolicy,
        layout: dict[str, int],
        settings: VGPSConfig,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.out, self.settings = out, settings
        self.config = CriticConfig(
            transitions.states.shape[1],
            (transitions.chunks.shape[1], transitions.chunks.shape[2]),
            settings.horizon,
            tuple(transitions.sentences),
            settings.heads,
            settings.width,
            settings.layers,
            settings.method,
            settings.gamma,
        )
        self.data = Data(transitions, policy, layout, self.config, settings)
        train = self.data.train
        features = torch.from_numpy(self.config.features(train.states, train.chunks, train.task))
        bare = torch.from_numpy(self.data.bare(train.states, train.task))
        networks = make_networks(features.shape[1], bare.shape[1], features, bare, settings)
        self.learner, self.step = (
            Learner(*networks, settings, failure_value(settings.gamma, policy.chunk_shape[0])),
            0,
        )
        self._random = np.random.default_rng([settings.seed, 1])
        if (out / CHECKPOINT).exists():
            saved = torch.load(out / CHECKPOINT, weights_only=True)
            load_state_dicts(self.learner, saved["learner"])
            self.step = saved["step"]
            self._random = np.random.default_rng([settings.seed, 1, self.step])

    def fit(self, deadline: float) -> bool:
        """Learn until the steps are done, or until ``deadline`` (monotonic clock): then False."""
        name = f"value, {self.settings.method}"
        for _ in paced(range(self.step, self.settings.steps), name, deadline, self.save):
            rows = self._random.integers(len(self.data.train.states), size=self.settings.batch)
            losses = self.learner.update(self.data.batch(rows))
            if not np.isfinite(list(losses.values())).all():
                raise ValueError(f"the losses are no numbers any more, {losses}: lower learning_rate")
            self.step += 1
        self.save()
        return self.step >= self.settings.steps

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        part = self.out / "checkpoint.part.pt"
        torch.save({"learner": state_dicts(self.learner), "step": self.step}, part)
        os.replace(part, self.out / CHECKPOINT)

    def scores(self) -> dict[str, Any]:
        """How the critic does on the episodes that were held out."""
        held = self.data.held_out
        features = self.config.features(held.states, held.chunks, held.task)
        with torch.no_grad():
            values = self.learner.critic(torch.from_numpy(features)).amin(0).numpy()
        first = np.r_[True, np.diff(held.episode) != 0]
        return {
            "episodes": int(first.sum()),
            "auc": auc(values, held.success),
            "auc_first": auc(values[first], held.success[first]),
            "squared_error": float(np.mean((values - held.returns) ** 2)),
        }

    def export(self, folder: Path) -> None:
        """Write the model folder, its scores beside it."""
        scores = {name: value if np.isfinite(value) else None for name, value in self.scores().items()}
        with whole_folder(folder) as part:
            save_critic(self.learner.critic, self.config, part)
            (part / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def auc(values: NDArray[np.floating], success: NDArray[np.bool_]) -> float:
    """Chance that a success is valued above a failure; NaN where there are not both."""
    good = int(success.sum())
    bad = len(success) - good
    if not good or not bad:
        return float("nan")
    return float((rankdata(values)[success].sum() - good * (good + 1) / 2) / (good * bad))


@dataclass(frozen=True)
class Source:
    """What a critic learns one task from.

    Attributes:
        data: a LeRobotDataset, or the folder of a DSRL run, whose own replay is used.
        policy: the base policy of the task.
        layout: name -> length of the observations, sorted by name.
        sentence: the task in words; a LeRobotDataset has its own.
    """

    data: Path
    policy: TrainedDiffusionPolicy
    layout: dict[str, int]
    sentence: str

    def load(self, gamma: float) -> Transitions:
        """Its transitions. Raises FileNotFoundError, ValueError."""
        length = self.policy.chunk_shape[0]
        if is_steering_run(self.data):
            return replay_transitions(self.data, length, gamma, self.sentence)
        return load_transitions(self.data, length, gamma)


def train(
    out: Path,
    sources: Sequence[Source],
    settings: VGPSConfig,
    resume: bool = False,
    budget_minutes: float | None = None,
) -> bool:
    """Learn a critic of one task's chunks, or of several tasks'; writes ``out/model``.

    Args:
        sources: one a task; several only by "iql".
        settings: with ``resume`` those in ``out`` are used.

    Returns: whether the run is done.

    Raises:
        ValueError: a folder that holds a run, a dataset without true labels, or several tasks that do not go
            together.
        FileNotFoundError: no dataset, or nothing to go on with.
    """
    deadline = deadline_after(budget_minutes)
    note = out / "settings.yaml"
    if resume and not note.exists():
        raise FileNotFoundError(f"{out} holds no run to go on with (no settings.yaml)")
    if not resume and note.exists():
        raise ValueError(f"{out} holds a run already: give another folder, or resume")
    settings = VGPSConfig.load(note) if resume else settings
    if len(sources) > 1 and settings.method != "iql":
        raise ValueError(f"method {settings.method!r} learns one task; for several take iql")
    if len(lengths := {source.policy.chunk_shape[0] for source in sources}) > 1:
        raise ValueError(f"one critic judges chunks of one length, these policies have {sorted(lengths)}")
    parts = [source.load(settings.gamma) for source in sources]
    transitions = parts[0] if len(parts) == 1 else together(parts)
    out.mkdir(parents=True, exist_ok=True)
    settings.save(note)
    run = Run(out, transitions, sources[0].policy, sources[0].layout, settings)
    done = run.fit(deadline)
    run.export(out / "model")
    return done

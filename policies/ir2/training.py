"""Training of the explorer: a curriculum of imitation and PPO stages from one YAML file.

    pilotfish train ir2 --config policies/ir2/curricula/ir2.yaml --out runs/ir2
    pilotfish train ir2 --resume runs/ir2          # goes on after a kill
    tensorboard --logdir runs/ir2/tensorboard

Logged, beside what SB3's PPO logs: ``prospects/...``, how well frontiers are judged (``Lessons.teach``);
``explore/<family>/path`` and ``/success``, longest path [px] and success of the training episodes that ended
since the last rollout, under sampled choices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import yaml
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import PyTorchObs

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import Episode, ExplorationVecEnv, RewardConfig, views
from pilotfish.policies.ir2.features import MOST_OPTIONS
from pilotfish.policies.ir2.lessons import Lessons
from pilotfish.policies.ir2.network import IR2Network, TorchProspects, save_network
from pilotfish.policies.training import CHECKPOINT, RunState, StageRun, StageSettings, train_curriculum
from pilotfish.policies.vec_env import ParallelVecEnv
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_maps
from pilotfish.worlds.maps.symmetry import deduplicate

CURVES = (r"explore/(.*)/path", "longest path [px] (sampled choices)")
"""What ``plot_curves`` draws of a run."""
LESSON_EVERY = 20
"""Strides between two lessons: frontiers change slowly."""

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


@dataclass(frozen=True, kw_only=True)
class Stage(StageSettings):
    """One stage of the curriculum.

    Beside the methods of all systems there is one in which the planner explores, and a network learns from
    what comes out: "prospects", what lies behind a frontier, by its looks.

    Attributes:
        episodes: what runs in it.
        reward: what the team is paid (PPO).
        promotion: the rule that ends it before its steps are over.
    """

    episodes: list[EpisodeGroup]
    reward: RewardConfig = field(default_factory=RewardConfig)
    promotion: Promotion = field(default_factory=Promotion)
    entropy: float = 0.0
    discount: float = 0.995
    rollout: int = 64
    batch: int = 128
    target_kl: float | None = 0.03

    METHODS: ClassVar = (*StageSettings.METHODS, "prospects")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.episodes:
            raise ValueError(f"stage {self.name!r} needs at least one group of episodes")


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

    def _both(self, obs: PyTorchObs) -> tuple[CategoricalDistribution, torch.Tensor]:
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

    def forward(self, obs: PyTorchObs, deterministic: bool = False):
        distribution, value = self._both(obs)
        actions = distribution.get_actions(deterministic)
        return actions, value, distribution.log_prob(actions)

    def evaluate_actions(self, obs: PyTorchObs, actions: torch.Tensor):
        distribution, value = self._both(obs)
        return value, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: PyTorchObs) -> CategoricalDistribution:
        return self._both(obs)[0]

    def predict_values(self, obs: PyTorchObs) -> torch.Tensor:
        return self._both(obs)[1]


def train(
    config: Path, out: Path, resume: bool, budget_minutes: float | None = None, workers: int = 1
) -> bool:
    """Run (or go on with) a curriculum; arguments, result and errors as ``train_curriculum``.

    Args:
        workers: processes that the episodes of a stage are shared among.
    """

    def start(stage: Stage, curriculum: Curriculum, state: RunState) -> StageRun:
        return _StageRun(stage, curriculum, state, workers)

    return train_curriculum(config, out, resume, budget_minutes, Curriculum.load, start)


def export(run: Path, folder: Path) -> None:
    """Write the model folder (weights, ONNX, configuration) of a run's last checkpoint."""
    config = Curriculum.load(run / "curriculum.yaml").model
    network = IR2Network(config)
    network.load_state_dict(_weights(run))
    save_network(network, config, folder)


def _weights(run: Path) -> dict[str, torch.Tensor]:
    """The network's, of a run's last checkpoint."""
    weights = torch.load(run / CHECKPOINT, weights_only=True)["policy"]
    prefix = "network."
    return {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}


class _StageRun(StageRun):
    """One stage of the explorer's training."""

    def __init__(self, stage: Stage, curriculum: Curriculum, state: RunState, workers: int) -> None:
        self.promotion = stage.promotion
        self.recent: list[bool] = state.progress.get("recent", [])
        prospects = None
        if state.progress.get("prospects", False):
            network = IR2Network(curriculum.model)
            network.load_state_dict(_weights(state.out))
            prospects = TorchProspects(network.prospects.eval())
        # A resumed stage draws other maps than its first part did, not the same ones again.
        seed = [curriculum.seed, state.progress["stage"], state.progress["steps"]]
        workers = min(workers, sum(group.copies for group in stage.episodes))
        makers = [
            partial(make_teams, stage, curriculum.model, seed, slice(first, None, workers), prospects)
            for first in range(workers)
        ]
        self.judging = stage.method == "prospects"
        self.lesson_every = -(-LESSON_EVERY // curriculum.model.every)
        if self.judging:  # The files may be large: other stages do not need it.
            self.lessons = Lessons(state.out / "lessons")
        teams = ParallelVecEnv(makers) if workers > 1 else makers[0]()
        kwargs = dict(config=curriculum.model, normalize_images=False)
        try:
            super().__init__(stage, state, teams, curriculum.seed, ExplorerActorCritic, kwargs, 0.5)
        except BaseException:  # such as weights of before, which do not fit
            teams.close()
            raise

    @property
    def _network(self) -> IR2Network:
        policy = self.model.policy
        assert isinstance(policy, ExplorerActorCritic)
        return policy.network

    def run(self, on_steps: Callable[[int], bool]) -> None:
        """Do what the stage's method says."""
        try:
            if self.judging:
                self._judge(on_steps)
            else:
                super().run(on_steps)
        finally:
            self.env.close()

    def _judge(self, on_steps: Callable[[int], bool]) -> None:
        """Note what lies behind the frontiers that the planner meets; teach it when the steps are done."""
        self.env.reset()
        rounds, going = 0, True
        while going:
            rounds += 1
            if rounds % self.lesson_every == 0:
                for lessons in self.env.call("lessons"):
                    for seen, found in lessons:
                        self.lessons.add(seen, found)
            self.env.step(self.env.teacher())
            going = on_steps(self.env.num_envs)
            self.log()
        if self.progress["steps"] >= self.stage.steps:
            self.progress["prospects"] = True
            track = partial(self.bar.track, description=f"{self.stage.name}: learning")
            for name, value in self.lessons.teach(self._network.prospects, self.stage, track).items():
                self.model.logger.record(f"prospects/{name}", value)
            self.model.logger.dump(self.progress["steps"])

    def save(self) -> None:
        """Write weights and progress, and what a network is taught from."""
        self.progress["recent"] = self.recent[-self.promotion.window :]
        super().save()
        if self.judging:
            self.lessons.save()

    @property
    def promoted(self) -> bool:
        """Whether the stage's rule says that it is learned."""
        window = self.recent[-self.promotion.window :]
        return len(window) >= self.promotion.window and float(np.mean(window)) >= self.promotion.success

    def log(self) -> None:
        """Record the episodes that have ended."""
        by_family = defaultdict(list)
        for ended in chain.from_iterable(self.env.call("finished")):
            self.recent.append(ended.success)
            by_family[ended.map.split("-")[0]].append((ended.success, ended.path))
        for family, outcomes in by_family.items():
            success, path = np.mean(outcomes, axis=0)
            self.model.logger.record(f"explore/{family}/success", float(success))
            self.model.logger.record(f"explore/{family}/path", float(path))


def make_teams(
    stage: Stage, config: IR2Config, seed: list[int], part: slice, prospects: TorchProspects | None
) -> ExplorationVecEnv:
    """The environment of some of a stage's episodes, whose explorers judge frontiers by ``prospects``."""
    groups = [group for group in stage.episodes for _ in range(group.copies)]
    pools: dict[str, list[GridMap]] = {}
    episodes = []
    for number, group in list(enumerate(groups))[part]:
        if group.maps not in pools:
            every = (grid for path in group.maps.split(";") for grid in load_maps(path.strip()))
            pools[group.maps] = deduplicate(every)
        maps = pools[group.maps]
        rng = np.random.default_rng([*seed, number])
        draw = lambda rng, maps=maps: maps[rng.integers(len(maps))]  # noqa: E731
        blind = stage.method == "prospects"  # What is learned from then, no observation holds.
        of_group = (group.robots, group.radio, group.cap)
        episode = Episode(draw, *of_group, rng, stage.reward, config, blind)
        for policy in episode.policies:
            policy.prospects = prospects
        episodes.append(episode)
    return ExplorationVecEnv(episodes)

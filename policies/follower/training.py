"""Training of the follower: a curriculum of imitation and PPO stages from one YAML file.

    pilotfish train follower --config policies/follower/curricula/follower.yaml --out runs/follower
    pilotfish train follower --resume runs/follower          # goes on after a kill
    tensorboard --logdir runs/follower/tensorboard

Logged, beside what SB3's PPO logs: ``fleet/<maps>/<agents>``, goals per step of the training episodes
that ended since the last rollout, under sampled actions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import yaml
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from pilotfish.policies.follower.config import FollowerConfig
from pilotfish.policies.follower.environment import Episode, FleetVecEnv, RewardConfig
from pilotfish.policies.follower.features import N_FEATURES
from pilotfish.policies.follower.network import FollowerNetwork, save_network
from pilotfish.policies.training import CHECKPOINT, RunState, StageRun, StageSettings, train_curriculum
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_maps

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


@dataclass(frozen=True, kw_only=True)
class Stage(StageSettings):
    """One stage of the curriculum; the teacher that is imitated negotiates.

    Attributes:
        episodes: what runs in it.
        reward: what the agents are paid (PPO).
    """

    episodes: list[EpisodeGroup]
    reward: RewardConfig = field(default_factory=RewardConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.episodes:
            raise ValueError(f"stage {self.name!r} needs at least one group of episodes")


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
    """Run (or go on with) a curriculum; arguments, result and errors as ``train_curriculum``."""
    return train_curriculum(config, out, resume, budget_minutes, Curriculum.load, _StageRun)


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


class _StageRun(StageRun):
    """One stage of the follower's training."""

    def __init__(self, stage: Stage, curriculum: Curriculum, state: RunState) -> None:
        # A resumed stage draws other maps than its first part did, not the same ones again.
        seed = [curriculum.seed, state.progress["stage"], state.progress["steps"]]
        self.fleet = FleetVecEnv(_episodes(stage, curriculum, seed))
        first, second = curriculum.hidden
        kwargs = dict(
            features_extractor_class=Trunk,
            features_extractor_kwargs=dict(hidden=first),
            net_arch=dict(pi=[second], vf=[second]),
            activation_fn=nn.ReLU,
            normalize_images=False,
        )
        super().__init__(stage, state, self.fleet, curriculum.seed, "MlpPolicy", kwargs, 1.0)

    def log(self) -> None:
        """Record the throughput of the episodes that have ended."""
        by_group = defaultdict(list)
        for name, agents, throughput in self.fleet.throughput:
            by_group[f"fleet/{name.split('-')[0]}/{agents}"].append(throughput)
        self.fleet.throughput.clear()
        for key, values in by_group.items():
            self.model.logger.record_mean(key, float(np.mean(values)))


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

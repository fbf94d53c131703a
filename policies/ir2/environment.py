"""Exploring teams as a Stable-Baselines3 vector environment: every robot of every episode is one env.

A step of the environment is one decision of every robot; robots that keep their target for ``every`` strides
decide anew at the same time. Observations are flat arrays (`pack`), which is what SB3's buffers hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.features import (
    MOST_OPTIONS,
    N_EDGE,
    N_GLOBAL,
    N_NODE,
    Features,
)
from pilotfish.policies.ir2.graph import MOST_EDGES, MOST_NODES
from pilotfish.policies.ir2.lessons import behind
from pilotfish.policies.ir2.options import Options
from pilotfish.policies.ir2.policy import IR2Policy
from pilotfish.policies.ir2.prospects import Views, look_at
from pilotfish.policies.vec_env import ArrayVecEnv
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap

ALL_EDGES = MOST_EDGES + 2 * (MOST_NODES - 1)

LAYOUT: dict[str, tuple[int, ...]] = {
    "counts": (3,),  # nodes, edges, options
    "nodes": (MOST_NODES, N_NODE),
    "edges": (2, ALL_EDGES),
    "edge_features": (ALL_EDGES, N_EDGE),
    "context": (N_GLOBAL,),
    "option": (MOST_OPTIONS,),
    "prior": (MOST_OPTIONS,),
}
"""Parts of a flat observation, in their order."""

SIZE = sum(int(np.prod(shape)) for shape in LAYOUT.values())


def pack(features: Features) -> NDArray[np.float32]:
    """A decision as a flat array float32 [SIZE]; unused places are zero."""
    flat = np.zeros(SIZE, np.float32)
    parts = views(flat)
    parts["counts"][:] = len(features.nodes), features.edges.shape[1], len(features.option)
    parts["edges"][:, : features.edges.shape[1]] = features.edges
    for name in ("nodes", "edge_features", "context", "option", "prior"):
        array = getattr(features, name)
        parts[name][: len(array)] = array
    return flat


def views(flat: Any) -> dict[str, Any]:
    """The parts of flat observations [..., SIZE], array or tensor, by name."""
    parts, start = {}, 0
    for name, shape in LAYOUT.items():
        end = start + int(np.prod(shape))
        parts[name] = flat[..., start:end].reshape(*flat.shape[:-1], *shape)
        start = end
    return parts


@dataclass(frozen=True)
class RewardConfig:
    """What a team is paid, every robot the same: what ends the episode sooner.

    Each stride costs ``time``, a thousand of them a thousand times that; knowledge pays as it grows, by share
    of the free space: of the ``mean`` robot, of the ``least`` knowing, and of the ``team`` together. The
    payment for knowledge is a potential (Ng et al., 1999): it changes how fast a policy is learned, not which
    is best.
    """

    time: float = 0.03
    mean: float = 1.0
    least: float = 1.0
    team: float = 1.0


def planner_alone(features: Features) -> NDArray[np.float32]:
    """What stands for a network where another one, or nobody, chooses: the planner's leaning."""
    return features.prior


class Episode:
    """One team in one world after the other.

    Args:
        draw_map: called at each start with the episode's generator.
        robots: in the team.
        radio: regime.
        cap: an episode is cut after so many seconds.
        blind: observations are all zero, for stages that learn from something else: much faster.
    """

    def __init__(
        self,
        draw_map: Callable[[np.random.Generator], GridMap],
        robots: int,
        radio: str,
        cap: float,
        rng: np.random.Generator,
        reward: RewardConfig,
        config: IR2Config,
        blind: bool = False,
    ) -> None:
        self.blind = blind
        self.draw_map, self.robots, self.radio, self.cap = draw_map, robots, radio, cap
        self.rng, self.reward, self.config = rng, reward, config
        self.policies = [IR2Policy(config, network=planner_alone) for _ in range(robots)]
        self._situations: list[Situation] = []
        self._options: list[Options] = []

    def reset(self) -> NDArray[np.float32]:
        """Start on a newly drawn map; observations [robots, SIZE]."""
        self.world = ExplorationWorld(self.draw_map(self.rng), self.robots, self.radio)
        seed = int(self.rng.integers(2**31))
        for policy, belief in zip(self.policies, self.world.reset(seed), strict=True):
            policy.reset(belief, seed)
        self._potential = 0.0
        return self._look()

    def lessons(self) -> Iterator[tuple[Views, NDArray[np.int64]]]:
        """What frontiers look like now, and what lies behind them; once for robots that know the same."""
        for robot, situation in enumerate(self._situations):
            if len(situation.frontiers) and not situation.belief.connected[:robot].any():
                views = look_at(situation)
                yield views, behind(situation.belief, situation.frontiers, self.world.walls)

    def teacher(self) -> NDArray[np.int64]:
        """What the planner would choose now: options [robots]."""
        return np.array([options.best for options in self._options])

    def step(self, choices: NDArray[np.integer]) -> tuple[NDArray[np.float32], float, bool, bool]:
        """Carry the choices out for ``every`` strides, or until other robots are in reach than were.

        Returns: observations [robots, SIZE], the team's reward, whether it has finished, whether it is cut.
        """
        targets = []
        for choice, options in zip(choices, self._options, strict=True):
            targets.append(int(options.block[min(int(choice), len(options) - 1)]))
        linked = [policy.belief.connected.copy() for policy in self.policies]
        strides = 0
        while strides < self.config.every:
            if strides:
                paths = [policy.way_on() for policy in self.policies]
            else:
                chosen = zip(self.policies, self._situations, targets, strict=True)
                paths = [policy.path_to(situation, target) for policy, situation, target in chosen]
            result = self.world.step(paths)
            strides += 1
            known = zip(self.policies, linked, strict=True)
            if result.done or any((policy.belief.connected != before).any() for policy, before in known):
                break
        pay = self.reward
        potential = (
            pay.mean * result.known.mean() + pay.least * result.known.min() + pay.team * result.team_known
        )
        reward = potential - self._potential - pay.time * strides
        self._potential = potential
        cut = not result.done and self.world.time >= self.cap
        return self._look(), float(reward), result.done, cut

    def _look(self) -> NDArray[np.float32]:
        self._situations, self._options, seen = [], [], []
        for policy in self.policies:
            situation = Situation.of(policy.belief, policy.navigation)
            options = policy.options(situation)
            flat: NDArray[np.float32] = np.zeros(SIZE, np.float32)
            if not self.blind:
                options, features = policy.look(situation, options)
                flat = pack(features)
            self._situations.append(situation)
            self._options.append(options)
            seen.append(flat)
        return np.stack(seen)


class Finished(NamedTuple):
    """An episode that has ended: longest path [px], whether all was known in time."""

    map: str
    robots: int
    success: bool
    path: float


class ExplorationVecEnv(ArrayVecEnv):
    """Robots of all ``episodes`` as SB3 environments; an episode that ends starts again by itself."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self.episodes = list(episodes)
        edges = np.cumsum([0] + [episode.robots for episode in self.episodes])
        self._rows = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        space = gym.spaces.Box(-np.inf, np.inf, (SIZE,), np.float32)
        super().__init__(int(edges[-1]), space, gym.spaces.Discrete(MOST_OPTIONS))
        self._seen = np.zeros((self.num_envs, SIZE), np.float32)
        self._finished: list[Finished] = []

    def reset(self) -> NDArray[np.float32]:
        for rows, episode in zip(self._rows, self.episodes, strict=True):
            self._seen[rows] = episode.reset()
        return self._seen.copy()

    def finished(self) -> list[Finished]:
        """The episodes that have ended since this was last asked."""
        finished, self._finished = self._finished, []
        return finished

    def lessons(self) -> list[tuple[Views, NDArray[np.int64]]]:
        """Of all episodes."""
        return [lesson for episode in self.episodes for lesson in episode.lessons()]

    def teacher(self) -> NDArray[np.int64]:
        """The planner's choices [robots of all episodes] for the observations last returned."""
        return np.concatenate([episode.teacher() for episode in self.episodes])

    def step_wait(self):
        rewards = np.zeros(self.num_envs, np.float32)
        dones = np.zeros(self.num_envs, bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for rows, episode in zip(self._rows, self.episodes, strict=True):
            seen, rewards[rows], done, cut = episode.step(self._actions[rows])
            if done or cut:
                world = episode.world
                self._finished.append(
                    Finished(world.grid.name, episode.robots, done, float(world.travelled.max()))
                )
                dones[rows] = True
                for k, row in enumerate(range(rows.start, rows.stop)):
                    infos[row] = {"TimeLimit.truncated": cut, "terminal_observation": seen[k]}
                seen = episode.reset()
            self._seen[rows] = seen
        return self._seen.copy(), rewards, dones, infos

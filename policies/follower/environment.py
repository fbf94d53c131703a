"""The fleet as a Stable-Baselines3 vector environment: every agent of every episode is one env.

All agents share one policy, so a batch of episodes with 2000 agents gives SB3 2000 environments in
one process, stepped by the compiled engine, planner and features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.coordination.priority_inheritance import resolve
from pilotfish.policies.follower.features import N_FEATURES, Features
from pilotfish.policies.follower.planner import Planner
from pilotfish.policies.vec_env import ArrayVecEnv
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class RewardConfig:
    """What an agent is paid for each step.

    Its progress (static congestion cost gained on the way to its goal, in units of the map's mean cell
    cost) times ``scale``, mixed with the mean progress of the agents around it: ``team`` is their
    share, ``team_radius`` how far they are [cells]. Progress that is lost counts ``backward`` times: below
    1, stepping back and coming again pays more than waiting, and jams dissolve.
    """

    scale: float = 0.2
    team: float = 0.5
    team_radius: int = 3
    backward: float = 1.0


class Episode:
    """One running episode: world, planner and features of its agents.

    Args:
        draw_map: called at each start with the episode's generator.
        n_agents: agents in the episode; maps without room for them are drawn again.
        length: steps until the episode is cut.
        negotiate: whether actions are wishes that priority inheritance resolves.
    """

    def __init__(
        self,
        draw_map: Callable[[np.random.Generator], GridMap],
        n_agents: int,
        length: int,
        rng: np.random.Generator,
        reward: RewardConfig,
        negotiate: bool = False,
        dynamic_weight: float = 0.3,
        lane_cost: float = 0.8,
    ) -> None:
        self.draw_map = draw_map
        self.n_agents = n_agents
        self.length = length
        self.rng = rng
        self.reward = reward
        self.negotiate = negotiate
        self.dynamic_weight = dynamic_weight
        self.lane_cost = lane_cost

    def reset(self) -> NDArray[np.float32]:
        """Start on a newly drawn map; features [N, N_FEATURES]."""
        for _ in range(50):
            grid = self.draw_map(self.rng)
            self.world = GridFleet(grid, self.n_agents)
            try:
                self.observation = self.world.reset(int(self.rng.integers(2**31)))
                break
            except ValueError:
                continue
        else:
            raise ValueError(f"no map drawn has room for {self.n_agents} agents")
        self.planner = Planner(
            grid,
            self.n_agents,
            dynamic_weight=self.dynamic_weight,
            lane_cost=self.lane_cost,
            keep_static=True,
        )
        self.features = Features(self.n_agents)
        self.time = self.started = 0
        self.waited = self.rng.random(self.n_agents).astype(np.float32)
        self.mean_cost = float(self.planner.costs[self.planner.costs < 1e8].mean())
        self.goals_reached = 0
        return self._look()

    def teacher(self) -> NDArray[np.int64]:
        """What planner + priority inheritance would do now, as actions of the turned windows."""
        return self.features.actions_in_window(self._negotiated(None))

    def step(self, actions: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.float32], bool]:
        """Features, rewards [N] and whether the episode is over, after actions of the turned windows."""
        actions = self.features.actions_in_map(actions)
        if self.negotiate:
            actions = self._negotiated(actions)
        before = self.planner.static_value(self.observation.cell)
        self.observation = self.world.step(actions)
        # Goals just reached already have successors: there the way that was left is the progress.
        after = self.planner.static_value(self.observation.cell)
        reached = self.world.reached.astype(bool)
        progress = np.where(reached, before, before - after) / self.mean_cost
        progress = np.where(progress < 0, self.reward.backward * progress, progress)
        cell = self.planner.pad(self.observation.cell)
        reward = _shared(
            cell,
            progress,
            self.planner.width,
            self.planner.costs.size,
            self.reward.team,
            self.reward.team_radius,
        )
        self.waited = np.where(reached, self.waited % 1.0, self.waited + 1).astype(np.float32)
        self.goals_reached += int(reached.sum())
        self.time += 1
        return self._look(), (self.reward.scale * reward).astype(np.float32), self.time >= self.length

    def _look(self) -> NDArray[np.float32]:
        o = self.observation
        self.planner.update(o.cell, o.goal, o.window)
        return self.features.update(o, self.planner)

    def _negotiated(self, wishes: NDArray[np.int8] | None) -> NDArray[np.int8]:
        """Actions after priority inheritance; the planner's order, with the wishes (if any) first."""
        scores = self.planner.scores(self.rng)
        if wishes is not None:
            rows = np.arange(self.n_agents)
            legal = scores[rows, wishes] > -np.inf
            scores[rows[legal], wishes[legal]] = np.inf
        cell = self.planner.pad(self.observation.cell)
        return resolve(cell, scores, self.waited, self.planner.offsets, self.planner.costs.size)


@njit(cache=True)
def _shared(cell, progress, width, n_cells, share, radius):
    """Each agent's own progress mixed with the mean over the agents within ``radius``, itself included."""
    at = np.full(n_cells, -1, dtype=np.int32)
    for i in range(cell.shape[0]):
        at[cell[i]] = i
    out = np.empty(cell.shape[0], dtype=np.float32)
    for i in range(cell.shape[0]):
        total, count = 0.0, 0
        for r in range(-radius, radius + 1):
            for c in range(-radius, radius + 1):
                other = at[cell[i] + r * width + c]
                if other >= 0:
                    total += progress[other]
                    count += 1
        out[i] = (1 - share) * progress[i] + share * total / count
    return out


class FleetVecEnv(ArrayVecEnv):
    """Agents of all ``episodes`` as SB3 environments; an episode that ends starts again by itself."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self.episodes = list(episodes)
        edges = np.cumsum([0] + [e.n_agents for e in self.episodes])
        self._rows = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        n = int(edges[-1])
        observation_space = gym.spaces.Box(-1.0, 2.0, (N_FEATURES,), np.float32)
        super().__init__(n, observation_space, gym.spaces.Discrete(5))
        self._features = np.zeros((n, N_FEATURES), dtype=np.float32)
        self._no_infos: list[dict[str, Any]] = [{} for _ in range(n)]
        self.throughput: list[tuple[str, int, float]] = []
        """(map, agents, goals per step) of the episodes that ended since the list was last emptied."""

    def reset(self) -> NDArray[np.float32]:
        for rows, episode in zip(self._rows, self.episodes, strict=True):
            self._features[rows] = episode.reset()
            # Spread the ends, so that episodes do not all restart in one step.
            episode.time = episode.started = int(episode.rng.integers(episode.length // 2))
        return self._features.copy()

    def teacher(self) -> NDArray[np.int64]:
        """The teacher's actions [agents] for the observations last returned."""
        return np.concatenate([episode.teacher() for episode in self.episodes])

    def step_wait(self):
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        dones = np.zeros(self.num_envs, dtype=bool)
        infos = self._no_infos
        for rows, episode in zip(self._rows, self.episodes, strict=True):
            features, rewards[rows], done = episode.step(self._actions[rows])
            if done:
                self.throughput.append(
                    (
                        episode.world.grid.name,
                        episode.n_agents,
                        episode.goals_reached / (episode.time - episode.started),
                    )
                )
                last = features.copy()
                features = episode.reset()
                dones[rows] = True
                infos = list(infos)
                for k, row in enumerate(range(rows.start, rows.stop)):
                    infos[row] = {"TimeLimit.truncated": True, "terminal_observation": last[k]}
            self._features[rows] = features
        return self._features.copy(), rewards, dones, infos

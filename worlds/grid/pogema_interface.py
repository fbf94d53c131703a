"""The grid fleet behind POGEMA's interface, so that agents written for POGEMA plug in.

>>> env = PogemaFleet(GridConfig(map="....\\n.#..\\n....", num_agents=2, seed=1))
>>> observations, infos = env.reset()
>>> observations, rewards, terminated, truncated, infos = env.step([1, 4])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.grid import kernels
from pilotfish.worlds.grid.engine import GridFleet, pad_cells
from pilotfish.worlds.maps.formats.rows import grid_from_rows, trim
from pilotfish.worlds.maps.generators import generate
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class GridConfig:
    """Arguments with POGEMA's names; only its lifelong setting with soft collisions exists here.

    Attributes:
        map: ASCII rows ("." free, "#" wall, or the warehouse characters), a list of 0/1 rows, a GridMap,
            or None for a random map of ``size`` and ``density`` (drawn by our generator, not POGEMA's).
        obs_radius: windows are 2 * obs_radius + 1 wide; 1 to 5.
    """

    map: str | Sequence[Sequence[int]] | GridMap | None = None
    num_agents: int = 1
    seed: int = 0
    obs_radius: int = 5
    max_episode_steps: int = 64
    size: int = 8
    density: float = 0.3
    on_target: str = "restart"
    collision_system: str = "soft"

    def __post_init__(self) -> None:
        if self.on_target != "restart":
            raise ValueError(f"on_target {self.on_target!r}: only 'restart' (lifelong) is available")
        if self.collision_system != "soft":
            raise ValueError(f"collision_system {self.collision_system!r}: only 'soft' is available")
        if not 1 <= self.obs_radius <= kernels.PAD:
            raise ValueError(f"obs_radius must be 1 to {kernels.PAD}, got {self.obs_radius}")

    def grid(self) -> GridMap:
        """The map as a GridMap. Raises ValueError where it is malformed."""
        if isinstance(self.map, GridMap):
            return self.map
        if isinstance(self.map, str):
            rows, first = trim(self.map.splitlines())
            return grid_from_rows("map", rows, "GridConfig.map", lambda r, c: (first + r + 1, c + 1))
        if self.map is None:
            return generate("random", self.seed, size=self.size, density=self.density)
        return GridMap("map", np.asarray(self.map, dtype=bool))


class PogemaFleet:
    """A lifelong episode with lists of observation dictionaries.

    Each agent gets ``obstacles`` and ``agents``, float32 [2r+1, 2r+1] (the map is ringed by one wall and
    free beyond, as in POGEMA), ``xy`` and ``target_xy``, (row, column) relative to its start.
    """

    def __init__(self, config: GridConfig) -> None:
        self.config = config
        self._fleet = GridFleet(config.grid(), config.num_agents)
        grid = self._fleet.grid
        ringed = np.pad(grid.walls, 1, constant_values=True)
        self._obstacles = np.pad(ringed, kernels.PAD - 1).astype(np.uint8).ravel()
        side = 2 * config.obs_radius + 1
        self._windows = np.empty((config.num_agents, side, side), dtype=np.uint8)

    def reset(self, seed: int | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Observations and infos of the agents; ``seed`` replaces the configuration's."""
        observation = self._fleet.reset(self.config.seed if seed is None else seed)
        self._start = self._row_col(observation.cell)
        self._time = 0
        self._goals = 0
        return self._dictionaries(observation), self._infos(False)

    def step(self, actions: Sequence[int]) -> tuple[list, list[float], list[bool], list[bool], list[dict]]:
        """Observations, rewards, terminated, truncated and infos of the agents.

        Raises:
            ValueError: a wrong number of actions, or one that is not 0..4.
        """
        observation = self._fleet.step(np.asarray(actions))
        self._time += 1
        self._goals += int(self._fleet.reached.sum())
        over = self._time >= self.config.max_episode_steps
        n = self.config.num_agents
        rewards = self._fleet.reached.astype(float).tolist()
        return self._dictionaries(observation), rewards, [False] * n, [over] * n, self._infos(over)

    def _infos(self, over: bool) -> list[dict[str, Any]]:
        infos: list[dict[str, Any]] = [{"is_active": True} for _ in range(self.config.num_agents)]
        if over:
            infos[0]["metrics"] = {"avg_throughput": self._goals / self._time}
        return infos

    def _dictionaries(self, observation) -> list[dict[str, Any]]:
        radius = self.config.obs_radius
        cells = pad_cells(observation.cell, self._fleet.grid.width)
        kernels.windows(cells, self._obstacles, 0, self._fleet.padded_width, radius, self._windows)
        obstacles = self._windows.astype(np.float32)
        middle = observation.window.shape[1] // 2
        crop = slice(middle - radius, middle + radius + 1)
        agents = observation.window[:, crop, crop].astype(np.float32)
        xy = (self._row_col(observation.cell) - self._start).tolist()
        target = (self._row_col(observation.goal) - self._start).tolist()
        return [
            {"obstacles": o, "agents": a, "xy": tuple(p), "target_xy": tuple(t)}
            for o, a, p, t in zip(obstacles, agents, xy, target, strict=True)
        ]

    def _row_col(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.stack(np.divmod(cells, self._fleet.grid.width), axis=-1)

"""A team of robots that explores an unknown map, each on its own belief, under a radio that fails.

Time passes in steps in which every robot drives the same way at most (``STRIDE``), so a robot's speed is
constant and the time of an episode is real. Robots are points: at 1 px = 1 m, corridors are wide enough to
pass each other; where robots have bodies and get in each other's way, use a back end with physics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.policies.exploration.belief import TeamBelief, exchange
from pilotfish.policies.exploration.blocks import BLOCK
from pilotfish.worlds.exploration.radio import NEEDED, Radio, components, draw_radio, signal_strength
from pilotfish.worlds.exploration.sensor import ray_table, scan
from pilotfish.worlds.maps.grid_map import GridMap

STRIDE = 15.0
"""Way that a robot drives between two decisions [px]."""

DONE = 0.99
"""Share of the free space that every robot must know."""

START_PIXEL = 127
"""All robots start on this one of a map's start cells (the 128th, in row-major order)."""


@dataclass(frozen=True)
class StepResult:
    """What came of a step.

    Attributes:
        done: every robot's own belief holds DONE of the free space.
        component: int64 [N] radio component of each robot.
        known: float64 [N] share of the free space in each robot's own belief.
        team_known: share of it that anybody knows.
    """

    done: bool
    component: NDArray[np.int64]
    known: NDArray[np.float64]
    team_known: float


class ExplorationWorld:
    """The simulated world; see the module.

    Args:
        grid: the true map; 1 cell = 1 px = 1 m for the radio.
        robots: how many.
        radio: a regime (``radio.REGIMES``) or one radio.
        stride: way between two decisions [px].

    Attributes:
        beliefs: one ``TeamBelief`` a robot: what policies see.
        position: float64 [N, 2] (row, col) [px], the truth.
        travelled: float64 [N] way driven [px].
        time: seconds since the start; robots drive one px a second.
    """

    def __init__(
        self, grid: GridMap, robots: int, radio: str | Radio = "random", stride: float = STRIDE
    ) -> None:
        if robots < 1:
            raise ValueError(f"a team has at least one robot, got {robots}")
        self.grid = grid
        self.robots = robots
        self.stride = stride
        self._regime = radio
        height, width = grid.walls.shape
        self.walls = np.pad(grid.walls, ((0, -height % BLOCK), (0, -width % BLOCK)), constant_values=True)
        self._parts, _ = ndimage.label(~self.walls, np.ones((3, 3)))
        self._rays = ray_table()

    def reset(self, seed: int) -> list[TeamBelief]:
        """Start an episode: place, radio and every other draw come from the seed."""
        rng = np.random.default_rng([seed, 0x1E2])
        self.radio = self._regime if isinstance(self._regime, Radio) else draw_radio(self._regime, rng)
        start = self._start(rng)
        self.position = np.tile(start, (self.robots, 1))
        # What cannot be reached from the start is no part of the task.
        inside = self._parts == self._parts[int(start[0]), int(start[1])]
        self.free_total = int(inside.sum())
        self.travelled = np.zeros(self.robots)
        self.time = 0.0
        self.beliefs = [TeamBelief(me, self.robots, self.walls.shape) for me in range(self.robots)]
        self._look_and_talk()
        return self.beliefs

    def _start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        starts = self.grid.starts
        if starts is not None:
            cell = starts[min(START_PIXEL, len(starts) - 1)]
        else:
            sizes = np.bincount(self._parts.ravel())
            sizes[0] = 0
            rows, cols = np.nonzero(self._parts[: self.grid.height, : self.grid.width] == sizes.argmax())
            pick = rng.integers(len(rows))
            cell = rows[pick] * self.grid.width + cols[pick]
        return np.array(np.divmod(cell, self.grid.width), float)

    def step(self, paths: Sequence[NDArray]) -> StepResult:
        """Drive every robot along its path by one stride at most, look around, and talk.

        Args:
            paths: for each robot float [M, 2] corners (row, col) [px] from where it stands; empty to stay.
        """
        for robot, path in enumerate(paths):
            self._drive(robot, np.asarray(path, float))
        self.time += self.stride
        return self._look_and_talk()

    def _drive(self, robot: int, path: NDArray[np.float64]) -> None:
        left = self.stride
        here = self.position[robot].copy()
        for corner in path:
            way = float(np.hypot(*(corner - here)))
            if way > left:
                corner = here + (corner - here) * (left / way)
                way = left
            self.travelled[robot] += way
            here = corner
            left -= way
            if left <= 1e-9:
                break
        self.position[robot] = self._beside_walls(here)

    def _beside_walls(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """The point itself, or the nearest free pixel where a line along a wall has rounded into it."""
        row, col = np.rint(point).astype(int)
        if not self.walls[row, col]:
            return point
        nine = np.meshgrid([row - 1, row, row + 1], [col - 1, col, col + 1])
        around: NDArray[np.int64] = np.stack(nine, axis=-1).reshape(-1, 2)
        around = around[((around >= 0) & (around < self.walls.shape)).all(axis=1)]
        free = around[~self.walls[around[:, 0], around[:, 1]]]
        return free[np.argmin(np.hypot(*(free - point).T))].astype(float)

    def _look_and_talk(self) -> StepResult:
        steps, lengths = self._rays
        for robot, belief in enumerate(self.beliefs):
            row, col = np.rint(self.position[robot]).astype(int)
            scan(
                self.walls, steps, lengths, row, col,
                belief.pixels, belief.known, belief.free[robot], belief.changed,
            )  # fmt: skip
            belief.report(self.position[robot], self.time, self.travelled[robot])
        self.strength = signal_strength(self.walls, self.position, self.radio)
        component = components(self.strength > NEEDED)
        for label in np.unique(component):
            exchange(self.beliefs, np.flatnonzero(component == label).tolist(), self.time)
        for belief in self.beliefs:
            belief.doubt()
        known = np.array([belief.free_pixels for belief in self.beliefs]) / self.free_total
        team = np.maximum.reduce([belief.free[belief.me] for belief in self.beliefs])
        team_known = float(team.sum(dtype=np.int64)) / self.free_total
        return StepResult(bool((known >= DONE).all()), component, known, team_known)

    def close(self) -> None:
        """Nothing to free."""

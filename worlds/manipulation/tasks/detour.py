"""Reach a target behind a wall: one of the two ways around it is a dead end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.task import ArmTask, Waypoint

WALL = (0.02, 0.12, 0.08)
BLOCK = (0.02, 0.22, 0.08)
HEIGHT = 0.045
"""Of the hand and of the target [m]."""
REACHED = 0.03
"""[m]"""


class Detour(ArmTask):
    """The target lies behind the wall; a second wall closes the left or the right way."""

    NAME = "detour"
    SENTENCE = "Reach the target behind the wall."
    ACTIONS = ("dx", "dy", "dz")
    STRATEGIES = ("left", "right")
    MAX_STEPS = 24
    ENVIRONMENT_NAMES = ("target_x", "target_y", "wall_x", "wall_y", "block_x", "block_y")

    def _build(self) -> None:
        self.wall = self._box(WALL, 0.0, (0.45, 0.45, 0.5, 1))
        self.block = self._box(BLOCK, 0.0, (0.75, 0.3, 0.25, 1))
        self.target = self._mark(REACHED, (0.2, 0.7, 0.3, 1))

    def _arrange(self) -> tuple[tuple[float, float, float], float, float]:
        self.closed = self._side()
        wall = (self._near(0.0, 0.015), self._near(0.0, 0.02), WALL[2] / 2)
        block = (
            wall[0] + self._near(0.05, 0.01),
            wall[1] + self.closed * self._near(0.155, 0.01),
            WALL[2] / 2,
        )
        self.goal = np.array([self._near(0.16, 0.02), self._near(0.0, 0.03), HEIGHT])
        self._put(self.wall, wall)
        self._put(self.block, block)
        self._put(self.target, (self.goal[0], self.goal[1], 0.001))
        self.walls = np.array([*wall[:2], *block[:2]])
        return (self._near(-0.13, 0.02), self._near(0.0, 0.03), HEIGHT), 0.0, 0.0

    def environment_state(self) -> NDArray[np.float32]:
        return np.array([*self.goal[:2], *self.walls], np.float32)

    def is_success(self) -> bool:
        return bool(np.linalg.norm(self.arm.hand().position - self.goal) < REACHED)

    def right_strategy(self) -> str:
        return "right" if self.closed > 0 else "left"

    def waypoints(self, strategy: str) -> list[Waypoint]:
        side = 1.0 if strategy == "left" else -1.0
        wall_x, wall_y = self.walls[:2]
        aside = wall_y + side * 0.13
        return [
            Waypoint((wall_x - 0.06, aside, HEIGHT), tolerance=0.03),
            Waypoint((wall_x + 0.08, aside, HEIGHT), tolerance=0.03),
            Waypoint(tuple(self.goal)),
        ]

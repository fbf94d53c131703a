"""Pick a bar and put it onto a platform: it can be grasped across its short side, not along its length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.arm import WIDEST
from pilotfish.worlds.manipulation.task import ArmTask, Waypoint

BAR = (0.14, 0.05, 0.04)
"""Too thick to be taken aslant [m]."""
PLATFORM = (0.14, 0.14, 0.05)
THERE = 0.05
"""Between the centres of bar and platform, seen from above [m]."""


class PickPlace(ArmTask):
    """The bar lies roughly along x or along y; the hand comes with its fingers along x or along y."""

    NAME = "pick_place"
    SENTENCE = "Pick up the bar and place it on the platform."
    ACTIONS = ("dx", "dy", "dz", "dyaw", "width")
    STRATEGIES = ("straight", "turned")
    MAX_STEPS = 40
    ENVIRONMENT_NAMES = ("bar_x", "bar_y", "bar_z", "sin_2yaw", "cos_2yaw", "goal_x", "goal_y")

    def _build(self) -> None:
        self.bar = self._box(BAR, 0.15, (0.85, 0.55, 0.15, 1), friction=1.0)
        self.platform = self._box(PLATFORM, 0.0, (0.2, 0.7, 0.3, 1))

    def _arrange(self) -> tuple[tuple[float, float, float], float, float]:
        self.across = self._side() > 0
        self.goal = np.array([self._near(0.1, 0.03), self._near(0.16, 0.03)])
        bar = (self._near(-0.03, 0.03), self._near(-0.12, 0.04), BAR[2] / 2)
        self._put(self.platform, (*self.goal, PLATFORM[2] / 2))
        self._put(self.bar, bar, (np.pi / 2 if self.across else 0.0) + self._near(0.0, 0.2))
        return (self._near(-0.05, 0.03), self._near(0.0, 0.03), self._near(0.16, 0.02)), np.pi / 4, WIDEST

    def environment_state(self) -> NDArray[np.float32]:
        position, yaw = self._pose(self.bar)
        return np.array([*position, np.sin(2 * yaw), np.cos(2 * yaw), *self.goal], np.float32)

    def is_success(self) -> bool:
        position, _ = self._pose(self.bar)
        return bool(
            np.linalg.norm(position[:2] - self.goal) < THERE
            and position[2] > PLATFORM[2] + 0.01
            and self.arm.hand().width > 0.065
        )

    def right_strategy(self) -> str:
        return "turned" if self.across else "straight"

    def waypoints(self, strategy: str) -> list[Waypoint]:
        # The fingers open along the hand's y: without a turn they take a bar that lies along x.
        turn = np.pi / 2 if strategy == "turned" else 0.0
        (x, y, _), yaw = self._pose(self.bar)
        skew = (yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
        grasp, high, over = turn + skew, 0.16, PLATFORM[2] + 0.03
        gx, gy = self.goal
        return [
            Waypoint((x, y, 0.1), grasp, WIDEST, tolerance=0.015),
            Waypoint((x, y, 0.018), grasp, WIDEST),
            Waypoint((x, y, 0.018), grasp, 0.0, wait=2, tolerance=0.03),
            Waypoint((x, y, high), grasp, 0.0, tolerance=0.03),
            Waypoint((gx, gy, high), grasp, 0.0, tolerance=0.02),
            Waypoint((gx, gy, over), grasp, 0.0, tolerance=0.02),
            Waypoint((gx, gy, over), grasp, WIDEST, wait=3, tolerance=0.03),
            Waypoint((gx, gy, high), grasp, WIDEST),
        ]

"""Push a bar straight ahead: it is loaded at one end, and pushed at the other it turns away."""

from __future__ import annotations

import numpy as np
import pybullet
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.task import AWAY, ArmTask, Waypoint

BAR = (0.04, 0.16, 0.05)
LOAD = 0.045
"""The load's distance from the bar's middle [m]."""
WAY = 0.14
"""To push [m]."""
THERE = 0.03
"""[m]"""
STRAIGHT = 0.3
"""[rad]"""
HEIGHT = 0.025
"""Of the hand that pushes [m]."""


class Push(ArmTask):
    """The bar must arrive over the mark and still lie across; the load tells where to push."""

    NAME = "push"
    SENTENCE = "Push the loaded bar straight onto the mark."
    ACTIONS = ("dx", "dy", "dz")
    STRATEGIES = ("left", "right")
    MAX_STEPS = 24
    ENVIRONMENT_NAMES = ("bar_x", "bar_y", "sin_yaw", "cos_yaw", "load_x", "load_y", "goal_x", "goal_y")

    def _build(self) -> None:
        self.bars = {side: self._loaded_bar(side) for side in (-1.0, 1.0)}
        self.mark = self._mark(0.05, (0.2, 0.7, 0.3, 1))

    def _loaded_bar(self, side: float) -> int:
        """A light bar and a heavy cube on it, as one body."""
        c = self.client
        half = [edge / 2 for edge in BAR]
        cube = [0.015, 0.02, 0.01]
        body = c.createMultiBody(
            baseMass=0.08,
            baseCollisionShapeIndex=c.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half),
            baseVisualShapeIndex=c.createVisualShape(
                pybullet.GEOM_BOX, halfExtents=half, rgbaColor=(0.3, 0.45, 0.75, 1)
            ),
            basePosition=(AWAY, side, half[2]),
            linkMasses=[0.6],
            linkCollisionShapeIndices=[-1],
            linkVisualShapeIndices=[
                c.createVisualShape(pybullet.GEOM_BOX, halfExtents=cube, rgbaColor=(0.2, 0.2, 0.2, 1))
            ],
            linkPositions=[(0, side * LOAD, half[2] + cube[2])],
            linkOrientations=[(0, 0, 0, 1)],
            linkInertialFramePositions=[(0, 0, -half[2])],
            linkInertialFrameOrientations=[(0, 0, 0, 1)],
            linkParentIndices=[0],
            linkJointTypes=[pybullet.JOINT_FIXED],
            linkJointAxis=[(0, 0, 1)],
        )
        c.changeDynamics(body, -1, lateralFriction=0.5)
        return body

    def _arrange(self) -> tuple[tuple[float, float, float], float, float]:
        self.side = self._side()
        self.bar = self.bars[self.side]
        self._put(self.bars[-self.side], (AWAY, -self.side, BAR[2] / 2))
        x, y = self._near(-0.04, 0.02), self._near(0.0, 0.06)
        self.goal = np.array([x + self._near(WAY, 0.02), y])
        self._put(self.bar, (x, y, BAR[2] / 2), self._near(0.0, 0.08))
        self._put(self.mark, (*self.goal, 0.001))
        return (self._near(-0.17, 0.02), self._near(0.0, 0.04), 0.08), 0.0, 0.0

    def environment_state(self) -> NDArray[np.float32]:
        position, yaw = self._pose(self.bar)
        load = position[:2] + self.side * LOAD * np.array([-np.sin(yaw), np.cos(yaw)])
        return np.array([*position[:2], np.sin(yaw), np.cos(yaw), *load, *self.goal], np.float32)

    def is_success(self) -> bool:
        position, yaw = self._pose(self.bar)
        return bool(np.linalg.norm(position[:2] - self.goal) < THERE and abs(yaw) < STRAIGHT)

    def right_strategy(self) -> str:
        return "left" if self.side > 0 else "right"

    def waypoints(self, strategy: str) -> list[Waypoint]:
        side = 1.0 if strategy == "left" else -1.0
        position, _ = self._pose(self.bar)
        y = position[1] + side * LOAD * 0.85
        ahead = 0.015 + BAR[0] / 2
        return [
            Waypoint((position[0] - 0.07, y, 0.06), tolerance=0.02),
            Waypoint((position[0] - 0.06, y, HEIGHT), tolerance=0.015),
            Waypoint((self.goal[0] - ahead + 0.01, y, HEIGHT)),
        ]

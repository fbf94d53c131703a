"""Stack a cube onto one of two stands: a plate that holds it, and a ramp that does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.arm import WIDEST
from pilotfish.worlds.manipulation.task import ArmTask, Waypoint

CUBE = 0.04
STAND = 0.05
"""Height of both stands [m]."""
PLATE = (0.09, 0.09, STAND)
RAMP = (0.09, 0.09, 0.01)
SLOPE = 0.7
"""Of the ramp: the cube slides off [rad]."""
STILL = 0.05
"""[m/s]"""


class Stack(ArmTask):
    """The plate stands at the left or at the right, the ramp at the other side."""

    NAME = "stack"
    SENTENCE = "Stack the cube on a stand that holds it."
    ACTIONS = ("dx", "dy", "dz", "width")
    STRATEGIES = ("left", "right")
    MAX_STEPS = 40
    HOLD = 3
    ENVIRONMENT_NAMES = ("cube_x", "cube_y", "cube_z", "plate_x", "plate_y", "ramp_x", "ramp_y")

    def _build(self) -> None:
        self.cube = self._box((CUBE,) * 3, 0.08, (0.8, 0.3, 0.25, 1), friction=0.8)
        self.plate = self._box(PLATE, 0.0, (0.2, 0.7, 0.3, 1))
        self.ramp = self._box(RAMP, 0.0, (0.35, 0.35, 0.4, 1))

    def _arrange(self) -> tuple[tuple[float, float, float], float, float]:
        self.side = self._side()
        x, y = self._near(0.11, 0.02), self._near(0.0, 0.02)
        plate = (x, y + self.side * self._near(0.15, 0.02))
        ramp = (x + self._near(0.0, 0.02), y - self.side * self._near(0.15, 0.02))
        self.stands = np.array([*plate, *ramp])
        self._put(self.plate, (*plate, STAND / 2))
        self._put(self.ramp, (*ramp, STAND - 0.005), slope=SLOPE)
        self._put(self.cube, (self._near(-0.08, 0.03), self._near(0.0, 0.03), CUBE / 2))
        return (self._near(-0.06, 0.03), self._near(0.0, 0.04), self._near(0.15, 0.02)), 0.0, WIDEST

    def environment_state(self) -> NDArray[np.float32]:
        return np.array([*self._pose(self.cube)[0], *self.stands], np.float32)

    def is_success(self) -> bool:
        position, _ = self._pose(self.cube)
        speed = np.linalg.norm(self.client.getBaseVelocity(self.cube)[0])
        level = abs(position[2] - STAND - CUBE / 2) < 0.008
        near = np.linalg.norm(self.stands.reshape(2, 2) - position[:2], axis=1).min() < 0.045
        return bool(level and near and speed < STILL and self.arm.hand().width > CUBE + 0.015)

    def right_strategy(self) -> str:
        return "left" if self.side > 0 else "right"

    def waypoints(self, strategy: str) -> list[Waypoint]:
        (x, y, _), _ = self._pose(self.cube)
        plate, ramp = self.stands[:2], self.stands[2:]
        gx, gy = plate if strategy == self.right_strategy() else ramp
        gx, gy = gx + self._near(0.0, 0.008), gy + self._near(0.0, 0.008)
        high, over = 0.12, STAND + CUBE / 2 + 0.008
        return [
            Waypoint((x, y, 0.08), 0.0, WIDEST, tolerance=0.02),
            Waypoint((x, y, 0.02), 0.0, WIDEST),
            Waypoint((x, y, 0.02), 0.0, 0.0, wait=2, tolerance=0.03),
            # More or less to the chosen side at once, so that the scene shows the choice from there on.
            Waypoint((x, y + self._near(0.7, 0.3) * (gy - y), high), 0.0, 0.0, tolerance=0.03),
            Waypoint((gx, gy, high), 0.0, 0.0, tolerance=0.02),
            Waypoint((gx, gy, over), 0.0, 0.0),
            Waypoint((gx, gy, over), 0.0, WIDEST, wait=3, tolerance=0.03),
            Waypoint((gx, gy, high), 0.0, WIDEST),
        ]

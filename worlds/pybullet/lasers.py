"""Robots with laser scanners in PyBullet."""

from __future__ import annotations

import numpy as np
import pybullet as p
from numpy.typing import NDArray

from pilotfish.worlds.laser_world import Laser
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.pybullet.fleet import PyBulletFleetWorld
from pilotfish.worlds.pybullet.robots import DriveName

WALL_HEIGHT = 1.0
"""[m]"""
SCANNER_HEIGHT = 0.65
"""Above the floor [radii]: over the wheels, under the top of the body, so that others are seen."""


class PyBulletLaserWorld(PyBulletFleetWorld):
    """A `LaserWorld` (see ``worlds/laser_world.py``): ``PyBulletFleetWorld`` and rays through its scene.

    Args:
        grid: the map; its cells may be smaller than the robots.
        starts: int32 [N] cells.
        radius: of the robots [m].
        laser: of every robot.
        drive: as of ``PyBulletFleetWorld``.
    """

    def __init__(
        self,
        grid: GridMap,
        starts: NDArray[np.int32],
        radius: float,
        laser: Laser | None = None,
        *,
        drive: DriveName = "wheels",
    ) -> None:
        starts = np.asarray(starts, np.int32)
        super().__init__(
            grid, len(starts), radius=radius, drive=drive, wall_height=WALL_HEIGHT, starts=starts
        )
        self.laser = laser or Laser()

    def scan(self) -> NDArray[np.float32]:
        """float32 [N, rays] [m], inf for nothing within reach. A ray does not see the body it starts in."""
        ranges = np.empty((self.n_robots, self.laser.rays), np.float32)
        start = np.empty((self.laser.rays, 3))
        end = np.empty((self.laser.rays, 3))
        start[:, 2] = end[:, 2] = SCANNER_HEIGHT * self.radius
        for robot, (x, y, yaw) in enumerate(self._poses.tolist()):
            angles = yaw + self.laser.angles
            start[:, :2] = x, y
            end[:, 0] = x + self.laser.reach * np.cos(angles)
            end[:, 1] = y + self.laser.reach * np.sin(angles)
            hits = p.rayTestBatch(start.tolist(), end.tolist(), numThreads=1, physicsClientId=self._client)
            share = np.array([hit[2] if hit[0] >= 0 else np.inf for hit in hits])
            ranges[robot] = share * self.laser.reach
        return ranges

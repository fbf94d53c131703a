"""What a simulator of robots with laser scanners offers; the grid and the PyBullet back ends implement it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.fleet_world import FleetWorld


@dataclass(frozen=True)
class Laser:
    """A planar scanner over the robot's turning centre that looks all round.

    Attributes:
        rays: how many, at equal angles; ray k looks along -pi + k * 2 pi / rays, counter-clockwise from the
            robot's x axis.
        reach: what is further away is not seen [m].

    Raises:
        ValueError: no ray, or no reach.
    """

    rays: int = 360
    reach: float = 8.0

    def __post_init__(self) -> None:
        if self.rays < 1 or not (math.isfinite(self.reach) and self.reach > 0):
            raise ValueError(f"a laser needs rays and a reach, got {self.rays} rays and {self.reach} m")

    @property
    def angles(self) -> NDArray[np.float64]:
        """float64 [rays] from the robot's x axis [rad]."""
        return -np.pi + np.arange(self.rays, dtype=np.float64) * self.increment

    @property
    def increment(self) -> float:
        """Between two rays [rad]."""
        return 2 * np.pi / self.rays


@runtime_checkable
class LaserWorld(FleetWorld, Protocol):
    """A ``FleetWorld`` whose robots have scanners and bodies that walls and other robots stop."""

    laser: Laser

    def scan(self) -> NDArray[np.float32]:
        """What all scanners see now: the nearest wall or other robot along each ray.

        Returns: float32 [N, rays] [m]; inf where nothing is within reach.
        """

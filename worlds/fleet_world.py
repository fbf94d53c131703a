"""What a simulator of a robot fleet must offer; the grid and the PyBullet back ends implement it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class FleetWorld(Protocol):
    """N differential-drive robots with disc footprints on one map, moved by velocity commands.

    A back end obeys the velocities that it is given, as well as its physics can: the watchdog on old
    commands and the velocity and acceleration limits are applied by its caller (`hardware.limits`),
    once, the same for every back end.
    """

    def reset(self, seed: int) -> NDArray[np.float64]:
        """Put every robot at rest on the centre of its start cell.

        Returns: float64 [N, 3], x [m], y [m], yaw [rad], map frame.
        """

    def step(self, velocity: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Let time pass.

        Args:
            velocity: float64 [N, 2], forward [m/s] and turn rate [rad/s, counter-clockwise].
            dt: seconds of simulated time.

        Returns: float64 [N, 3] poses as in ``reset``.
        """

    def overlaps(self) -> int:
        """How often, since ``reset``, two footprints (or a footprint and a wall) began to overlap."""

    def close(self) -> None:
        """Free what the simulator holds; the world cannot be used afterwards."""

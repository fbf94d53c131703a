"""Planar laser scanners: what a robot's software has to know of one, and one scan of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_RAYS = 8
MOST_RAYS = 20_000
"""A scan of fewer or more rays is taken for garbage."""


@dataclass(frozen=True)
class LidarSpec:
    """Where a laser is mounted, and how much of what it says is used.

    Attributes:
        max_range: readings are used up to here [m].
        x, y, yaw: of the laser in the robot's base frame [m, m, rad].
        robot_hides: readings nearer than this are the robot itself [m].

    Raises:
        ValueError: if a value is not finite, or a length not positive.
    """

    max_range: float = 8.0
    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    robot_hides: float = 0.05

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.x, self.y, self.yaw))):
            raise ValueError(f"laser mount ({self.x}, {self.y}, {self.yaw}) is not finite")
        if not (math.isfinite(self.max_range) and self.max_range > self.robot_hides >= 0):
            raise ValueError(
                f"laser: max_range {self.max_range} m must be finite and beyond robot_hides, "
                f"{self.robot_hides} m"
            )


@dataclass(frozen=True, eq=False)
class Scan:
    """One turn of a laser (REP 117: inf is no return, -inf too near, NaN no reading).

    Attributes:
        ranges: float32 [R] [m].
        angle_min: of ray 0 [rad, counter-clockwise from the laser's x].
        angle_increment: between rays [rad], may be negative.
        range_min, range_max: readings outside of these are no returns [m].
        stamp: when it was taken [s].

    Raises:
        ValueError: if it cannot be a scan; the message names the value.
    """

    ranges: NDArray[np.float32]
    angle_min: float
    angle_increment: float
    range_min: float
    range_max: float
    stamp: float

    def __post_init__(self) -> None:
        rays = len(self.ranges)
        if self.ranges.ndim != 1 or not FEWEST_RAYS <= rays <= MOST_RAYS:
            raise ValueError(f"a scan of {rays} rays: {FEWEST_RAYS} to {MOST_RAYS} can be used")
        numbers = (self.angle_min, self.angle_increment, self.range_min, self.range_max, self.stamp)
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"a scan with angles, range limits and stamp of {numbers} is not finite")
        turn = abs(self.angle_increment) * (rays - 1)
        if self.angle_increment == 0 or turn > 2 * math.pi + abs(self.angle_increment):
            raise ValueError(
                f"{rays} rays {self.angle_increment:.5f} rad apart are not one turn: {turn:.3f} rad"
            )
        if not 0 <= self.range_min < self.range_max:
            raise ValueError(f"scan ranges from {self.range_min} to {self.range_max} m hold nothing")

    @property
    def wraps(self) -> bool:
        """Whether the first ray follows the last one around the full circle."""
        gap = 2 * math.pi - abs(self.angle_increment) * len(self.ranges)
        return abs(gap) <= abs(self.angle_increment)

    def points(self, lidar: LidarSpec) -> NDArray[np.float64]:
        """Where rays returned: float64 [K, 2] (x, y) [m, base frame of the robot].

        What is too near to be measured stands at ``range_min``: -inf, or a reading below that is not the
        robot itself. A reading of 0 is none: drivers mean by it that nothing came back.
        """
        near = max(self.range_min, lidar.robot_hides)
        ranges = self.ranges.astype(np.float64)
        if self.range_min > lidar.robot_hides:
            too_near = np.isneginf(ranges) | ((ranges > lidar.robot_hides) & (ranges <= near))
            ranges[too_near] = np.nextafter(near, np.inf)
        good = (ranges > near) & (ranges < self.range_max)  # NaN and infinities are neither
        angles = self.angle_min + self.angle_increment * np.flatnonzero(good) + lidar.yaw
        ranges = ranges[good]
        return np.stack([lidar.x + ranges * np.cos(angles), lidar.y + ranges * np.sin(angles)], axis=1)


def check_ray_count(rays: int, angle_min: float, angle_max: float, angle_increment: float) -> None:
    """Check the number of rays against the angles that a scan says it covers.

    Drivers differ on whether the last angle is included, so one ray more or less is fine.

    Raises:
        ValueError: naming both sizes.
    """
    if not all(map(math.isfinite, (angle_min, angle_max, angle_increment))) or angle_increment == 0:
        raise ValueError(f"scan angles {angle_min} to {angle_max} by {angle_increment} are not usable")
    expected = (angle_max - angle_min) / angle_increment + 1
    if abs(rays - expected) > 1.5:
        raise ValueError(
            f"a scan from {angle_min:.3f} to {angle_max:.3f} rad by {angle_increment:.5f} has "
            f"{expected:.0f} rays, got {rays}"
        )

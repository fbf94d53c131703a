"""Laser scans to LaserScan."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import LaserScan

from pilotfish.ros_nodes.conversions.geometry import to_time
from pilotfish.worlds.laser_world import Laser

NEAREST = 0.02
"""What is nearer to the scanner is not measured [m]."""


def scan_to_message(ranges: NDArray[np.float32], laser: Laser, robot: str, seconds: float) -> LaserScan:
    """Ranges float32 [rays] [m] of a robot's scanner, inf for nothing within reach (REP 117)."""
    message = LaserScan()
    message.header.stamp = to_time(seconds)
    message.header.frame_id = f"{robot}/base_link"
    message.angle_min, message.angle_increment = float(laser.angles[0]), laser.increment
    message.angle_max = float(laser.angles[-1])
    message.range_min, message.range_max = NEAREST, laser.reach
    message.ranges = array("f", ranges.astype(np.float32).tobytes())
    return message

"""What an explorer takes and gives: scans, maps, paths."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from nav_msgs.msg import OccupancyGrid, Path
from numpy.typing import NDArray
from sensor_msgs.msg import LaserScan

from pilotfish.hardware.lidar import Scan, check_ray_count
from pilotfish.policies.exploration.mapping import MapFrame
from pilotfish.ros_nodes.conversions.geometry import MAP_FRAME, pose_stamped, to_seconds, to_time


def scan_from_message(message: LaserScan) -> Scan:
    """One turn of a laser.

    Raises:
        ValueError: the number of rays and the angles do not agree, or it is no scan; names the values.
    """
    check_ray_count(len(message.ranges), message.angle_min, message.angle_max, message.angle_increment)
    return Scan(
        np.array(message.ranges, np.float32),
        message.angle_min,
        message.angle_increment,
        message.range_min,
        message.range_max,
        to_seconds(message.header.stamp),
    )


def map_to_message(percent: NDArray[np.int8], frame: MapFrame, seconds: float) -> OccupancyGrid:
    """A robot's map: int8 [H, W] 0..100 or -1 for unknown, row 0 at the top as everywhere but in ROS."""
    message = OccupancyGrid()
    message.header.stamp = message.info.map_load_time = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    message.info.resolution = frame.resolution
    message.info.height, message.info.width = frame.shape
    message.info.origin.position.x, message.info.origin.position.y = frame.origin
    message.info.origin.orientation.w = 1.0
    message.data = array("b", np.ascontiguousarray(percent[::-1]).tobytes())
    return message


def path_to_message(corners: Sequence[tuple[float, float]], seconds: float) -> Path:
    """Corners (x, y) [m, map frame]."""
    path = Path(poses=[pose_stamped(x, y, seconds) for x, y in corners])
    path.header.stamp = to_time(seconds)
    path.header.frame_id = MAP_FRAME
    return path

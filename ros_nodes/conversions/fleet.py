"""What a robot sees of others, and what robots say to each other."""

from __future__ import annotations

from array import array

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import UInt8MultiArray

from pilotfish.ros_nodes.conversions.geometry import MAP_FRAME, to_time

_SIGHTING = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("id", "<u4")])
_FIELDS = [
    PointField(name="x", offset=0, datatype=PointField.FLOAT32, count=1),
    PointField(name="y", offset=4, datatype=PointField.FLOAT32, count=1),
    PointField(name="z", offset=8, datatype=PointField.FLOAT32, count=1),
    PointField(name="id", offset=12, datatype=PointField.UINT32, count=1),
]


def sightings_to_message(robots: dict[int, tuple[float, float]], seconds: float) -> PointCloud2:
    """Robots in view as a point cloud with their index as ``id``: position (x, y) [m, map frame] by index.

    One stamp for all: the time of the oldest sighting.
    """
    points = np.zeros(len(robots), dtype=_SIGHTING)
    points["id"] = list(robots)
    if robots:
        points["x"], points["y"] = np.array(list(robots.values())).T
    message = PointCloud2(height=1, width=len(points), fields=_FIELDS, is_dense=True)
    message.header.stamp = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    message.point_step, message.row_step = _SIGHTING.itemsize, points.nbytes
    message.data = array("B", points.tobytes())
    return message


def sightings_from_message(message: PointCloud2) -> dict[int, tuple[float, float]]:
    """Position (x, y) [m, map frame] of each robot in view, by index.

    Raises:
        ValueError: if the cloud has another layout, is cut short, or a position is not finite.
    """
    layout = [(field.name, field.offset, field.datatype) for field in message.fields]
    expected = [(field.name, field.offset, field.datatype) for field in _FIELDS]
    if layout != expected or message.is_bigendian:
        raise ValueError(f"sightings need little-endian fields {expected}, got {layout}")
    if len(message.data) != message.width * _SIGHTING.itemsize or message.height != 1:
        raise ValueError(f"{message.width} sightings cannot be {len(message.data)} bytes")
    points = np.frombuffer(message.data, dtype=_SIGHTING)
    x, y = points["x"].astype(float), points["y"].astype(float)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a sighting has no finite position")
    return dict(zip(points["id"].tolist(), zip(x.tolist(), y.tolist(), strict=True), strict=True))


def bytes_to_message(data: bytes) -> UInt8MultiArray:
    """Opaque bytes."""
    return UInt8MultiArray(data=array("B", data))


def bytes_from_message(message: UInt8MultiArray) -> bytes:
    """The bytes in a message."""
    return bytes(message.data)

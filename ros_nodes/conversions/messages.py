"""The message types that policy features are read from and that actions are written into.

Nothing here imports ROS: a message is anything with the fields of its type, one of rclpy as well as one of
``rosbags``. Numbers leave as float64, in the message's own units.

A *field* names one number of a message:

- JointState: ``position.NAME``, ``velocity.NAME``, ``effort.NAME``; the message's order is free.
- JointTrajectory: ``position.NAME``, ``velocity.NAME`` of its one point.
- PoseStamped: ``pose.position.x``, ``pose.orientation.w`` ...; also ``pose.yaw`` [rad], and ``sin_yaw``,
  ``cos_yaw``, ``sin_2yaw``, ``cos_2yaw`` (grippers with two equal fingers) in its place.
- Odometry: the same below ``pose.pose``, and ``twist.twist.linear.x`` ...
- TwistStamped: ``twist.linear.x`` ...
- Float32MultiArray, Float64MultiArray: the index into ``data``, such as ``0``.
- Image: has no fields, it is read whole (``images.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NewMessage = Callable[[str], Any]
"""``package/msg/Name`` -> a message with nothing in it."""


class RejectedError(ValueError):
    """A message that must not be used.

    Attributes:
        reason: ``missing``, ``size``, ``not_finite`` or ``encoding``; diagnostics count by it.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class MessageKind(Protocol):
    """One message type. ``name`` is ``package/msg/Name``; ``stamped`` ones have a header."""

    name: str
    stamped: bool

    def check(self, field: str) -> None:
        """Raises ValueError where the type has no such field."""
        ...

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        """The fields' numbers, float64 [F]. Raises RejectedError."""
        ...

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        """Fill in the fields; what is not named stays as it is."""
        ...


def new_ros_message(name: str) -> Any:
    """An empty message of rclpy's."""
    return message_class(name)()


def message_class(name: str) -> Any:
    """The class of ``package/msg/Name``. Raises ModuleNotFoundError where ROS is not installed."""
    package, _, kind = name.split("/")
    return getattr(import_module(f"{package}.msg"), kind)


def full_name(name: str) -> str:
    """``package/msg/Name`` also from ``package/Name``."""
    parts = name.split("/")
    return "/".join((parts[0], "msg", parts[1])) if len(parts) == 2 else name


def set_header(message: Any, nanoseconds: int, frame: str = "") -> None:
    """Stamp a message."""
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(int(nanoseconds), 1_000_000_000)
    message.header.frame_id = frame


def header_time(message: Any) -> int:
    """Stamp of a message's header [ns]; 0 where it has none."""
    header = getattr(message, "header", None)
    return 0 if header is None else header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


class Joints:
    """JointState."""

    name, stamped = "sensor_msgs/msg/JointState", True
    attributes: tuple[str, ...] = ("position", "velocity", "effort")

    def check(self, field: str) -> None:
        attribute, dot, joint = field.partition(".")
        if attribute not in self.attributes or not dot or not joint:
            raise ValueError(f"write {' or '.join(f'{a}.NAME' for a in self.attributes)}")

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        return _select(list(message.name), {name: getattr(message, name) for name in self.attributes}, fields)

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        message.name, columns = _columns(values)
        for attribute, column in columns.items():
            setattr(message, attribute, column)


class Trajectory(Joints):
    """JointTrajectory of one point."""

    name = "trajectory_msgs/msg/JointTrajectory"
    attributes = ("position", "velocity")

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        if len(message.points) != 1:
            raise RejectedError("size", f"a trajectory of {len(message.points)} points, not of one")
        point = message.points[0]
        columns = {"position": point.positions, "velocity": point.velocities}
        return _select(list(message.joint_names), columns, fields)

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        message.joint_names, columns = _columns(values)
        point = new("trajectory_msgs/msg/JointTrajectoryPoint")
        for attribute, column in columns.items():
            setattr(point, {"position": "positions", "velocity": "velocities"}[attribute], column)
        message.points = [point]


def _select(
    names: list[str], columns: Mapping[str, Sequence[float]], fields: Sequence[str]
) -> NDArray[np.float64]:
    """The fields' numbers from attribute -> one number for each of ``names``."""
    values = np.empty(len(fields))
    for k, field in enumerate(fields):
        attribute, _, joint = field.partition(".")
        if joint not in names:
            raise RejectedError("missing", f"no joint {joint!r} among {', '.join(names) or 'none'}")
        if len(columns[attribute]) != len(names):
            raise RejectedError("size", f"{len(columns[attribute])} of {attribute} for {len(names)} joints")
        values[k] = columns[attribute][names.index(joint)]
    return values


def _columns(values: Mapping[str, float]) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Names in order, and attribute -> float64 [names]; NaN where a joint has no such value."""
    split = [(*field.partition(".")[::2], value) for field, value in values.items()]
    names = list(dict.fromkeys(joint for _, joint, _ in split))
    columns: dict[str, NDArray[np.float64]] = {}
    for attribute, joint, value in split:
        columns.setdefault(attribute, np.full(len(names), np.nan))[names.index(joint)] = value
    return names, columns


ANGLES: dict[str, Callable[[float], float]] = {
    "yaw": lambda yaw: yaw,
    "sin_yaw": math.sin,
    "cos_yaw": math.cos,
    "sin_2yaw": lambda yaw: math.sin(2 * yaw),
    "cos_2yaw": lambda yaw: math.cos(2 * yaw),
}


class Paths:
    """Types whose numbers have fixed paths.

    Args:
        name: ``package/msg/Name``.
        pose: path of a geometry_msgs/Pose in it, "" for none.
        twist: path of a geometry_msgs/Twist in it, "" for none.
    """

    stamped = True

    def __init__(self, name: str, pose: str = "", twist: str = "") -> None:
        self.name, self.pose = name, pose
        self.paths: list[str] = []
        if pose:
            self.paths += [f"{pose}.position.{axis}" for axis in "xyz"]
            self.paths += [f"{pose}.orientation.{axis}" for axis in "xyzw"]
            self.paths += [f"{pose}.{angle}" for angle in ANGLES]
        if twist:
            self.paths += [f"{twist}.{part}.{axis}" for part in ("linear", "angular") for axis in "xyz"]

    def check(self, field: str) -> None:
        if field not in self.paths:
            raise ValueError(f"there are {', '.join(self.paths)}")

    def _angle(self, field: str) -> str:
        """``yaw`` and its kin, or ""."""
        path, _, leaf = field.rpartition(".")
        return leaf if self.pose and path == self.pose and leaf in ANGLES else ""

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        values = np.empty(len(fields))
        for k, field in enumerate(fields):
            angle = self._angle(field)
            values[k] = (
                ANGLES[angle](self._yaw(message)) if angle else reduce(getattr, field.split("."), message)
            )
        return values

    def _yaw(self, message: Any) -> float:
        q = reduce(getattr, f"{self.pose}.orientation".split("."), message)
        if not math.isfinite(q.x + q.y + q.z + q.w) or q.x == q.y == q.z == q.w == 0.0:
            raise RejectedError(
                "not_finite", f"an orientation ({q.x}, {q.y}, {q.z}, {q.w}) that is no rotation"
            )
        return math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y * q.y + q.z * q.z))

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        angles: dict[str, float] = {}
        quaternion: dict[str, float] = {}
        for field, value in values.items():
            path, _, leaf = field.rpartition(".")
            if self._angle(field):
                angles[leaf] = float(value)
            elif self.pose and path == f"{self.pose}.orientation":
                quaternion[leaf] = float(value)
            else:
                setattr(reduce(getattr, path.split("."), message), leaf, float(value))
        if self.pose:
            if angles:
                yaw = _yaw_of(angles)
                quaternion = {"z": math.sin(yaw / 2), "w": math.cos(yaw / 2)}
            self._rotate(message, quaternion or {"w": 1.0})

    def _rotate(self, message: Any, quaternion: Mapping[str, float]) -> None:
        values = [quaternion.get(axis, 0.0) for axis in "xyzw"]
        norm = math.hypot(*values)
        if not 1e-6 < norm < math.inf:
            raise RejectedError("not_finite", f"orientation {values} is no rotation")
        orientation = reduce(getattr, f"{self.pose}.orientation".split("."), message)
        for axis, value in zip("xyzw", values, strict=True):
            setattr(orientation, axis, value / norm)


def _yaw_of(angles: Mapping[str, float]) -> float:
    if "yaw" in angles:
        return angles["yaw"]
    for turns, (sine, cosine) in ((1, ("sin_yaw", "cos_yaw")), (2, ("sin_2yaw", "cos_2yaw"))):
        if sine in angles and cosine in angles:
            return math.atan2(angles[sine], angles[cosine]) / turns
    raise ValueError(f"a yaw cannot be told from {', '.join(angles)} alone: name sine and cosine")


class MultiArray:
    """Float32MultiArray, Float64MultiArray."""

    stamped = False

    def __init__(self, name: str, dtype: type) -> None:
        self.name, self.dtype = name, dtype

    def check(self, field: str) -> None:
        if not field.isdigit():
            raise ValueError("write an index into data, such as 0")

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        data, indices = np.asarray(message.data, np.float64), [int(field) for field in fields]
        if max(indices) >= len(data):
            raise RejectedError("size", f"data has {len(data)} numbers, none at index {max(indices)}")
        return data[indices]

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        data: NDArray[Any] = np.full(1 + max(int(field) for field in values), np.nan, self.dtype)
        for field, value in values.items():
            data[int(field)] = value
        message.data = data


class Picture:
    """Image; see ``images.py``."""

    name, stamped = "sensor_msgs/msg/Image", True

    def check(self, field: str) -> None:
        raise ValueError("an image has no fields, it is read whole")

    def read(self, message: Any, fields: Sequence[str]) -> NDArray[np.float64]:
        raise TypeError("images are read by read_image")

    def write(self, message: Any, values: Mapping[str, float], new: NewMessage) -> None:
        raise TypeError("images are written by write_image")


IMAGE = Picture.name
_ALL: tuple[MessageKind, ...] = (
    Joints(),
    Picture(),
    Paths("geometry_msgs/msg/PoseStamped", pose="pose"),
    Paths("nav_msgs/msg/Odometry", pose="pose.pose", twist="twist.twist"),
    MultiArray("std_msgs/msg/Float32MultiArray", np.float32),
    MultiArray("std_msgs/msg/Float64MultiArray", np.float64),
    Trajectory(),
    Paths("geometry_msgs/msg/TwistStamped", twist="twist"),
)
KINDS: dict[str, MessageKind] = {kind.name: kind for kind in _ALL}
"""``package/msg/Name`` -> how it is read and written."""
INPUTS = tuple(kind.name for kind in _ALL[:6])
OUTPUTS = (Trajectory.name, "geometry_msgs/msg/TwistStamped", "geometry_msgs/msg/PoseStamped")

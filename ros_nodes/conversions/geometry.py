"""Time, poses and velocities."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose as PoseMessage
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped
from nav_msgs.msg import Odometry
from numpy.typing import NDArray

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.limits import Velocity

MAP_FRAME = "map"


def to_time(seconds: float) -> Time:
    """A stamp from seconds."""
    whole = math.floor(seconds)
    return Time(sec=int(whole), nanosec=min(int((seconds - whole) * 1e9), 999_999_999))


def to_seconds(stamp: Time) -> float:
    """Seconds of a stamp."""
    return stamp.sec + stamp.nanosec * 1e-9


def pose_to_message(x: float, y: float, yaw: float = 0.0) -> PoseMessage:
    """A planar pose [m, rad]."""
    message = PoseMessage()
    message.position.x, message.position.y = x, y
    message.orientation.z, message.orientation.w = math.sin(yaw / 2), math.cos(yaw / 2)
    return message


def pose_from_message(message: PoseMessage) -> Pose:
    """x, y [m] and yaw [rad] of a pose; NaN where it holds NaN, or no rotation."""
    q = message.orientation
    if q.x == q.y == q.z == q.w == 0.0:
        return Pose(message.position.x, message.position.y, math.nan)
    yaw = math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y * q.y + q.z * q.z))
    return Pose(message.position.x, message.position.y, yaw)


def pose_stamped(x: float, y: float, seconds: float) -> PoseStamped:
    """A position [m] in the map frame."""
    message = PoseStamped(pose=pose_to_message(x, y))
    message.header.stamp = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    return message


def in_map_frame(message: PoseStamped) -> bool:
    """Whether a pose is in the map frame; one that names no frame is meant to be."""
    return message.header.frame_id in ("", MAP_FRAME)


def pose_array(poses: NDArray[np.float64], seconds: float) -> PoseArray:
    """Poses [N, 3] (x [m], y [m], yaw [rad]) in the map frame."""
    message = PoseArray(poses=[pose_to_message(*pose) for pose in poses.tolist()])
    message.header.stamp = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    return message


def positions_from_pose_array(message: PoseArray) -> NDArray[np.float64]:
    """x, y [m] of each pose, float64 [N, 2]."""
    return np.array([(pose.position.x, pose.position.y) for pose in message.poses]).reshape(-1, 2)


def odometry(
    pose: tuple[float, float, float], velocity: tuple[float, float], name: str, seconds: float
) -> Odometry:
    """A robot's pose (x [m], y [m], yaw [rad], map frame) and velocity (forward [m/s], turn [rad/s])."""
    message = Odometry(child_frame_id=f"{name}/base_link")
    message.header.stamp = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    message.pose.pose = pose_to_message(*pose)
    message.twist.twist.linear.x, message.twist.twist.angular.z = velocity
    return message


def velocity_to_message(velocity: Velocity, name: str, seconds: float) -> TwistStamped:
    """A command for a differential drive."""
    message = TwistStamped()
    message.header.stamp = to_time(seconds)
    message.header.frame_id = f"{name}/base_link"
    message.twist.linear.x, message.twist.angular.z = velocity.forward, velocity.turn
    return message


def velocity_from_message(message: TwistStamped) -> Velocity:
    """Forward speed and turn rate of a command; what a differential drive cannot do is ignored."""
    return Velocity(message.twist.linear.x, message.twist.angular.z)

"""A robot's way through the map frame: odometry with its mishaps, and where the robot was at a given time."""

from __future__ import annotations

import math
from collections import deque

from pilotfish.hardware.differential_drive import Pose, angle_difference
from pilotfish.hardware.robots import RobotSpec

KEPT = 200
"""Poses that are remembered: some seconds."""

SLACK, SLACK_YAW = 0.25, 0.5
"""A jump is one beyond what the robot can drive by this much [m, rad]."""

HASTE = 1.5
"""Robots are this much faster than their data sheet, at most."""


def compose(frame: Pose, pose: Pose) -> Pose:
    """A pose given in ``frame``, in the frame that ``frame`` is given in."""
    cos, sin = math.cos(frame.yaw), math.sin(frame.yaw)
    x = frame.x + cos * pose.x - sin * pose.y
    y = frame.y + sin * pose.x + cos * pose.y
    return Pose(x, y, angle_difference(frame.yaw + pose.yaw, 0.0))


class PoseTrack:
    """Poses of one robot in the map frame, by time.

    Args:
        spec: of the robot: what it can drive.
        start: pose of the odometry's frame in the map frame.
        timeout: poses from further ahead of the clock than this are not believed [s].

    Attributes:
        travelled: way driven [m]; jumps do not count.
        teleports: jumps that the robot cannot have driven.
        settled_at: time of the first pose after the last jump [s].
        refused: poses that were not finite, or from the future.
    """

    def __init__(self, spec: RobotSpec, start: Pose, timeout: float) -> None:
        self.spec = spec
        self.start = start
        self.timeout = timeout
        self.travelled = 0.0
        self.teleports = 0
        self.settled_at = -math.inf
        self.refused = 0
        self._poses: deque[tuple[float, Pose]] = deque(maxlen=KEPT)

    @property
    def pose(self) -> Pose | None:
        """The newest."""
        return self._poses[-1][1] if self._poses else None

    @property
    def stamp(self) -> float:
        """When it was measured [s]."""
        return self._poses[-1][0] if self._poses else -math.inf

    def add(self, pose: Pose, stamp: float, now: float) -> bool:
        """Take in a pose of the odometry's frame, measured at ``stamp`` [s]; True if it was a jump.

        What is not finite, or from the future, is counted and dropped; what is older than the last, dropped.
        """
        finite = all(map(math.isfinite, (pose.x, pose.y, pose.yaw, stamp)))
        if not finite or stamp > now + self.timeout:
            self.refused += 1
            return False
        if stamp <= self.stamp:
            return False
        pose = compose(self.start, pose)
        jump = False
        if self._poses:
            before, last = self._poses[-1]
            way = math.hypot(pose.x - last.x, pose.y - last.y)
            turn = abs(angle_difference(pose.yaw, last.yaw))
            elapsed = HASTE * (stamp - before)
            jump = (
                way > SLACK + self.spec.max_speed * elapsed
                or turn > SLACK_YAW + self.spec.max_turn_rate * elapsed
            )
            if jump:
                self.teleports += 1
                self.settled_at = stamp
                self._poses.clear()
            else:
                self.travelled += way
        self._poses.append((stamp, pose))
        return jump

    def set_clock_back(self) -> None:
        """The clock was set back: poses of later times are no longer known, the way driven is."""
        self._poses.clear()
        self.settled_at = -math.inf

    def at(self, stamp: float, tolerance: float) -> Pose | None:
        """Where the robot was at ``stamp`` [s].

        Between two poses it is interpolated; before the first, or after the last, the nearest one is taken
        if it is within ``tolerance`` [s]. None where that leads to nothing.
        """
        later: tuple[float, Pose] | None = None
        for time, pose in reversed(self._poses):
            if time == stamp:
                return pose
            if time > stamp:
                later = (time, pose)
                continue
            if later is None or later[0] - time > max(2 * tolerance, 0.5):
                return pose if stamp - time <= tolerance else None
            share = (stamp - time) / (later[0] - time)
            yaw = pose.yaw + share * angle_difference(later[1].yaw, pose.yaw)
            x = pose.x + share * (later[1].x - pose.x)
            return Pose(x, pose.y + share * (later[1].y - pose.y), yaw)
        return later[1] if later is not None and later[0] - stamp <= tolerance else None

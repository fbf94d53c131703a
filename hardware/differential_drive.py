"""Drives a differential-drive robot along the centres of grid cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pilotfish.hardware.limits import Velocity
from pilotfish.hardware.robots import RobotSpec


@dataclass(frozen=True)
class Pose:
    """x, y [m] and yaw [rad, counter-clockwise from x], map frame."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class DriveGains:
    """How the robot is steered.

    Attributes:
        arrive: a waypoint counts as reached within this distance [m].
        turn_first: above this heading error the robot turns on the spot [rad].
        heading_gain: turn rate for each radian of heading error [1/s].
        distance_gain: speed for each metre to the last waypoint [1/s].
        sight: how far ahead on the line the robot aims [m]; shorter pulls harder to the line.
    """

    arrive: float = 0.06
    turn_first: float = 0.35
    heading_gain: float = 5.0
    distance_gain: float = 3.0
    sight: float = 0.5


def angle_difference(a: float, b: float) -> float:
    """a - b, wrapped to [-pi, pi)."""
    return (a - b + math.pi) % (2 * math.pi) - math.pi


class CellDriver:
    """Follows waypoints joined by axis-aligned lines: straight on without a stop, corners on the spot.

    The speed is such that, if this were the last command that ever got through, the robot would still
    stop before its centre is ``slack`` beyond the end of the straight line that it may use.
    """

    def __init__(self, spec: RobotSpec, gains: DriveGains | None = None) -> None:
        self.spec = spec
        self.gains = gains or DriveGains()
        self._path: list[tuple[float, float]] = []
        self._before: tuple[float, float] | None = None  # the waypoint that preceded the path
        self._next = 0  # first waypoint of the path that is not reached

    def drive(
        self, pose: Pose, waypoints: Sequence[tuple[float, float]], slack: float, latency: float
    ) -> Velocity | None:
        """One control tick.

        Args:
            pose: where the robot is.
            waypoints: (x, y) [m, map frame] of the cells that the robot may use, in driving order; the
                first ones may be behind it already.
            slack: how far beyond the last waypoint of a line the centre may come [m].
            latency: age of ``pose`` plus the time that an old command stays in force [s].

        Returns: the wanted velocity, before acceleration limits; None when the last waypoint is reached.
        """
        self._follow(waypoints)
        self._advance(pose)
        if self._next == len(waypoints):
            return None
        gains = self.gains
        target = self._next
        x, y = waypoints[target]
        end_x, end_y = waypoints[self._end_of_line(target)]
        along_x, along_y = self._direction(pose, target)
        # Aim at a point on the line, a little ahead, but never beyond its end.
        ahead = (pose.x - x) * along_x + (pose.y - y) * along_y + gains.sight
        end = (end_x - x) * along_x + (end_y - y) * along_y
        ahead = min(ahead, max(end, 0.0))
        aim_x, aim_y = x + ahead * along_x, y + ahead * along_y
        distance = math.hypot(end_x - pose.x, end_y - pose.y)
        error = angle_difference(math.atan2(aim_y - pose.y, aim_x - pose.x), pose.yaw)
        turn = self._turn_rate(error)
        if abs(error) > gains.turn_first:
            return Velocity(0.0, turn)
        comfortable = min(
            gains.distance_gain * distance, 0.9 * math.sqrt(2 * self.spec.max_braking * distance)
        )
        safe = self.spec.speed_to_stop_within(distance + slack, latency)
        slowed = max(0.0, math.cos(2 * error))
        return Velocity(min(comfortable, safe) * slowed, turn)

    def face(self, pose: Pose, point: tuple[float, float]) -> Velocity:
        """Turn on the spot towards a point (x, y) [m, map frame]."""
        error = angle_difference(math.atan2(point[1] - pose.y, point[0] - pose.x), pose.yaw)
        return Velocity(0.0, self._turn_rate(error))

    def _turn_rate(self, error: float) -> float:
        return max(-self.spec.max_turn_rate, min(self.spec.max_turn_rate, self.gains.heading_gain * error))

    def _follow(self, waypoints: Sequence[tuple[float, float]]) -> None:
        """Take over a path from which old waypoints may be gone, and which may go on further."""
        if waypoints and waypoints[0] in self._path:
            gone = self._path.index(waypoints[0])
            if gone > 0:
                self._before = self._path[gone - 1]
            self._next = max(self._next - gone, 0)
        else:
            self._before, self._next = None, 0
        self._path = list(waypoints)
        self._next = min(self._next, len(self._path))

    def _advance(self, pose: Pose) -> None:
        """Skip the waypoints that are reached."""
        while self._next < len(self._path):
            x, y = self._path[self._next]
            passed = False
            if self._end_of_line(self._next) > self._next:  # straight on: driving past it is enough
                along_x, along_y = _unit((x, y), self._path[self._next + 1])
                passed = (pose.x - x) * along_x + (pose.y - y) * along_y >= 0.0
            if not passed and math.hypot(x - pose.x, y - pose.y) > self.gains.arrive:
                return
            self._next += 1

    def _previous(self, target: int) -> tuple[float, float] | None:
        return self._path[target - 1] if target > 0 else self._before

    def _end_of_line(self, target: int) -> int:
        """Index of the last waypoint that lies straight ahead when driving on through ``target``."""
        start = self._previous(target)
        if start is None:
            return target
        end = target
        while end + 1 < len(self._path) and _same_direction(start, self._path[end], self._path[end + 1]):
            start, end = self._path[end], end + 1
        return end

    def _direction(self, pose: Pose, target: int) -> tuple[float, float]:
        start = self._previous(target)
        return _unit((pose.x, pose.y) if start is None else start, self._path[target])


def _unit(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    return (dx / length, dy / length) if length > 0 else (1.0, 0.0)


def _same_direction(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    (ux, uy), (vx, vy) = _unit(a, b), _unit(b, c)
    return ux * vx + uy * vy > 0.99

"""Drives a differential-drive robot along the corners of a path, and stops before what its laser sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotfish.hardware.differential_drive import Pose, angle_difference
from pilotfish.hardware.limits import STOP, Velocity
from pilotfish.hardware.robots import RobotSpec


@dataclass(frozen=True)
class FollowGains:
    """How the robot is steered.

    Attributes:
        arrive: the end of the path is reached within this distance [m].
        sight: the robot aims at the point of the path that is this far ahead [m]; less cuts corners less.
        turn_first: above this heading error it turns on the spot [rad].
        heading_gain: turn rate for each radian of heading error [1/s].
        distance_gain: speed for each metre to the end of the path [1/s].
        stop_before: between the robot's edge and an obstacle ahead [m].
        beside: what passes the robot's edge nearer than this makes it slow down [m].
        creep: speed past such things [m/s].
        crawl: an obstacle that allows less than this stops the robot [m/s].
    """

    arrive: float = 0.1
    sight: float = 0.3
    turn_first: float = 0.5
    heading_gain: float = 4.0
    distance_gain: float = 2.0
    stop_before: float = 0.08
    beside: float = 0.03
    creep: float = 0.1
    crawl: float = 0.05


class PathFollower:
    """Follows one path at a time; never backwards.

    Attributes:
        blocked: something stands ahead so near that the robot does not drive on.
        obstacle: (x, y) of it [m, map frame]; None if there is none.
    """

    def __init__(self, spec: RobotSpec, gains: FollowGains | None = None) -> None:
        self.spec = spec
        self.gains = gains or FollowGains()
        self.blocked = False
        self.obstacle: tuple[float, float] | None = None
        self._path: list[tuple[float, float]] = []
        self._next = 0  # the corner that is driven to
        self._from: tuple[float, float] | None = None  # where the line to it begins

    @property
    def arrived(self) -> bool:
        """Whether there is nothing (more) to follow."""
        return self._next >= len(self._path)

    @property
    def left(self) -> list[tuple[float, float]]:
        """Corners not reached yet, (x, y) [m, map frame]."""
        return self._path[self._next :]

    def follow(self, path: Sequence[tuple[float, float]]) -> None:
        """Follow other corners from now on, (x, y) [m, map frame]; none to stand still."""
        self._path = [(float(x), float(y)) for x, y in path]
        self._next, self._from = 0, None
        self.blocked, self.obstacle = False, None

    def drive(
        self, pose: Pose, points: NDArray[np.float64], room: NDArray[np.float64], latency: float
    ) -> Velocity:
        """One control tick.

        Args:
            pose: where the robot is, map frame.
            points: float64 [K, 2] (x, y) of what its laser sees [m, base frame].
            room: float64 [K] by how much each counts as larger, such as what may move [m].
            latency: age of what is seen plus the time that an old command stays in force [s].

        Returns: the wanted velocity, before acceleration limits.
        """
        self.blocked, self.obstacle = False, None
        if self._from is None:
            self._from = (pose.x, pose.y)
        self._advance(pose)
        if self.arrived:
            return STOP
        gains, spec = self.gains, self.spec
        aim = self._aim(pose)
        error = angle_difference(math.atan2(aim[1] - pose.y, aim[0] - pose.x), pose.yaw)
        turn = max(-spec.max_turn_rate, min(spec.max_turn_rate, gains.heading_gain * error))
        if abs(error) > gains.turn_first:
            return Velocity(0.0, turn)
        way = self._straight_way(pose)
        comfortable = min(gains.distance_gain * way, 0.9 * math.sqrt(2 * spec.max_braking * way))
        gap, nearest, grazes = self._gap(points, room)
        safe = spec.speed_to_stop_within(gap - gains.stop_before, latency)
        if grazes:
            safe = min(safe, gains.creep)
        if safe < gains.crawl:  # It would approach for ever.
            safe, self.blocked = 0.0, True
            cos, sin = math.cos(pose.yaw), math.sin(pose.yaw)
            x, y = nearest
            self.obstacle = (pose.x + cos * x - sin * y, pose.y + sin * x + cos * y)
        slowed = max(0.0, math.cos(2 * error))
        return Velocity(min(comfortable, safe, spec.max_speed) * slowed, turn)

    def _advance(self, pose: Pose) -> None:
        """Skip the corners that are reached or passed."""
        here = (pose.x, pose.y)
        while not self.arrived:
            corner = self._path[self._next]
            last = self._next == len(self._path) - 1
            near = math.dist(here, corner) <= self.gains.arrive
            if not near and (last or not self._passed(here, corner)):
                return
            self._from = corner
            self._next += 1

    def _passed(self, here: tuple[float, float], corner: tuple[float, float]) -> bool:
        """Whether the robot is beyond a corner and not far from it, as after a wide turn."""
        start = self._from or here
        dx, dy = corner[0] - start[0], corner[1] - start[1]
        beyond = (here[0] - corner[0]) * dx + (here[1] - corner[1]) * dy >= 0.0
        return beyond and math.dist(here, corner) <= 2 * self.gains.arrive

    def _aim(self, pose: Pose) -> tuple[float, float]:
        """A point on the line to the next corner, a little ahead of the robot, but not beyond the corner."""
        x, y = self._path[self._next]
        start = self._from or (pose.x, pose.y)
        dx, dy = x - start[0], y - start[1]
        length = math.hypot(dx, dy)
        if length < 1e-6:
            return x, y
        along = ((pose.x - start[0]) * dx + (pose.y - start[1]) * dy) / length
        share = min(max(along + self.gains.sight, 0.0) / length, 1.0)
        return start[0] + share * dx, start[1] + share * dy

    def _straight_way(self, pose: Pose) -> float:
        """Way to the end of the path, or to the first corner where the robot has to turn on the spot [m]."""
        here, way = (pose.x, pose.y), 0.0
        for k in range(self._next, len(self._path)):
            corner = self._path[k]
            way += math.dist(here, corner)
            here = corner
            if k + 1 < len(self._path):
                before = self._path[k - 1] if k > 0 else self._from or (pose.x, pose.y)
                after = self._path[k + 1]
                bend = angle_difference(
                    math.atan2(after[1] - corner[1], after[0] - corner[0]),
                    math.atan2(corner[1] - before[1], corner[0] - before[0]),
                )
                if abs(bend) > self.gains.turn_first:
                    break
        return way

    def _gap(
        self, points: NDArray[np.float64], room: NDArray[np.float64]
    ) -> tuple[float, tuple[float, float], bool]:
        """How far the robot can drive straight on until it touches something [m], inf if for ever; what that
        is (x, y) [m, base frame]; and whether something stands beside it so near that it hardly passes."""
        x, y = points[:, 0], points[:, 1]
        radius = self.spec.radius + room
        near = (np.abs(y) < radius + self.gains.beside) & (x > 0)
        grazes = bool((near & (room == 0) & (x < 2 * radius)).any())
        # What may move may come as fast as this robot, and from the side: each keeps to its own half of the
        # plane between them (buffered Voronoi cells, Zhou et al. 2017).
        moves = (room > 0) & (x > 0)
        ahead = moves | (near & (np.abs(y) < radius))
        if not ahead.any():
            return math.inf, (0.0, 0.0), grazes
        x, y, radius, moves = x[ahead], y[ahead], radius[ahead], moves[ahead]
        distance = np.hypot(x, y)
        gaps = np.where(
            moves,
            (distance - radius) * distance / (2 * x),
            x - np.sqrt(np.maximum(radius**2 - y**2, 0.0)),
        )
        k = int(gaps.argmin())
        return max(float(gaps[k]), 0.0), (float(x[k]), float(y[k])), grazes

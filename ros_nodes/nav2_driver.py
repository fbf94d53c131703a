"""Nav2 drives the robot instead of the explorer's own path follower: waypoints as NavigateToPose goals.

Needs ``nav2_msgs``, which comes with an apt installation of Nav2 and not from PyPI. Nav2 then plans on its
own costmaps; give it the explorer's ``map`` as the static layer, and the robot's ``cmd_vel``.
"""

from __future__ import annotations

import math
from functools import partial
from importlib import import_module
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node

from pilotfish.ros_nodes.conversions.geometry import pose_stamped

MOVED = 0.3
"""A waypoint nearer than this to the last one is the same goal [m]."""


class Nav2Driver:
    """Sends waypoints to Nav2; the newest one counts.

    Args:
        node: of the robot; the action is ``navigate_to_pose`` in its namespace.

    Raises:
        RuntimeError: ``nav2_msgs`` is not installed.
    """

    def __init__(self, node: Node) -> None:
        try:
            # Not in package.xml: whoever drives without Nav2 needs none of it.
            kind: Any = import_module("nav2_msgs.action").NavigateToPose
        except ImportError as error:
            raise RuntimeError(
                "driver nav2 needs the package nav2_msgs (apt install ros-$ROS_DISTRO-nav2-msgs); "
                "driver follower drives without it"
            ) from error
        self._kind = kind
        self._client: Any = ActionClient(node, kind, "navigate_to_pose")
        self._node = node
        self._sent: tuple[float, float] | None = None  # where it goes
        self._goal = 0  # counts; an answer to any but the newest comes too late
        self._handle: Any = None  # of the goal that Nav2 has accepted last, until it is over
        self.rejected = 0
        """Goals that Nav2 did not take."""

    def drive_to(self, waypoint: tuple[float, float] | None, now: float) -> None:
        """Go to (x, y) [m, map frame], or stop where the robot is."""
        if waypoint is None:
            self.stop()
            return
        if self._sent is not None and math.dist(self._sent, waypoint) < MOVED:
            return
        if not self._client.server_is_ready():
            self._node.get_logger().warning(
                "no action server navigate_to_pose: is Nav2 running?", throttle_duration_sec=5.0
            )
            return
        self._sent = waypoint
        self._goal += 1
        goal = self._kind.Goal(pose=pose_stamped(waypoint[0], waypoint[1], now))
        answer = partial(self._on_answer, self._goal)
        self._client.send_goal_async(goal).add_done_callback(answer)

    def stop(self) -> None:
        """Cancel what is under way, also what Nav2 has not answered yet."""
        if self._handle is not None:
            self._handle.cancel_goal_async()
        self._handle = self._sent = None
        self._goal += 1

    def _on_answer(self, goal: int, future: Any) -> None:
        handle = future.result()
        if handle is None or not handle.accepted:
            self.rejected += 1
            if goal == self._goal:
                self._sent = None
        elif goal != self._goal:
            # After a newer goal this one is over by itself; to cancel it then does no harm.
            handle.cancel_goal_async()
        else:
            self._handle = handle
            handle.get_result_async().add_done_callback(lambda _: self._on_end(goal))

    def _on_end(self, goal: int) -> None:
        """A goal is over, reached or not: the same place may be asked for again."""
        if goal == self._goal:
            self._handle = self._sent = None

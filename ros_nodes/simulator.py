"""What every node that plays a world has in common: its clock, the robots' commands, odometry and truth.

Takes ``robot_i/cmd_vel``; gives ``robot_i/odom`` (pose in the map frame), ``/clock`` and ``poses`` (the
truth, for the radio's ranges, recordings and pictures: no robot listens to it). Its time starts at the time
of day, so that a restart never goes back.
"""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import PoseArray, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage

from pilotfish.hardware.limits import VelocityLimiter
from pilotfish.hardware.robots import RobotSpec, get_robot
from pilotfish.ros_nodes.common import (
    OK,
    SENSOR,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    subscribe,
)
from pilotfish.ros_nodes.conversions.geometry import (
    odometry,
    pose_array,
    to_seconds,
    to_time,
    velocity_from_message,
)
from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map

PATIENCE = 1.0
"""How long a tick waits for robots whose commands are missing [s, wall clock]; then it goes on without
them, and does not wait for them again before they have sent one."""
POLL = 0.005
"""How often the world looks whether it is time for a tick [s, wall clock]."""
CATCH_UP = 0.5
"""Delay that later ticks make good [s, wall clock]; with the parameter ``wall_clock`` nothing is made good,
because stamps then are the time of day, for robots that do not follow ``/clock``."""
LEAD = 2
"""Ticks that the world may be ahead of the slowest robot."""


class SimulatorNode(Node):
    """A `FleetWorld` on topics. Subclasses make it, and say what else is published at a tick.

    Args:
        name: of the node.
        robot_type: what the robots are where no parameter says so.
    """

    def __init__(self, name: str, robot_type: str) -> None:
        super().__init__(name)
        self.grid = load_map(str(parameter(self, "world", "")))
        n = self.n_robots = int(parameter(self, "robots", 1))
        first = int(parameter(self, "first", 0))
        self.names = [f"robot_{first + index}" for index in range(n)]
        self.seed = int(parameter(self, "seed", 0))
        self.spec = get_robot(str(parameter(self, "robot_type", robot_type)))
        self.world = self.make_world(self.grid, self.spec)
        self.dt = float(parameter(self, "tick", 0.05))
        self.wall_clock = bool(parameter(self, "wall_clock", False))
        self.factor = float(parameter(self, "real_time_factor", 1.0))
        self.poses = self.world.reset(self.seed)
        self.now = time.time()
        self.ticks = 0
        self._wheels = [VelocityLimiter(self.spec) for _ in range(n)]
        self._answered = np.full(n, -np.inf)  # stamp of each robot's last command
        self._awaited = np.zeros(n, dtype=bool)
        self._stepped_at = self._started_at = self._due = time.monotonic()

        self._time = publish(self, ClockMessage, "/clock", 10)
        self._truth = publish(self, PoseArray, "poses", SENSOR)
        self._odometry = [publish(self, Odometry, f"{robot}/odom", SENSOR) for robot in self.names]
        for i, robot in enumerate(self.names):
            subscribe(self, TwistStamped, f"{robot}/cmd_vel", lambda m, i=i: self._on_command(i, m), SENSOR)
        Diagnostics(self, f"{name}: world", self._status)
        self.create_timer(POLL, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"{n} robots on map {self.grid.name!r}")

    def make_world(self, grid: GridMap, spec: RobotSpec) -> FleetWorld:
        """The world; called while the node is being made."""
        raise NotImplementedError

    def publish_tick(self) -> None:
        """What is published after each tick, besides odometry and before the clock."""
        raise NotImplementedError

    def figures(self) -> dict[str, object]:
        """Values for the diagnostics, besides those of every simulator."""
        return {}

    def destroy_node(self) -> None:
        """Also ends the world, if it has come into being."""
        if hasattr(self, "world"):
            self.world.close()
        super().destroy_node()

    def every(self, name: str, period: float) -> int:
        """Ticks between two publications whose period [s] is a parameter."""
        return max(1, round(float(parameter(self, name, period)) / self.dt))

    def publish_truth(self) -> None:
        """Tell where everybody is."""
        self._truth.publish(pose_array(self.poses, self.now))

    def _on_command(self, robot: int, message: TwistStamped) -> None:
        stamp = to_seconds(message.header.stamp) or self.now  # a stamp that nobody has set
        # A command from the future (clocks disagree) must not outlive the watchdog.
        self._wheels[robot].command(velocity_from_message(message), min(stamp, self.now))
        self._answered[robot] = stamp
        self._awaited[robot] = True

    def _on_timer(self) -> None:
        now = time.monotonic()
        if now < self._due or not self._robots_keep_up():
            return
        self.step()
        if self.factor > 0:  # what was lost is made good, within limits
            self._due = max(self._due + self.dt / self.factor, now - (0 if self.wall_clock else CATCH_UP))

    def _robots_keep_up(self) -> bool:
        """False while a robot still computes: an overloaded computer slows time down."""
        waited = time.monotonic() - self._stepped_at
        if not self._awaited.any():
            return waited >= self.dt
        late = self._awaited & (self._answered < self.now - (LEAD + 0.5) * self.dt)
        if late.any() and waited > PATIENCE:
            self._awaited[late] = False
            return True
        return not late.any()

    def step(self) -> None:
        """Let one tick pass and tell everybody."""
        sent = [wheels.output(self.now) for wheels in self._wheels]
        velocity = np.array([(v.forward, v.turn) for v in sent])
        self.poses = self.world.step(velocity, self.dt)
        self.now = max(self.now + 1e-4, time.time()) if self.wall_clock else self.now + self.dt
        self.ticks += 1
        self._stepped_at = time.monotonic()
        for i, (pose, speed) in enumerate(zip(self.poses.tolist(), velocity.tolist(), strict=True)):
            self._odometry[i].publish(odometry(pose, speed, self.names[i], self.now))
        self.publish_tick()
        self._time.publish(ClockMessage(clock=to_time(self.now)))

    def _status(self) -> Status:
        elapsed = max(time.monotonic() - self._started_at, 1e-9)
        silent = int((self._answered < self.now - 1.0).sum())
        values = {
            "overlaps": self.world.overlaps(),
            "robots_without_commands": silent,
            "simulated_seconds": round(self.ticks * self.dt, 2),
            "real_time_factor": round(self.ticks * self.dt / elapsed, 3),
        } | self.figures()
        return (WARN if silent else OK), f"{silent} robots get no commands" if silent else "running", values

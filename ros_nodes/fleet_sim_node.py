"""The simulated world: moves the robots of a fleet, and is the only node that knows all of them.

Takes ``robot_i/cmd_vel``; gives, for each robot, ``robot_i/odom`` (pose in the map frame) and
``robot_i/seen`` (robots whose cell is within the view radius), and for everybody ``map``, ``/clock``,
``poses`` (the truth, for the radio's ranges, recordings and pictures: no robot listens to it) and
``overlaps``. Its time starts at the time of day, so that a restart never goes back.
"""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import PoseArray, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Int64

from pilotfish.hardware.limits import VelocityLimiter
from pilotfish.hardware.robots import get_robot
from pilotfish.ros_nodes.common import (
    LATCHED,
    OK,
    SENSOR,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    subscribe,
)
from pilotfish.ros_nodes.conversions.fleet import sightings_to_message
from pilotfish.ros_nodes.conversions.geometry import (
    odometry,
    pose_array,
    to_seconds,
    to_time,
    velocity_from_message,
)
from pilotfish.ros_nodes.conversions.maps import occupancy_grid
from pilotfish.worlds.fleet_view import robots_in_view
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.registry import make_fleet_world

PATIENCE = 1.0
"""How long a tick waits for robots whose commands are missing [s, wall clock]; then it goes on without
them, and does not wait for them again before they have sent one."""
POLL = 0.005
"""How often the world looks whether it is time for a tick [s, wall clock]."""
CATCH_UP = 0.5
"""Delay that later ticks make good [s, wall clock]."""
LEAD = 2
"""Ticks that the world may be ahead of the slowest robot."""


class FleetSimNode(Node):
    """A `FleetWorld` on topics."""

    def __init__(self) -> None:
        super().__init__("fleet_sim")
        self.grid = load_map(str(parameter(self, "world", "")))
        n = self.n_robots = int(parameter(self, "robots", 1))
        seed = int(parameter(self, "seed", 0))
        self.spec = get_robot(str(parameter(self, "robot_type", "carrier")))
        self.world = make_fleet_world(
            str(parameter(self, "backend", "grid")), self.grid, n, seed, self.spec.radius
        )
        self.dt = float(parameter(self, "tick", 0.05))
        self.seen_every = max(1, round(float(parameter(self, "seen_period", 0.1)) / self.dt))
        self.factor = float(parameter(self, "real_time_factor", 1.0))
        self.poses = self.world.reset(seed)
        self.now = time.time()
        self._wheels = [VelocityLimiter(self.spec) for _ in range(n)]
        self._answered = np.full(n, -np.inf)  # stamp of each robot's last command
        self._awaited = np.zeros(n, dtype=bool)
        self._ticks = 0
        self._stepped_at = self._started_at = self._due = time.monotonic()

        self._time = publish(self, ClockMessage, "/clock", 10)
        self._truth = publish(self, PoseArray, "poses", SENSOR)
        self._overlaps = publish(self, Int64, "overlaps", LATCHED)
        self._map = publish(self, OccupancyGrid, "map", LATCHED)
        self._odometry = [publish(self, Odometry, f"robot_{i}/odom", SENSOR) for i in range(n)]
        self._seen = [publish(self, PointCloud2, f"robot_{i}/seen", SENSOR) for i in range(n)]
        for i in range(n):
            subscribe(self, TwistStamped, f"robot_{i}/cmd_vel", lambda m, i=i: self._on_command(i, m), SENSOR)
        self._map.publish(occupancy_grid(self.grid, self.now))
        Diagnostics(self, "fleet_sim: world", self._status)
        self.create_timer(POLL, self._on_timer, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"{n} robots on map {self.grid.name!r}")

    def destroy_node(self) -> None:
        """Also ends the world, if it has come into being."""
        if hasattr(self, "world"):
            self.world.close()
        super().destroy_node()

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
            self._due = max(self._due + self.dt / self.factor, now - CATCH_UP)

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
        self.now += self.dt
        self._ticks += 1
        self._stepped_at = time.monotonic()
        for i, (pose, speed) in enumerate(zip(self.poses.tolist(), velocity.tolist(), strict=True)):
            self._odometry[i].publish(odometry(pose, speed, f"robot_{i}", self.now))
        if self._ticks % self.seen_every == 0:
            for i, view in enumerate(robots_in_view(self.grid, self.poses)):
                self._seen[i].publish(sightings_to_message(view, self.now))
            self._truth.publish(pose_array(self.poses, self.now))
            self._overlaps.publish(Int64(data=self.world.overlaps()))
        self._time.publish(ClockMessage(clock=to_time(self.now)))

    def _status(self) -> Status:
        elapsed = max(time.monotonic() - self._started_at, 1e-9)
        silent = int((self._answered < self.now - 1.0).sum())
        values = {
            "overlaps": self.world.overlaps(),
            "robots_without_commands": silent,
            "simulated_seconds": round(self._ticks * self.dt, 2),
            "real_time_factor": round(self._ticks * self.dt / elapsed, 3),
        }
        return (WARN if silent else OK), f"{silent} robots get no commands" if silent else "running", values


def main(args: list[str] | None = None) -> None:
    """Run the world."""
    run_node(FleetSimNode, args)


if __name__ == "__main__":
    main()

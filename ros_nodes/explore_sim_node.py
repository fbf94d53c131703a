"""The simulated world of an exploring team: robots with bodies and laser scanners.

To what every simulator gives (``simulator.py``) it adds ``robot_i/scan`` and, latched, ``true_map``. It
looks at the robots' maps from outside: what share of the free space that can be reached each
``robot_i/map`` holds is reported on /diagnostics as ``known_i``, and ``known`` is the least of them.

``starts`` puts the robots where the caller wants them (x, y of each [m, map frame]); otherwise they stand
close together, where the map or the seed says. Several of these nodes can share one world with a robot or
two each (``first`` is the index of the first): they do not see each other's robots.
"""

from __future__ import annotations

import math
import time
from collections import deque

import numpy as np
from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import LaserScan

from pilotfish.hardware.robots import RobotSpec
from pilotfish.ros_nodes.common import LATCHED, SENSOR, parameter, publish, run_node, subscribe
from pilotfish.ros_nodes.conversions.maps import map_from_message, occupancy_grid
from pilotfish.ros_nodes.conversions.scans import scan_to_message
from pilotfish.ros_nodes.simulator import SimulatorNode
from pilotfish.worlds.exploration.known_space import KnownSpace
from pilotfish.worlds.exploration.starts import team_starts
from pilotfish.worlds.laser_world import Laser, LaserWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.registry import laser_backend

RECENT = 10
"""The recent real-time factor is of so many reports, a second apart."""


class ExploreSimNode(SimulatorNode):
    """A `LaserWorld` on topics."""

    world: LaserWorld

    def __init__(self) -> None:
        super().__init__("explore_sim", "scout")
        self._scan_every = self.every("scan_period", 0.1)
        self._noise = float(parameter(self, "range_noise", 0.01))
        self._rng = np.random.default_rng([self.seed, 0x5CA7])
        self._travelled = np.zeros(self.n_robots)
        self._progress: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=RECENT + 1)
        self._last_poses = self.poses
        self.known_space = KnownSpace(self.grid, self.grid.cell_at(self.poses[:, :2]))
        self.known = np.zeros(self.n_robots)
        self._scans = [publish(self, LaserScan, f"{robot}/scan", SENSOR) for robot in self.names]
        self._map = publish(self, OccupancyGrid, "true_map", LATCHED)
        for i, robot in enumerate(self.names):
            subscribe(self, OccupancyGrid, f"{robot}/map", lambda m, i=i: self._on_map(i, m), LATCHED)
        self._map.publish(occupancy_grid(self.grid, self.now))

    def make_world(self, grid: GridMap, spec: RobotSpec) -> LaserWorld:
        """The robots on their starts."""
        laser = Laser(int(parameter(self, "rays", 360)), float(parameter(self, "reach", 8.0)))
        xy = np.array(parameter(self, "starts", [math.nan]), float)
        if np.isnan(xy[0]):
            cells = team_starts(grid, self.n_robots, spec.radius, self.seed)
        elif xy.size == 2 * self.n_robots:
            cells = grid.cell_at(xy.reshape(-1, 2))
        else:
            raise ValueError(f"starts are x, y of {self.n_robots} robots, got {xy.size} numbers")
        return laser_backend(str(parameter(self, "backend", "grid")))(grid, cells, spec.radius, laser)

    def publish_tick(self) -> None:
        """Scans and the truth."""
        self._travelled += np.hypot(*(self.poses - self._last_poses)[:, :2].T)
        self._last_poses = self.poses
        if self.ticks % self._scan_every == 0:
            ranges = self.world.scan()
            ranges += self._rng.normal(0.0, self._noise, ranges.shape).astype(np.float32)
            for robot, publisher, row in zip(self.names, self._scans, ranges, strict=True):
                publisher.publish(scan_to_message(row, self.world.laser, robot, self.now))
            self.publish_truth()

    def _on_map(self, robot: int, message: OccupancyGrid) -> None:
        try:
            self.known[robot] = self.known_space.share(*map_from_message(message))
        except ValueError as error:
            self.get_logger().warning(f"map of {self.names[robot]}: {error}", throttle_duration_sec=5.0)

    def figures(self) -> dict[str, object]:
        """How far the team is."""
        known: dict[str, object] = {
            f"known_{name.removeprefix('robot_')}": round(float(share), 4)
            for name, share in zip(self.names, self.known, strict=True)
        }
        self._progress.append((time.monotonic(), self.ticks))
        (wall, ticks), (wall_now, ticks_now) = self._progress[0], self._progress[-1]
        return known | {
            "recent_real_time_factor": round((ticks_now - ticks) * self.dt / max(wall_now - wall, 1e-9), 3),
            "known": round(float(self.known.min()), 4),
            "longest_way": round(float(self._travelled.max()), 2),
        }


def main(args: list[str] | None = None) -> None:
    """Run the world."""
    run_node(ExploreSimNode, args)


if __name__ == "__main__":
    main()

"""The simulated world of a fleet, and the only node that knows all of its robots.

To what every simulator gives (``simulator.py``) it adds, for each robot, ``robot_i/seen`` (robots whose
cell is within the view radius), and for everybody ``map`` and ``overlaps``.
"""

from __future__ import annotations

from nav_msgs.msg import OccupancyGrid
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Int64

from pilotfish.hardware.robots import RobotSpec
from pilotfish.ros_nodes.common import LATCHED, SENSOR, parameter, publish, run_node
from pilotfish.ros_nodes.conversions.fleet import sightings_to_message
from pilotfish.ros_nodes.conversions.maps import occupancy_grid
from pilotfish.ros_nodes.simulator import SimulatorNode
from pilotfish.worlds.fleet_view import robots_in_view
from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.registry import make_fleet_world


class FleetSimNode(SimulatorNode):
    """A `FleetWorld` on topics."""

    def __init__(self) -> None:
        super().__init__("fleet_sim", "carrier")
        self._seen_every = self.every("seen_period", 0.1)
        self._overlaps = publish(self, Int64, "overlaps", LATCHED)
        self._map = publish(self, OccupancyGrid, "map", LATCHED)
        self._seen = [publish(self, PointCloud2, f"{robot}/seen", SENSOR) for robot in self.names]
        self._map.publish(occupancy_grid(self.grid, self.now))

    def make_world(self, grid: GridMap, spec: RobotSpec) -> FleetWorld:
        """The robots on the starts of the seed's scenario."""
        backend = str(parameter(self, "backend", "grid"))
        return make_fleet_world(backend, grid, self.n_robots, self.seed, spec.radius)

    def publish_tick(self) -> None:
        """What robots see of each other, and the truth."""
        if self.ticks % self._seen_every == 0:
            for i, view in enumerate(robots_in_view(self.grid, self.poses)):
                self._seen[i].publish(sightings_to_message(view, self.now))
            self.publish_truth()
            self._overlaps.publish(Int64(data=self.world.overlaps()))


def main(args: list[str] | None = None) -> None:
    """Run the world."""
    run_node(FleetSimNode, args)


if __name__ == "__main__":
    main()

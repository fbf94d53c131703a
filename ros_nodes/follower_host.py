"""Many follower nodes in one process: robots ``first`` to ``first + count - 1``, one node each.

The nodes are the same as alone; they share the process, its clock, the map and one timer, because 64
processes of 70 MB, or 64 clock subscriptions, are more than a small computer needs to carry.
"""

from __future__ import annotations

import sys

from rclpy.node import Node
from rclpy.parameter import Parameter

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.ros_nodes.common import parameter, run_node, seconds_now
from pilotfish.ros_nodes.follower_node import FollowerNode
from pilotfish.ros_nodes.managed_node import control_rate
from pilotfish.worlds.maps.load import load_map

PLAN_PERIOD = 0.5
REPORT_PERIOD = 1.0


class FollowerHost(Node):
    """Makes the nodes and gives them their turns.

    Raises:
        ValueError: the map cannot be read, or ``control_rate`` is below 2.
        RuntimeError: a robot cannot be led, such as for want of its policy; from the reason.
    """

    def __init__(self) -> None:
        super().__init__("follower_host")
        self._rate = control_rate(self)
        first, count = int(parameter(self, "first", 0)), int(parameter(self, "count", 1))
        graph = CellGraph(load_map(str(parameter(self, "world", ""))))
        fleet = self.get_namespace().rstrip("/")
        arguments = robot_arguments(sys.argv)
        self.followers = [
            FollowerNode(
                clock=lambda: seconds_now(self),
                graph=graph,
                hosted=True,
                namespace=f"{fleet}/robot_{robot}",
                use_global_arguments=False,
                cli_args=arguments,
                start_parameter_services=False,
                enable_rosout=False,
                parameter_overrides=[Parameter("robot", value=robot), Parameter("use_sim_time", value=False)],
            )
            for robot in range(first, first + count)
        ]
        self._turn = 0
        for follower in self.followers:
            follower.start()
        self.create_timer(1.0 / self._rate, self._tick)
        self.get_logger().info(f"leads robots {first} to {first + count - 1}")

    def _tick(self) -> None:
        """Everybody's control tick; reports and plans are spread over the ticks."""
        self._turn += 1
        for k, follower in enumerate(self.followers):
            follower.tick()
            if (self._turn + k) % round(PLAN_PERIOD * self._rate) == 0:
                follower.publish_plan()
            if (self._turn + k) % round(REPORT_PERIOD * self._rate) == 0:
                follower.diagnostics.report()


def robot_arguments(argv: list[str]) -> list[str]:
    """The ROS arguments of this process that also hold for each robot's node: all but renamings.

    A renaming of the process's node or namespace would give all robots the same name.
    """
    if "--ros-args" not in argv:
        return []
    words = argv[argv.index("--ros-args") + 1 :]
    kept = ["--ros-args"]
    for flag, value in zip(words[::2], words[1::2], strict=False):
        if not (flag in ("-r", "--remap") and value.split(":=")[0] in ("__ns", "__node", "__name")):
            kept += [flag, value]
    return kept


def main(args: list[str] | None = None) -> None:
    """Run the host."""
    run_node(FollowerHost, args)


if __name__ == "__main__":
    main()

"""A few explorer nodes in one process: robots ``first`` to ``first + count - 1``, one node each.

The nodes are the same as alone; they share the process, its clock and one timer.
"""

from __future__ import annotations

import sys

from rclpy.node import Node
from rclpy.parameter import Parameter

from pilotfish.ros_nodes.common import parameter, run_node, seconds_now
from pilotfish.ros_nodes.explorer_node import ExplorerNode
from pilotfish.ros_nodes.follower_host import robot_arguments
from pilotfish.ros_nodes.managed_node import control_rate


class ExplorerHost(Node):
    """Makes the nodes and gives them their turns.

    Raises:
        ValueError: ``control_rate`` is below 2, or robots would share a ``state_file``.
        RuntimeError: a robot cannot be led, such as for want of its policy; from the reason.
    """

    def __init__(self) -> None:
        super().__init__("explorer_host")
        first, count = int(parameter(self, "first", 0)), int(parameter(self, "count", 1))
        self._rate = control_rate(self)
        team = self.get_namespace().rstrip("/")
        arguments = robot_arguments(sys.argv)
        self.followers = [
            ExplorerNode(
                clock=lambda: seconds_now(self),
                hosted=True,
                namespace=f"{team}/robot_{robot}",
                use_global_arguments=False,
                cli_args=arguments,
                start_parameter_services=False,
                enable_rosout=False,
                parameter_overrides=[Parameter("robot", value=robot), Parameter("use_sim_time", value=False)],
            )
            for robot in range(first, first + count)
        ]
        files = [explorer.state_file for explorer in self.followers if explorer.state_file is not None]
        if len(set(files)) < len(files):
            raise ValueError(f"state_file {str(files[0])!r} is that of several robots: put {{robot}} into it")
        self._turn = 0
        for explorer in self.followers:
            explorer.start()
        self.create_timer(1.0 / self._rate, self._tick)
        self.get_logger().info(f"leads robots {first} to {first + count - 1}")

    def _tick(self) -> None:
        """Everybody's control tick; reports are spread over the ticks."""
        self._turn += 1
        for k, explorer in enumerate(self.followers):
            explorer.tick()
            if (self._turn + k) % round(self._rate) == 0:
                explorer.report()


def main(args: list[str] | None = None) -> None:
    """Run the host."""
    run_node(ExplorerHost, args)


if __name__ == "__main__":
    main()

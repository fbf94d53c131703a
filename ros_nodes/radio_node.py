"""The simulated radio between robots: relays ``robot_i/claims`` to ``robot_j/inbox`` of those in range.

All that arrives for a robot within one tick goes out as one bundle. Delay, loss and repetition are
parameters (``delay_max``, ``loss``, ``duplicate``, ``range``), so that faults can be injected. Ranges
come from the simulator's ``poses``. On real robots the network takes the place of this node.
"""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from std_msgs.msg import UInt8MultiArray

from pilotfish.policies.coordination.radio import Radio, RadioParameters
from pilotfish.policies.coordination.wire import MAX_FRAME, bundle
from pilotfish.ros_nodes.common import (
    OK,
    SENSOR,
    STREAM,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    seconds_now,
    subscribe,
)
from pilotfish.ros_nodes.conversions.fleet import bytes_from_message, bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import positions_from_pose_array


class RadioNode(Node):
    """A `Radio` on topics."""

    def __init__(self) -> None:
        super().__init__("radio")
        n = int(parameter(self, "robots", 1))
        settings = RadioParameters(
            range=float(parameter(self, "range", RadioParameters.range)),
            delay_max=float(parameter(self, "delay_max", 0.0)),
            loss=float(parameter(self, "loss", 0.0)),
            duplicate=float(parameter(self, "duplicate", 0.0)),
        )
        self.radio = Radio(n, settings, int(parameter(self, "seed", 0)))
        self.relayed = 0
        self._positions: np.ndarray | None = None
        self._inboxes = [publish(self, UInt8MultiArray, f"robot_{i}/inbox", STREAM) for i in range(n)]
        for i in range(n):
            subscribe(
                self, UInt8MultiArray, f"robot_{i}/claims", lambda m, i=i: self._on_claims(i, m), STREAM
            )
        subscribe(self, PoseArray, "poses", self._on_poses, SENSOR)
        self.create_timer(float(parameter(self, "relay_period", 0.05)), self._relay)
        Diagnostics(self, "radio: relay", self._status)

    def _on_poses(self, message: PoseArray) -> None:
        if len(message.poses) == self.radio.n_robots:
            self._positions = positions_from_pose_array(message)

    def _on_claims(self, sender: int, message: UInt8MultiArray) -> None:
        if len(message.data) > MAX_FRAME:
            self.get_logger().warning(
                f"dropped a message of robot_{sender}: {len(message.data)} bytes, at most {MAX_FRAME} fit",
                throttle_duration_sec=5.0,
            )
        elif self._positions is not None:
            self.radio.send(sender, bytes_from_message(message), self._positions, seconds_now(self))

    def _relay(self) -> None:
        for robot, frames in self.radio.deliver(seconds_now(self)).items():
            self.relayed += len(frames)
            self._inboxes[robot].publish(bytes_to_message(bundle(frames)))

    def _status(self) -> Status:
        if self._positions is None:
            return WARN, "no poses yet, so nobody is in range", {"relayed": self.relayed}
        return OK, "relaying", {"relayed": self.relayed}


def main(args: list[str] | None = None) -> None:
    """Run the radio."""
    run_node(RadioNode, args)


if __name__ == "__main__":
    main()

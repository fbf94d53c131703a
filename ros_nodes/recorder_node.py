"""Records a running fleet into an MCAP file, at a limited rate for each topic.

Parameters: ``path`` (a rosbag2 folder that is made; it must not exist), ``robots``, ``rate`` (messages a
second and topic, at most), ``topics`` (names to record instead of the fleet's; they must be published).
Messages are stored as they came, without being decoded; latched ones (map, goals) are never dropped. A topic
given by name counts as latched where all of its publishers latch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import Float64, Int64

from pilotfish.ros_nodes.common import (
    LATCHED,
    OK,
    SENSOR,
    Diagnostics,
    Status,
    parameter,
    run_node,
    subscribe,
)

DISCOVERY = 5.0
"""How long topics given by name may take to appear [s]."""

Topic = tuple[str, type, QoSProfile]


def fleet_topics(n_robots: int) -> list[Topic]:
    """What a fleet's recording holds: (name, type, QoS)."""
    topics: list[Topic] = [
        ("map", OccupancyGrid, LATCHED),
        ("poses", PoseArray, SENSOR),
        ("overlaps", Int64, LATCHED),
        ("goals_reached", Int64, LATCHED),
        ("throughput", Float64, SENSOR),
        ("/diagnostics", DiagnosticArray, QoSProfile(depth=100)),
    ]
    for i in range(n_robots):
        topics += [
            (f"robot_{i}/odom", Odometry, SENSOR),
            (f"robot_{i}/cmd_vel", TwistStamped, SENSOR),
            (f"robot_{i}/goal_pose", PoseStamped, LATCHED),
        ]
    return topics


class RecorderNode(Node):
    """Subscribes raw and writes."""

    _open = False

    def __init__(self) -> None:
        super().__init__("recorder")
        path = Path(str(parameter(self, "path", "fleet.mcap")))
        if path.exists():
            raise FileExistsError(f"recording {path} exists already: name another path, or remove it")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rate = float(parameter(self, "rate", 5.0))
        self.written = 0
        self._types = get_typestore(Stores.ROS2_KILTED)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._open = True
        self._last: dict[str, int] = {}
        names = [str(name) for name in parameter(self, "topics", [""]) if name]
        self._add(self._named(names) if names else fleet_topics(int(parameter(self, "robots", 1))))
        Diagnostics(self, "recorder: MCAP", self._status)
        self.get_logger().info(f"records to {path}")

    def destroy_node(self) -> None:
        """Also completes the file."""
        if self._open:
            self._open = False
            self._writer.close()
        super().destroy_node()

    def _named(self, names: list[str]) -> list[Topic]:
        """Topics by name; their publishers must be running."""
        deadline = time.monotonic() + DISCOVERY
        names = [self.resolve_topic_name(name) for name in names]
        while True:
            known = dict(self.get_topic_names_and_types())
            missing = [name for name in names if name not in known]
            if not missing:
                return [(name, _kind(known[name][0]), self._qos(name)) for name in names]
            if time.monotonic() > deadline:
                raise ValueError(f"nobody publishes {missing}; there are {', '.join(sorted(known))}")
            time.sleep(0.1)

    def _qos(self, name: str) -> QoSProfile:
        """What suits all publishers of a topic, and gets what they have latched."""
        offered = [info.qos_profile for info in self.get_publishers_info_by_topic(name)]
        if not offered or any(qos.durability != DurabilityPolicy.TRANSIENT_LOCAL for qos in offered):
            return SENSOR
        reliable = all(qos.reliability == ReliabilityPolicy.RELIABLE for qos in offered)
        return QoSProfile(
            depth=100,  # several publishers, such as those of /tf_static, latch a message each
            durability=DurabilityPolicy.TRANSIENT_LOCAL,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        )

    def _add(self, topics: Iterable[Topic]) -> None:
        for name, kind, qos in topics:
            full_name = self.resolve_topic_name(name)
            type_name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
            connection = self._writer.add_connection(full_name, type_name, typestore=self._types)
            latched = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
            period = 0 if latched or self.rate <= 0 else int(1e9 / self.rate)

            def store(
                data: bytes, name: str = full_name, connection=connection, period: int = period
            ) -> None:
                now = self.get_clock().now().nanoseconds
                # A tenth early is in time: the publisher's period need not divide ours.
                if not self._open or now - self._last.get(name, -period) < 0.9 * period:
                    return
                self._last[name] = now
                self.written += 1
                self._writer.write(connection, now, bytes(data))

            subscribe(self, kind, name, store, qos, raw=True)

    def _status(self) -> Status:
        return OK, "recording", {"messages": self.written}


def _kind(name: str) -> type:
    """The message class called ``package/msg/Name``."""
    package, _, kind = name.split("/")
    return getattr(import_module(f"{package}.msg"), kind)


def main(args: list[str] | None = None) -> None:
    """Run the recorder."""
    run_node(RecorderNode, args)


if __name__ == "__main__":
    main()

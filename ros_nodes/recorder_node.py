"""Records a running system into an MCAP file, at a limited rate for each topic.

Parameters: ``path`` (a rosbag2 folder that is made; it must not exist), ``system`` (whose topics:
``recorded_topics.py``), ``robots``, ``rate`` (messages a second and topic, at most), ``topics`` (names to
record instead of the system's; they must be published). Messages are stored as they came, without being
decoded; latched ones (maps, goals) are never dropped, though large maps that change often are thinned out:
the last one is always there. A topic given by name counts as latched where all of its publishers latch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from pilotfish.ros_nodes.common import (
    OK,
    SENSOR,
    Diagnostics,
    Status,
    parameter,
    run_node,
    subscribe,
)
from pilotfish.ros_nodes.recorded_topics import Topic, recorded_topics

DISCOVERY = 5.0
"""How long topics given by name may take to appear [s]."""


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
        self._late: dict[str, tuple[Connection, bytes]] = {}  # came too early, to be written when it is time
        self._periods: dict[str, int] = {}
        names = [str(name) for name in parameter(self, "topics", [""]) if name]
        system, robots = str(parameter(self, "system", "fleet")), int(parameter(self, "robots", 1))
        self._add(self._named(names) if names else recorded_topics(system, robots))
        self.create_timer(0.5, self._write_late)
        Diagnostics(self, "recorder: MCAP", self._status)
        self.get_logger().info(f"records to {path}")

    def destroy_node(self) -> None:
        """Also completes the file."""
        if self._open:
            self._write_late(everything=True)
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
                return [Topic(name, _kind(known[name][0]), self._qos(name)) for name in names]
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
        for topic in topics:
            name, kind = self.resolve_topic_name(topic.name), topic.kind
            type_name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
            connection = self._writer.add_connection(name, type_name, typestore=self._types)
            latched = topic.qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
            period = topic.period
            if period is None:
                period = 0.0 if latched or self.rate <= 0 else 1 / self.rate
            self._periods[name] = int(1e9 * period)

            def store(data: bytes, name: str = name, connection=connection, keep: bool = latched) -> None:
                if self._due(name):
                    self._write(name, connection, data)
                elif keep:
                    self._late[name] = (connection, data)

            subscribe(self, kind, topic.name, store, topic.qos, raw=True)

    def _due(self, name: str) -> bool:
        # A tenth early is in time: the publisher's period need not divide ours.
        period = self._periods[name]
        now = self.get_clock().now().nanoseconds
        if now == 0:  # simulated time has not begun
            return False
        return now - self._last.get(name, -period) >= 0.9 * period

    def _write(self, name: str, connection: Connection, data: bytes) -> None:
        if self._open:
            now = self.get_clock().now().nanoseconds
            self._late.pop(name, None)
            self._last[name] = now
            self.written += 1
            self._writer.write(connection, now, bytes(data))

    def _write_late(self, everything: bool = False) -> None:
        for name, (connection, data) in list(self._late.items()):
            if everything or self._due(name):
                self._write(name, connection, data)

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

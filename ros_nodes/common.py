"""What all nodes share: their start, their QoS and their diagnostics."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""Only the newest value counts."""
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Whoever comes late still gets the last value."""
STREAM = QoSProfile(depth=20)

GATHER = 0.004
"""[s]"""

WAKE = 0.2
"""So often a node that waits looks whether it was interrupted [s]."""

FAREWELL = 0.05
"""Time for the last commands to leave the process [s]."""

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

Status = tuple[bytes, str, Mapping[str, object]]
"""Level, one line, and values."""


class BatchingExecutor(SingleThreadedExecutor):
    """Lets messages gather for a moment before it looks at what is ready.

    rclpy asks every entity of every node in each turn, in Python: with the topics of 64 robots that costs
    more than the work itself. Gathering halves the processor time and costs ``GATHER`` of latency.
    """

    def _wait_for_ready_callbacks(self, *args: object, **kwargs: object) -> Iterator:
        time.sleep(GATHER)
        yield from super()._wait_for_ready_callbacks(*args, **kwargs)


def run_node(
    make: Callable[[], Node], args: list[str] | None = None, executor: type[Executor] = BatchingExecutor
) -> None:
    """Start ROS, spin a node until it is interrupted, end cleanly.

    A node that hosts others lists them in ``followers``; they are spun with it. What the node raises, when
    it is made or later, goes through: the process ends with its traceback and an exit code that is not 0.

    SIGINT and SIGTERM are handled here: rclpy would shut ROS down first, and nobody could stop a robot then.
    """
    _on_signals(signal.default_int_handler)
    interrupted = contextlib.suppress(KeyboardInterrupt, ExternalShutdownException)
    with interrupted, rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO):
        spinner = executor()
        node = make()
        # Of the wall clock: it lets signals through where the simulator's clock stands still.
        node.create_timer(WAKE, lambda: None, clock=Clock(clock_type=ClockType.STEADY_TIME))
        members = (*getattr(node, "followers", ()), node)
        for member in members:
            spinner.add_node(member)
        try:
            spinner.spin()
        finally:
            # The terminal and ros2 launch may both interrupt: what nodes do at their end gets whole.
            _on_signals(signal.SIG_IGN)
            retired = [member.retire() for member in members if hasattr(member, "retire")]
            if any(retired):
                time.sleep(FAREWELL)
            for member in members:
                member.destroy_node()


def _on_signals(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)


def publish(node: Node, kind: type, topic: str, qos: QoSProfile | int) -> Publisher:
    """A publisher without QoS event handlers: the executor looks at each of them in every turn."""
    return node.create_publisher(
        kind, topic, qos, event_callbacks=PublisherEventCallbacks(use_default_callbacks=False)
    )


def subscribe(
    node: Node, kind: type, topic: str, callback: Callable, qos: QoSProfile | int, raw: bool = False
) -> None:
    """A subscription without QoS event handlers; a raw one calls back with bytes."""
    events = SubscriptionEventCallbacks(use_default_callbacks=False)
    node.create_subscription(kind, topic, callback, qos, raw=raw, event_callbacks=events)


def seconds_now(node: Node) -> float:
    """The node's clock [s]: the simulator's where ``use_sim_time`` is set."""
    return node.get_clock().now().nanoseconds * 1e-9


def parameter(node: Node, name: str, default: object) -> Any:
    """Declare a parameter, unless that was done before, and return its value."""
    if not node.has_parameter(name):
        node.declare_parameter(name, default)
    return node.get_parameter(name).value


class Diagnostics:
    """Publishes a node's status on /diagnostics.

    Args:
        node: who reports.
        name: what the status is called, such as ``robot_3: follower``.
        status: asked at each report.
        period: [s]; 0 for a caller that calls ``report`` itself.
    """

    def __init__(self, node: Node, name: str, status: Callable[[], Status], period: float = 1.0) -> None:
        self._node = node
        self._name = name
        self._status = status
        self._publisher = publish(node, DiagnosticArray, "/diagnostics", 10)
        if period > 0:
            node.create_timer(period, self.report)

    def report(self) -> None:
        """Publish the status now."""
        level, text, values = self._status()
        status = DiagnosticStatus(level=level, name=self._name, message=text, hardware_id=self._name)
        status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

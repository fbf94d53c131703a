"""Listens to a running system: its clock and what its nodes say on /diagnostics."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

WORLD = "fleet_sim: world"
"""Name of the simulator's status; a robot's is ``robot_<i>: follower``."""

TEAM_WORLD, TEAM_RADIO = "explore_sim: world", "exploration_radio: relay"
"""Names of the statuses of an exploring team; a robot's is ``robot_<i>: explorer``."""


@dataclass
class FleetStatus:
    """The newest that was heard.

    Attributes:
        clock: simulated time [s], None before the first message.
        statuses: status name -> its message and its values.
    """

    clock: float | None = None
    statuses: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    @property
    def followers(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Statuses of a fleet's robots."""
        return {name: said for name, said in self.statuses.items() if name.endswith(": follower")}

    @property
    def explorers(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Statuses of an exploring team's robots."""
        return {name: said for name, said in self.statuses.items() if name.endswith(": explorer")}

    @property
    def team_world(self) -> dict[str, str]:
        """What the simulator of an exploring team reports."""
        return self.statuses.get(TEAM_WORLD, ("", {}))[1]

    @property
    def team_radio(self) -> dict[str, str]:
        """What the radio of an exploring team reports."""
        return self.statuses.get(TEAM_RADIO, ("", {}))[1]

    def known(self, robots: int) -> list[float]:
        """Share of the free space that each explorer's own map holds, as the simulator sees it."""
        values = self.team_world
        return [float(values.get(f"known_{robot}", 0.0)) for robot in range(robots)]

    def bytes_per_minute(self, robots: int) -> list[int]:
        """What each explorer has sent over the last minute or the run, if that is shorter, by the radio."""
        values = self.team_radio
        return [int(values.get(f"sent_bytes_per_minute_{robot}", 0)) for robot in range(robots)]

    @property
    def led(self) -> int:
        """Robots whose node has a goal to lead them to, or has reached one before."""
        return sum(
            message == "driving" or int(values.get("goals_reached", 0)) > 0
            for message, values in self.followers.values()
        )

    @property
    def goals(self) -> int:
        """Goals reached by the fleet since its nodes began."""
        return sum(int(values.get("goals_reached", 0)) for _, values in self.followers.values())

    @property
    def overlaps(self) -> int | None:
        """Collisions counted by the simulator; None before it has said so."""
        values = self.statuses.get(WORLD, ("", {}))[1]
        return int(values["overlaps"]) if "overlaps" in values else None

    def latency_ms(self) -> dict[str, float | None]:
        """Decision latency [ms]: median and 99th percentile of the middle robot, and of the slowest one."""
        robots = self.followers | self.explorers
        said = [values for _, values in robots.values() if "decision_p99_ms" in values]
        tails = [float(values["decision_p99_ms"]) for values in said]
        return {
            "decision_p50_ms": median(float(values["decision_p50_ms"]) for values in said) if said else None,
            "decision_p99_ms": median(tails) if said else None,
            "decision_p99_slowest_ms": max(tails, default=None),
        }


class FleetWatch:
    """A node of its own that listens in a thread, as a context manager; ``status`` is always the newest.

    Others may use ``node``, for services.
    """

    def __init__(self) -> None:
        self.status = FleetStatus()
        self._context = rclpy.Context()
        self._context.init(args=[])
        self.node = rclpy.create_node("fleet_watch", context=self._context)
        best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.node.create_subscription(Clock, "/clock", self._on_clock, best_effort)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 200)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, name="fleet_watch", daemon=True)

    def __enter__(self) -> FleetWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.try_shutdown()
        self._thread.join(5.0)
        self.node.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_clock(self, message: Clock) -> None:
        self.status.clock = message.clock.sec + 1e-9 * message.clock.nanosec

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            # Replaced, not changed: the display reads it from another thread.
            self.status.statuses = {**self.status.statuses, status.name: (status.message, values)}

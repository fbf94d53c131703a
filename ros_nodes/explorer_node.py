"""One robot of an exploring team: laser and odometry in, velocity out, and talk with whom it reaches.

Topics, relative to the robot's namespace (``/robot_3``): takes ``scan``, ``odom``, ``inbox`` (bundled
messages of peers) and ``goal`` (go there first); gives ``cmd_vel``, ``map`` (latched), ``outbox`` (each one
message to peers), ``waypoint``, ``plan``, ``explored`` (free area known [m^2]) and /diagnostics. With the
parameter ``peers_topic`` "network" it talks on ``/exploration/air`` instead of ``outbox`` and ``inbox``:
whoever is reached there is a peer.

Run it alone (one process a robot), or a few in one process with ``explorer_host``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from nav_msgs.msg import Path as PathMessage
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Float32, UInt8MultiArray

from pilotfish.hardware.limits import STOP, Velocity
from pilotfish.policies.coordination.wire import WireError, unbundle
from pilotfish.policies.exploration.agent import ExplorerAgent
from pilotfish.policies.exploration.mapping import percent
from pilotfish.ros_nodes.common import (
    ERROR,
    LATCHED,
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
from pilotfish.ros_nodes.conversions.exploration import map_to_message, path_to_message, scan_from_message
from pilotfish.ros_nodes.conversions.fleet import bytes_from_message, bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import (
    MAP_FRAME,
    in_map_frame,
    pose_from_message,
    pose_stamped,
    to_seconds,
    velocity_to_message,
)
from pilotfish.ros_nodes.explorer_parameters import make_explorer
from pilotfish.ros_nodes.managed_node import ManagedNode, control_rate
from pilotfish.ros_nodes.nav2_driver import Nav2Driver

AIR = "/exploration/air"
AIR_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)


class ExplorerNode(ManagedNode):
    """The ROS side of an `ExplorerAgent`.

    Args:
        clock: seconds of the time that stamps are in; the node's own clock if None.
        hosted: somebody else calls ``tick`` and ``report``, and switches the states.
        options: of `rclpy.node.Node`.
    """

    def __init__(
        self, clock: Callable[[], float] | None = None, hosted: bool = False, **options: Any
    ) -> None:
        super().__init__("explorer", hosted, **options)
        self.clock = clock or (lambda: seconds_now(self))
        self.robot = int(parameter(self, "robot", 0))
        self.robot_name = self.label = self.get_namespace().rsplit("/", 1)[-1] or f"robot_{self.robot}"
        self.agent: ExplorerAgent | None = None
        self.bad_messages = 0
        self._nav2: Nav2Driver | None = None
        self._map_shown = -1
        self._saved_at = 0.0
        self._command = publish(self, TwistStamped, "cmd_vel", SENSOR)
        self._map = publish(self, OccupancyGrid, "map", LATCHED)
        self._waypoint = publish(self, PoseStamped, "waypoint", 1)
        self._plan = publish(self, PathMessage, "plan", 1)
        self._explored = publish(self, Float32, "explored", 1)
        peers = str(parameter(self, "peers_topic", "radio"))
        if peers not in ("radio", "network"):
            raise ValueError(f"peers_topic {peers!r}: choose radio or network")
        if peers == "radio":
            self._outbox = publish(self, UInt8MultiArray, "outbox", STREAM)
            subscribe(self, UInt8MultiArray, "inbox", self._on_inbox, STREAM)
        else:
            self._outbox = publish(self, UInt8MultiArray, AIR, AIR_QOS)
            subscribe(self, UInt8MultiArray, AIR, self._on_air, AIR_QOS)
        subscribe(self, LaserScan, "scan", self._on_scan, SENSOR)
        subscribe(self, Odometry, "odom", self._on_odometry, SENSOR)
        subscribe(self, PoseStamped, "goal", self._on_goal, 1)
        self.diagnostics = Diagnostics(self, f"{self.robot_name}: explorer", self.status, period=0.0)
        if not hosted:
            self.create_timer(1.0 / control_rate(self), self.tick)
            self.create_timer(1.0, self.report)
            self.autostart()

    # Life cycle.

    def configure(self) -> None:
        """Make the explorer, with the map that it has kept."""
        self.agent = make_explorer(self, self.robot, epoch=time.time_ns())
        driver = str(parameter(self, "driver", "follower"))
        if driver not in ("follower", "nav2"):
            raise ValueError(f"driver {driver!r}: choose follower or nav2")
        self._nav2 = Nav2Driver(self) if driver == "nav2" else None
        self._remember()

    def halt(self) -> None:
        """Stop the robot; the map is kept."""
        self._send_velocity(STOP, self.clock())
        if self._nav2 is not None:
            self._nav2.stop()
        self._save()

    def forget(self) -> None:
        """The map, the policy and all beliefs."""
        self.agent = None

    @property
    def state_file(self) -> Path | None:
        """Where the own map is kept; ``{robot}`` in the parameter stands for the robot's index."""
        pattern = str(parameter(self, "state_file", ""))
        return Path(pattern.replace("{robot}", str(self.robot))) if pattern else None

    def _remember(self) -> None:
        file = self.state_file
        if file is None or self.agent is None:
            return
        try:
            self.agent.remember(file)
            minutes = (time.time() - file.stat().st_mtime) / 60
            self.get_logger().info(f"goes on with the map in {file}, written {minutes:.0f} minutes ago")
        except FileNotFoundError:
            pass
        except ValueError as error:
            self.get_logger().warning(f"begins with an empty map: {error}")

    def _save(self) -> None:
        file = self.state_file
        if file is None or self.agent is None:
            return
        try:
            self.agent.save(file)
        except OSError as error:
            self.get_logger().warning(f"map is not saved: {error}", throttle_duration_sec=60.0)

    # Inputs.

    def _on_odometry(self, message: Odometry) -> None:
        now = self.clock()
        if self.agent is not None and now > 0.0:
            pose = pose_from_message(message.pose.pose)
            self.agent.see_odometry(pose, to_seconds(message.header.stamp), now)

    def _on_scan(self, message: LaserScan) -> None:
        now = self.clock()
        if self.agent is None or now <= 0.0:
            return
        try:
            self.agent.see_scan(scan_from_message(message), now)
        except ValueError as error:
            self.agent.dropped["malformed"] += 1
            self.get_logger().warning(f"scan refused: {error}", throttle_duration_sec=5.0)

    def _on_inbox(self, message: UInt8MultiArray) -> None:
        try:
            frames = unbundle(bytes_from_message(message))
        except WireError:
            self.bad_messages += 1
            return
        self._hear(frames)

    def _on_air(self, message: UInt8MultiArray) -> None:
        self._hear([bytes_from_message(message)])

    def _hear(self, frames: list[bytes]) -> None:
        now = self.clock()
        if self.agent is None or not self.active or now <= 0.0:
            return
        for frame in frames:
            self.agent.hear(frame, now)

    def _on_goal(self, message: PoseStamped) -> None:
        position = message.pose.position
        if not in_map_frame(message):
            frame = message.header.frame_id
            self.get_logger().warning(f"goal refused: it is in frame {frame!r}, not in {MAP_FRAME!r}")
        elif self.agent is not None:
            try:
                self.agent.set_goal((position.x, position.y))
            except ValueError as error:
                self.get_logger().warning(f"goal refused: {error}")

    # Outputs.

    def tick(self) -> None:
        """One control tick."""
        now = self.clock()
        if self.agent is None or not self.active or now <= 0.0:  # simulated time has not begun
            return
        output = self.agent.tick(now)
        self._send_velocity(output.velocity, now)
        if output.halted and self._nav2 is not None:
            self._nav2.stop()
        for frame in output.frames:
            self._outbox.publish(bytes_to_message(frame))
        if output.decided:
            self._publish_path(self.agent, now)

    def _send_velocity(self, velocity: Velocity, now: float) -> None:
        if self._nav2 is None:
            self._command.publish(velocity_to_message(velocity, self.robot_name, now))

    def _publish_path(self, agent: ExplorerAgent, now: float) -> None:
        path = agent.path
        if self._nav2 is not None:
            self._nav2.drive_to(path[-1] if path else None, now)
        here = [(agent.pose.x, agent.pose.y)] if agent.pose is not None else []
        self._plan.publish(path_to_message([*here, *path], now))
        if path:
            x, y = path[-1]
            self._waypoint.publish(pose_stamped(x, y, now))

    def report(self) -> None:
        """What is told about once a second: the map, if it has changed, its size, and the diagnostics."""
        agent, now = self.agent, self.clock()
        if agent is not None and now > 0.0:
            if agent.team_map.changes != self._map_shown:
                self._map_shown = agent.team_map.changes
                image = percent(agent.belief.pixels, agent.own.log_odds, agent.team_map.blocked)
                self._map.publish(map_to_message(image, agent.frame, now))
            self._explored.publish(Float32(data=agent.free_area))
            if now - self._saved_at >= float(parameter(self, "save_period", 30.0)):
                self._saved_at = now
                self._save()
        self.diagnostics.report()

    def status(self) -> Status:
        """For /diagnostics."""
        agent = self.agent
        if agent is None:
            return ERROR, "not configured", {}
        now, belief = self.clock(), agent.belief
        connected = [robot for robot in np.flatnonzero(belief.connected).tolist() if robot != self.robot]
        values: dict[str, object] = {
            "known_area_m2": round(agent.free_area, 2),
            "connected": connected,
            "surplus_px": belief.surplus().tolist(),
            "travelled_m": round(agent.track.travelled, 2),
            "decisions": agent.decisions,
            "bytes_per_minute": agent.talk.bytes_last_minute(now),
            "dropped_scans": dict(+agent.dropped),
            "refused_messages": dict(agent.talk.refused) | {"bundles": self.bad_messages},
            "refused_poses": agent.track.refused,
            "teleports": agent.track.teleports,
            "stale": agent.stale,
            "stuck": agent.stuck,
            "done": agent.done,
        }
        if agent.seconds:
            p50, p99 = np.percentile(agent.seconds, [50, 99]) * 1000
            values |= {"decision_p50_ms": round(float(p50), 3), "decision_p99_ms": round(float(p99), 3)}
        if not self.active:
            return WARN, "inactive", values
        if agent.failure:
            return ERROR, f"stopped: the policy fails: {agent.failure}", values
        if agent.stale:
            return ERROR, "stopped: odometry or scans are too old", values
        if agent.follower.blocked:
            return WARN, "something stands in the way", values
        return OK, "done: nothing is left to explore" if agent.done else "exploring", values


def main(args: list[str] | None = None) -> None:
    """Run one explorer; its namespace names the robot, the parameter ``robot`` its index."""
    run_node(ExplorerNode, args)


if __name__ == "__main__":
    main()

"""One robot of the fleet: poses in, velocity out, led by a policy and kept apart by cell claims.

Topics, relative to the robot's namespace (``/robot_3``): takes ``odom``, ``seen`` (the robots in view),
``inbox`` (bundled messages of peers) and ``goal_pose``; gives ``cmd_vel``, ``claims`` (its messages to
peers), ``plan`` (cells held, asked for, and the goal), ``reached`` and /diagnostics. The map comes from
the parameter ``world``, or, if that is empty, from the topic ``map`` of the namespace above.

Run it alone (one process a robot), or many in one process with ``follower_host``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import UInt8MultiArray

from pilotfish.hardware.limits import STOP, Velocity
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.coordination.agent import AgentParameters, FleetAgent, claim_parameters
from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.wire import WireError, unbundle
from pilotfish.policies.registry import make_fleet_policy
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
from pilotfish.ros_nodes.conversions.fleet import (
    bytes_from_message,
    bytes_to_message,
    sightings_from_message,
)
from pilotfish.ros_nodes.conversions.geometry import (
    MAP_FRAME,
    in_map_frame,
    pose_from_message,
    pose_stamped,
    to_seconds,
    velocity_to_message,
)
from pilotfish.ros_nodes.conversions.maps import grid_from_occupancy
from pilotfish.ros_nodes.managed_node import ManagedNode, control_rate
from pilotfish.worlds.maps.load import load_map

REPEAT_REACHED = 1.0
"""A robot that waits on its goal says so again after this long [s]."""

_CLAIM_TIMES = ("lease", "dead_after", "stall_after", "use_within", "pose_timeout")


class FollowerNode(ManagedNode):
    """The ROS side of a `FleetAgent`.

    Args:
        clock: seconds of the time that stamps are in; the node's own clock if None.
        graph: the map, if somebody has loaded it already.
        hosted: somebody else calls ``tick`` and ``diagnostics.report``, and switches the states.
        options: of `rclpy.node.Node`.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        graph: CellGraph | None = None,
        hosted: bool = False,
        **options: Any,
    ) -> None:
        super().__init__("follower", hosted, **options)
        self.clock = clock or (lambda: seconds_now(self))
        self.robot = int(parameter(self, "robot", 0))
        self.robot_name = self.label = self.get_namespace().rsplit("/", 1)[-1] or f"robot_{self.robot}"
        self.agent: FleetAgent | None = None
        self._graph = graph
        self._goal: PoseStamped | None = None
        self._reached: PoseStamped | None = None
        self._reached_at = 0.0
        self._bad_messages = 0
        self._command = publish(self, TwistStamped, "cmd_vel", SENSOR)
        self._claims = publish(self, UInt8MultiArray, "claims", STREAM)
        self._plan = publish(self, Path, "plan", 1)
        self._done = publish(self, PoseStamped, "reached", 10)
        subscribe(self, Odometry, "odom", self._on_odometry, SENSOR)
        subscribe(self, PointCloud2, "seen", self._on_seen, SENSOR)
        subscribe(self, UInt8MultiArray, "inbox", self._on_inbox, STREAM)
        subscribe(self, PoseStamped, "goal_pose", self._on_goal, LATCHED)
        if not (graph or parameter(self, "world", "")):
            fleet = self.get_namespace().rsplit("/", 1)[0]
            subscribe(self, OccupancyGrid, f"{fleet}/map", self._on_map, LATCHED)
        self.diagnostics = Diagnostics(
            self, f"{self.robot_name}: follower", self.status, period=0.0 if hosted else 1.0
        )
        if not hosted:
            self.create_timer(1.0 / control_rate(self), self.tick)
            self.create_timer(0.5, self.publish_plan)
            self.autostart()

    # Life cycle.

    def configure(self) -> None:
        """Load the map, if it is a parameter, and with it the policy."""
        world = str(parameter(self, "world", ""))
        if self._graph is None and world:
            self._graph = CellGraph(load_map(world))
        if self._graph is not None:
            self._make_agent()

    def halt(self) -> None:
        """Stop the robot; as nothing is claimed any more, peers will treat it as an obstacle."""
        self._send_velocity(STOP, self.clock())

    def forget(self) -> None:
        """The policy and all beliefs."""
        self.agent = None

    def _make_agent(self) -> None:
        spec = get_robot(str(parameter(self, "robot_type", "carrier")))
        margin = float(parameter(self, "margin", AgentParameters.margin))
        claims = claim_parameters(spec, margin)
        times = {name: float(parameter(self, name, getattr(claims, name))) for name in _CLAIM_TIMES}
        tuning = {
            name: float(parameter(self, name, getattr(AgentParameters, name)))
            for name in ("decide_ahead", "pause", "patience", "mask", "goal_tolerance", "heartbeat")
        }
        self.agent = FleetAgent(
            self.robot,
            self._graph,
            spec,
            make_fleet_policy(str(parameter(self, "policy", "follower"))),
            seed=int(parameter(self, "seed", 0)) * 10_007 + self.robot,
            epoch=time.time_ns(),
            parameters=AgentParameters(margin=margin, **tuning),
            claims=claim_parameters(spec, margin, **times),
        )
        if self._goal is not None:
            self._on_goal(self._goal)

    # Inputs.

    def _on_map(self, message: OccupancyGrid) -> None:
        try:
            self._graph = CellGraph(grid_from_occupancy(message))
        except ValueError as error:
            self.get_logger().error(f"map refused: {error}")
            return
        self._make_agent()

    def _on_odometry(self, message: Odometry) -> None:
        now = self.clock()
        if self.agent is not None and now > 0.0:
            self.agent.see_pose(pose_from_message(message.pose.pose), to_seconds(message.header.stamp), now)

    def _on_seen(self, message: PointCloud2) -> None:
        now = self.clock()
        if self.agent is None or now <= 0.0:
            return
        try:
            self.agent.see_others(sightings_from_message(message), to_seconds(message.header.stamp), now)
        except ValueError as error:
            self._bad_messages += 1
            self.get_logger().warning(f"sightings refused: {error}", throttle_duration_sec=5.0)

    def _on_inbox(self, message: UInt8MultiArray) -> None:
        if self.agent is None:
            return
        try:
            frames = unbundle(bytes_from_message(message))
        except WireError:
            self._bad_messages += 1
            return
        now = self.clock()
        for frame in frames if now > 0.0 else ():
            self.agent.hear(frame, now)

    def _on_goal(self, message: PoseStamped) -> None:
        if not in_map_frame(message):
            frame = message.header.frame_id
            self.get_logger().warning(f"goal refused: it is in frame {frame!r}, not in {MAP_FRAME!r}")
            return
        self._goal = message
        if self.agent is None:
            return
        position = message.pose.position
        cell = int(self.agent.graph.grid.cell_at((position.x, position.y)))
        try:
            self.agent.set_goal(cell)
            self._reached = None
        except ValueError as error:
            self.get_logger().warning(f"goal ({position.x:.2f}, {position.y:.2f}) refused: {error}")

    # Outputs.

    def tick(self) -> None:
        """One control tick."""
        now = self.clock()
        if self.agent is None or not self.active or now <= 0.0:  # simulated time has not begun
            return
        output = self.agent.tick(now)
        self._send_velocity(output.velocity, now)
        if output.frame is not None:
            self._claims.publish(bytes_to_message(output.frame))
        if output.reached is not None:
            self._reached = pose_stamped(*self.agent.graph.centre(output.reached), now)
        if self._reached is not None and (
            output.reached is not None or now - self._reached_at > REPEAT_REACHED
        ):
            self._reached_at = now
            self._done.publish(self._reached)

    def _send_velocity(self, velocity: Velocity, now: float) -> None:
        self._command.publish(velocity_to_message(velocity, self.robot_name, now))

    def publish_plan(self) -> None:
        """Publish the cells held and asked for, and the goal."""
        agent = self.agent
        if agent is None or not self.active:
            return
        cells = [*agent.claims.chain]
        if agent.claims.pending is not None:
            cells.append(agent.claims.pending.cell)
        if agent.goal is not None:
            cells.append(agent.goal)
        now = self.clock()
        path = Path(poses=[pose_stamped(*agent.graph.centre(cell), now) for cell in cells])
        path.header = path.poses[0].header if path.poses else path.header
        path.header.frame_id = MAP_FRAME
        self._plan.publish(path)

    def status(self) -> Status:
        """For /diagnostics."""
        agent = self.agent
        if agent is None:
            return ERROR, "no map yet", {}
        values = {
            "goals_reached": agent.goals_reached,
            "bad_messages": self._bad_messages + agent.bad_frames + agent.future_stamps,
            "stalls": agent.claims.stalls,
            "footprint_outside_claim": agent.claims.strays,
            "cells": agent.claims.chain,
            "waiting_for": agent.claims.pending.waiting_for if agent.claims.pending else (),
        }
        if agent.decider.seconds:
            p50, p99 = np.percentile(agent.decider.seconds, [50, 99]) * 1000
            values |= {"decision_p50_ms": round(float(p50), 3), "decision_p99_ms": round(float(p99), 3)}
        if not self.active:
            return WARN, "inactive", values
        if agent.stale:
            return ERROR, "stopped: poses are too old", values
        if not agent.claims.ready(self.clock()):
            return WARN, "waiting until claims of a former life have ended", values
        return OK, "no goal" if agent.goal is None else "driving", values


def main(args: list[str] | None = None) -> None:
    """Run one follower; its namespace names the robot, the parameter ``robot`` its index."""
    run_node(FollowerNode, args)


if __name__ == "__main__":
    main()

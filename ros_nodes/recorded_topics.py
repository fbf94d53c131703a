"""What a recording of each system holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray, PoseStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float32MultiArray, Float64, Int64, String
from trajectory_msgs.msg import JointTrajectory

from pilotfish.ros_nodes.common import LATCHED, SENSOR

MAP_PERIOD = 2.0
"""Between two recorded maps of one robot [s]: they are large."""

EVERYTHING = QoSProfile(depth=100)


@dataclass(frozen=True)
class Topic:
    """A topic to record.

    Attributes:
        name: relative to the recorder's namespace.
        kind: message class.
        qos: to subscribe with.
        period: least time between two messages [s]; the newest of those that come too early is written
            later. None: latched topics are written whole, others at the recorder's rate.
    """

    name: str
    kind: type
    qos: QoSProfile
    period: float | None = None


def fleet_topics(robots: int) -> list[Topic]:
    """A fleet: the map, the truth, goals, commands, figures."""
    topics = [
        Topic("map", OccupancyGrid, LATCHED),
        Topic("poses", PoseArray, SENSOR),
        Topic("overlaps", Int64, LATCHED),
        Topic("goals_reached", Int64, LATCHED),
        Topic("throughput", Float64, SENSOR),
        Topic("/diagnostics", DiagnosticArray, EVERYTHING),
    ]
    for i in range(robots):
        topics += [
            Topic(f"robot_{i}/odom", Odometry, SENSOR),
            Topic(f"robot_{i}/cmd_vel", TwistStamped, SENSOR),
            Topic(f"robot_{i}/goal_pose", PoseStamped, LATCHED),
        ]
    return topics


def exploration_topics(robots: int) -> list[Topic]:
    """An exploring team: the true map once, every robot's map now and then, links, intentions, figures."""
    topics = [
        Topic("true_map", OccupancyGrid, LATCHED),
        Topic("poses", PoseArray, SENSOR),
        Topic("links", Float32MultiArray, SENSOR),
        Topic("/diagnostics", DiagnosticArray, EVERYTHING),
    ]
    for i in range(robots):
        topics += [
            Topic(f"robot_{i}/odom", Odometry, SENSOR),
            Topic(f"robot_{i}/map", OccupancyGrid, LATCHED, MAP_PERIOD),
            Topic(f"robot_{i}/waypoint", PoseStamped, SENSOR),
            Topic(f"robot_{i}/plan", Path, SENSOR),
        ]
    return topics


def manipulation_topics(robots: int) -> list[Topic]:
    """The arm: what its policy sees and what it says, every message; what came of it."""
    return [
        Topic("hand_pose", PoseStamped, SENSOR),
        Topic("joint_states", JointState, SENSOR),
        Topic("things", Float32MultiArray, SENSOR),
        Topic("hand_twist", TwistStamped, EVERYTHING),
        Topic("gripper", JointTrajectory, EVERYTHING),
        Topic("policy/status", String, LATCHED),
        Topic("success", Bool, LATCHED),
        Topic("episode", Int64, LATCHED),
        Topic("/diagnostics", DiagnosticArray, EVERYTHING),
    ]


RECORDED: dict[str, Callable[[int], list[Topic]]] = {
    "fleet": fleet_topics,
    "explore": exploration_topics,
    "manipulate": manipulation_topics,
}
"""System -> its topics, for a number of robots."""


def recorded_topics(system: str, robots: int) -> list[Topic]:
    """The topics of a system. Raises ValueError with the systems there are."""
    if system not in RECORDED:
        raise ValueError(f"nothing is known of recording {system!r}: there are {', '.join(RECORDED)}")
    return RECORDED[system](robots)

"""The ROS parameters of an explorer, and the `ExplorerAgent` that they describe."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from rclpy.node import Node

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import LidarSpec
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.exploration.agent import ExplorerAgent
from pilotfish.policies.exploration.agent_parameters import ExplorerParameters
from pilotfish.policies.exploration.mapping import MapFrame
from pilotfish.policies.exploration.team_talk import TalkParameters
from pilotfish.policies.exploration.warm_up import warm_up
from pilotfish.policies.registry import make_exploration_policy
from pilotfish.ros_nodes.common import parameter


def make_explorer(node: Node, robot: int, epoch: int) -> ExplorerAgent:
    """The explorer of one robot.

    Args:
        robot: its index.
        epoch: when this life of its process began [ns].

    Raises:
        ValueError: a parameter cannot be used; the message names it.
    """
    spec = get_robot(str(parameter(node, "robot_type", "scout")))
    policy = str(parameter(node, "policy", "ir2"))
    warm_up(policy, spec)
    x, y, yaw = _numbers(node, "laser_pose", (0.0, 0.0, 0.0))
    hides = float(parameter(node, "robot_hides", LidarSpec.robot_hides))
    lidar = LidarSpec(float(parameter(node, "laser_range", 8.0)), x, y, yaw, hides)
    return ExplorerAgent(
        robot,
        int(parameter(node, "robots", 1)),
        MapFrame.covering(
            _numbers(node, "map_origin", (-20.0, -20.0)),
            _numbers(node, "map_size", (60.0, 60.0)),
            float(parameter(node, "map_resolution", 0.1)),
        ),
        spec,
        make_exploration_policy(policy),
        seed=int(parameter(node, "seed", 0)),
        epoch=epoch,
        lidar=lidar,
        start_pose=Pose(*_numbers(node, "start_pose", (0.0, 0.0, 0.0))),
        parameters=ExplorerParameters(**_declared(node, ExplorerParameters)),
        talk=TalkParameters(**_declared(node, TalkParameters)),
    )


def _numbers(node: Node, name: str, default: tuple[float, ...]) -> Any:
    values = tuple(float(value) for value in parameter(node, name, list(default)))
    if len(values) != len(default):
        raise ValueError(f"{name} is {len(default)} numbers, got {list(values)}")
    return values


def _declared(node: Node, kind: Any) -> dict[str, Any]:
    """Values of the parameters that are called as the fields of a dataclass are."""
    defaults: dict[str, Any] = {item.name: item.default for item in fields(kind)}
    return {name: type(value)(parameter(node, name, value)) for name, value in defaults.items()}

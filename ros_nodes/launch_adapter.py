"""Turns a plan into what ``ros2 launch`` runs. The only module that imports ROS's launch packages."""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from pilotfish.ros_nodes.plan import NodeSpec, PlanArgument, parse_arguments, system_module


def describe(system: str) -> LaunchDescription:
    """Launch description of a system: its arguments, then the nodes planned from their values."""
    module = system_module(system)

    def start(context: LaunchContext) -> list[Node]:
        words = [
            f"{argument.name}:={LaunchConfiguration(argument.name).perform(context)}"
            for argument in module.ARGUMENTS
        ]
        return [node(spec) for spec in module.plan(**parse_arguments(words, module.ARGUMENTS))]

    return LaunchDescription([*map(declare, module.ARGUMENTS), OpaqueFunction(function=start)])


def declare(argument: PlanArgument) -> DeclareLaunchArgument:
    """The declaration that ``--show-args`` prints and ``ros2 launch`` checks."""
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default_text,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def node(spec: NodeSpec) -> Node:
    """The launch action of one spec."""
    return Node(
        package=spec.package,
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace or None,
        parameters=[*spec.params_files, *([dict(spec.parameters)] if spec.parameters else [])],
        remappings=list(spec.remappings),
        arguments=list(spec.arguments),
        additional_env={"PYTHONUNBUFFERED": "1", **spec.environment},
        respawn=spec.respawn,
        respawn_delay=1.0,
        on_exit=[Shutdown(reason=f"{spec.name} ended")] if spec.required else None,
        output="screen",
    )

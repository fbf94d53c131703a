"""A stand-in for ROS's ``launch`` and ``launch_ros``, which no wheel brings; the real ones where they are.

It holds what ``launch_adapter`` uses and performs a launch description as ``ros2 launch`` does: declared
arguments get their values and choices are checked, opaque functions are called, nodes are collected.
"""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest


class LaunchContext:
    def __init__(self):
        self.launch_configurations = {}


class LaunchDescription:
    def __init__(self, entities):
        self.entities = entities


class DeclareLaunchArgument:
    def __init__(self, name, *, default_value=None, description=None, choices=None):
        self.name, self.default_value, self.description, self.choices = (
            name,
            default_value,
            description,
            choices,
        )


class OpaqueFunction:
    def __init__(self, *, function):
        self.function = function


class Shutdown:
    def __init__(self, *, reason=""):
        self.reason = reason


class LaunchConfiguration:
    def __init__(self, name):
        self.name = name

    def perform(self, context):
        return context.launch_configurations[self.name]


class Node:
    def __init__(self, *, executable, package=None, name=None, namespace=None, parameters=None, **options):
        self.node_executable, self.node_package = executable, package
        self.node_name, self.node_namespace, self.parameters = name, namespace, parameters
        self.options = options


def stand_in() -> dict[str, ModuleType]:
    contents = {
        "launch": {"LaunchContext": LaunchContext, "LaunchDescription": LaunchDescription},
        "launch.actions": {
            "DeclareLaunchArgument": DeclareLaunchArgument,
            "OpaqueFunction": OpaqueFunction,
            "Shutdown": Shutdown,
        },
        "launch.substitutions": {"LaunchConfiguration": LaunchConfiguration},
        "launch_ros": {},
        "launch_ros.actions": {"Node": Node},
    }
    modules = {}
    for name, attributes in contents.items():
        modules[name] = ModuleType(name)
        modules[name].__dict__.update(attributes)
    return modules


def perform_with_stand_in(description, values):
    """(nodes, arguments) of a description, with these values given on the command line."""
    context = LaunchContext()
    arguments = [entity for entity in description.entities if isinstance(entity, DeclareLaunchArgument)]
    for argument in arguments:
        value = values.get(argument.name, argument.default_value)
        if argument.choices and value not in argument.choices:
            raise RuntimeError(f"{argument.name}: {value!r} is not one of {argument.choices}")
        context.launch_configurations[argument.name] = value
    functions = [entity for entity in description.entities if isinstance(entity, OpaqueFunction)]
    return [node for entity in functions for node in entity.function(context)], arguments


def perform_with_real_launch(description, values):
    """The same, through ROS's own classes (no process is started)."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction

    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update(values)
    arguments, nodes = [], []
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument):
            arguments.append(entity)
            entity.visit(context)
        elif isinstance(entity, OpaqueFunction):
            nodes += entity.execute(context)
    return nodes, arguments


@pytest.fixture(params=["stand-in", "real"])
def launch_packages(request, monkeypatch):
    """Makes ``launch`` and ``launch_ros`` importable; has ``perform(description, values)``."""
    monkeypatch.delitem(sys.modules, "pilotfish.ros_nodes.launch_adapter", raising=False)
    if request.param == "stand-in":
        for name, module in stand_in().items():
            monkeypatch.setitem(sys.modules, name, module)
        yield SimpleNamespace(perform=perform_with_stand_in, kind=request.param)
    else:
        try:
            importlib.import_module("launch_ros.actions")
        except ImportError:
            pytest.skip("ROS's launch and launch_ros are not installed here: only the stand-in is tested")
        yield SimpleNamespace(perform=perform_with_real_launch, kind=request.param)
    sys.modules.pop("pilotfish.ros_nodes.launch_adapter", None)

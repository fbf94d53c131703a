"""A team that explores an unknown building: ``ros2 launch pilotfish explore.launch.py --show-args``."""

from pilotfish.ros_nodes.launch_adapter import describe


def generate_launch_description():
    return describe("explore")

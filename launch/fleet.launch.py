"""A fleet of robots that delivers goal after goal: ``ros2 launch pilotfish fleet.launch.py --show-args``."""

from pilotfish.ros_nodes.launch_adapter import describe


def generate_launch_description():
    return describe("fleet")

"""An arm that does a task on its table: ``ros2 launch pilotfish manipulate.launch.py --show-args``."""

from pilotfish.ros_nodes.launch_adapter import describe


def generate_launch_description():
    return describe("manipulate")

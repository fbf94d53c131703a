import pytest


@pytest.fixture
def make_node():
    """``make_node(NodeClass, parameter=value, ...)``: a node, in a ROS context of this test."""
    rclpy = pytest.importorskip("rclpy")
    nodes = []

    def make(kind, **parameters):
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        rclpy.init(args=["--ros-args", *words])
        nodes.append(kind())
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()

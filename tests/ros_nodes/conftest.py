from concurrent.futures import Future
from types import SimpleNamespace
from unittest.mock import MagicMock

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


class Nav2StandIn:
    """Answers like Nav2's action server, when the test says so; it is a goal's handle, too."""

    def __init__(self) -> None:
        self.node = SimpleNamespace(get_logger=lambda: MagicMock())
        self.goals: list[SimpleNamespace] = []
        self.ready = True

    def server_is_ready(self) -> bool:
        return self.ready

    def send_goal_async(self, goal: SimpleNamespace) -> Future:
        goal.answer, goal.result, goal.cancelled, goal.accepted = Future(), Future(), False, True
        goal.get_result_async = lambda: goal.result
        goal.cancel_goal_async = lambda: setattr(goal, "cancelled", True)
        self.goals.append(goal)
        return goal.answer

    def accept(self, goal: SimpleNamespace) -> None:
        goal.answer.set_result(goal)

    def refuse(self, goal: SimpleNamespace) -> None:
        goal.accepted = False
        goal.answer.set_result(goal)

    def finish(self, goal: SimpleNamespace) -> None:
        goal.result.set_result(None)


@pytest.fixture
def nav2(monkeypatch):
    """Stands for nav2_msgs and the action server ``navigate_to_pose``."""
    pytest.importorskip("rclpy")
    from pilotfish.ros_nodes import nav2_driver

    server = Nav2StandIn()
    kind = SimpleNamespace(NavigateToPose=SimpleNamespace(Goal=SimpleNamespace))
    monkeypatch.setattr(nav2_driver, "import_module", lambda name: kind)
    monkeypatch.setattr(nav2_driver, "ActionClient", lambda *args: server)
    return server

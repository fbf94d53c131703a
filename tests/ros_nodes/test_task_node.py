"""What the task node makes of goals and reports that are wrong; its callbacks, without traffic."""

import math

import pytest

pytest.importorskip("rclpy")

from nav_msgs.srv import GetPlan

from pilotfish.ros_nodes.conversions.geometry import pose_stamped
from pilotfish.ros_nodes.task_node import TaskNode

ROWS = ["....@..", "....@..", "....@.."]


@pytest.fixture
def task(make_node, tmp_path):
    """Two robots on a map of two halves that no way connects."""
    path = tmp_path / "halves.map"
    path.write_text(f"type octile\nheight {len(ROWS)}\nwidth {len(ROWS[0])}\nmap\n" + "\n".join(ROWS))
    return make_node(TaskNode, world=path, robots=2)


def halves(task, robot):
    """A cell of the robot's own half other than its start, and one of the other half."""
    start = int(task.scenario.starts[robot])
    left, right = [c for c in range(21) if c % 7 < 4], [c for c in range(21) if c % 7 > 4]
    own, other = (left, right) if start in left else (right, left)
    return next(cell for cell in own if cell != start), other[0]


def at(task, cell):
    return pose_stamped(*task.graph.centre(cell), 1.0)


def test_a_goal_in_another_part_of_the_map_is_refused(task):
    for robot in range(2):
        own, other = halves(task, robot)
        assert task.add_user_goal(robot, at(task, other)) is None
        answer = task._on_go_to(robot, GetPlan.Request(goal=at(task, other)), GetPlan.Response())
        assert answer.plan.poses == []
        assert not task.user_goals[robot] and task.current(robot) == task.stream[robot]
        answer = task._on_go_to(robot, GetPlan.Request(goal=at(task, own)), GetPlan.Response())
        assert len(answer.plan.poses) > 1
        assert task.current(robot) == own


@pytest.mark.parametrize(("frame", "taken"), [("", True), ("map", True), ("odom", False)])
def test_a_goal_is_taken_in_the_map_frame_only(task, frame, taken):
    own, _ = halves(task, 0)
    goal = at(task, own)
    goal.header.frame_id = frame
    assert task.add_user_goal(0, goal) == (own if taken else None)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, 1e300, -3.0])
def test_a_goal_or_a_report_at_no_place_is_ignored(task, x):
    assert task.add_user_goal(0, pose_stamped(x, 0.5, 1.0)) is None
    task._on_reached(0, pose_stamped(x, x, 1.0))
    assert task.reached == 0 and task._last_cell[0] == task.scenario.starts[0]
    task._on_reached(0, at(task, task.stream[0]))
    assert task.reached == 1

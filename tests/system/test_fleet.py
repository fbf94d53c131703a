"""A fleet of live nodes on loopback: goals are reached on topics, whatever messages and processes do."""

import time

import pytest

pytest.importorskip("rclpy")

import rclpy
from geometry_msgs.msg import PoseStamped
from nav_msgs.srv import GetPlan
from std_msgs.msg import Int64

from pilotfish.policies.coordination.faults import FAULTS
from pilotfish.ros_nodes.common import LATCHED
from pilotfish.ros_nodes.conversions.geometry import pose_stamped
from pilotfish.ros_nodes.live_fleet import LiveFleet
from pilotfish.worlds.maps.load import load_map

WORLD = "gen:random?size=12&density=0.1&seed=0"
GRID = load_map(WORLD)


@pytest.fixture
def operator():
    """A node of the test's own."""
    context = rclpy.Context()
    context.init(args=[])
    node = rclpy.create_node("operator", context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    node.spin_until = lambda condition, seconds: _spin(executor, condition, seconds)
    yield node
    node.destroy_node()
    context.try_shutdown()


def _spin(executor, condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        executor.spin_once(timeout_sec=0.05)
    return True


def test_goals_of_the_stream_and_of_users_are_reached(operator):
    with LiveFleet(WORLD, 4, policy="planner_pibt") as fleet:
        counts: list[int] = []
        goals: list[PoseStamped] = []
        reached: list[PoseStamped] = []
        operator.create_subscription(Int64, "goals_reached", lambda m: counts.append(m.data), LATCHED)
        operator.create_subscription(PoseStamped, "robot_1/goal_pose", goals.append, LATCHED)
        operator.create_subscription(PoseStamped, "robot_1/reached", reached.append, 10)
        wish = operator.create_publisher(PoseStamped, "robot_1/user_goal", 10)
        service = operator.create_client(GetPlan, "robot_1/go_to")
        assert operator.spin_until(lambda: counts and goals, 20.0)
        assert service.wait_for_service(20.0)

        def near(messages: list[PoseStamped], cell: int) -> bool:
            x, y = GRID.cell_centre(cell).tolist()
            return any((m.pose.position.x, m.pose.position.y) == pytest.approx((x, y)) for m in messages)

        by_topic, by_service = int(GRID.free_cells[3]), int(GRID.free_cells[-3])
        wish.publish(pose_stamped(*GRID.cell_centre(by_topic).tolist(), 0.0))
        assert operator.spin_until(lambda: near(goals, by_topic), 20.0)
        request = GetPlan.Request(goal=pose_stamped(*GRID.cell_centre(by_service).tolist(), 0.0))
        answer = service.call_async(request)
        assert operator.spin_until(answer.done, 20.0)
        assert near(answer.result().plan.poses, by_service)
        refused = service.call_async(GetPlan.Request(goal=pose_stamped(-5.0, -5.0, 0.0)))
        assert operator.spin_until(refused.done, 20.0)
        assert refused.result().plan.poses == []
        # First come, first served; then the stream goes on.
        assert operator.spin_until(lambda: near(reached, by_topic), 90.0)
        assert operator.spin_until(lambda: near(reached, by_service), 90.0)
        assert operator.spin_until(lambda: counts[-1] >= 2, 90.0)
        assert fleet.status.overlaps == 0


def test_late_lost_messages_a_killed_and_a_frozen_process_cost_time_but_no_collision():
    with LiveFleet(WORLD, 6, FAULTS["delay+loss"], seed=1, policy="planner_pibt", processes=3) as fleet:
        result = fleet.run(20.0)
        print(f"delay 500 ms and 20 % loss: {result.throughput:.2f} goals/s")
        assert result.overlaps == 0
        assert result.goals >= 1

        victim = fleet.hosts[0]  # robots 0 and 1
        fleet.system.kill(victim)
        before, start = fleet.goals, fleet.status.clock
        fleet.wait_for(lambda: fleet.status.clock > start + 8.0, 60.0, "8 s of the fleet's time")
        fleet.system.restart(victim)

        def robot_0() -> tuple[str, dict[str, str]]:
            return fleet.status.statuses["robot_0: follower"]

        fleet.wait_for(lambda: "former life" in robot_0()[0], 60.0, "robot 0 to wait for its claims to end")
        fleet.wait_for(lambda: int(robot_0()[1]["goals_reached"]) > 0, 120.0, "robot 0 to reach a goal")
        assert fleet.goals > before
        assert fleet.status.overlaps == 0

        fleet.freeze(fleet.hosts[1], True)
        start = fleet.status.clock
        fleet.wait_for(lambda: fleet.status.clock > start + 4.0, 60.0, "4 s of the fleet's time")
        fleet.freeze(fleet.hosts[1], False)
        before, start = fleet.goals, fleet.status.clock
        fleet.wait_for(lambda: fleet.goals > before and fleet.status.clock > start + 5.0, 120.0, "more goals")
        assert fleet.status.overlaps == 0

"""Hands out goals: an endless stream for every robot, and what users want in between.

For each robot it publishes ``robot_i/goal_pose`` (latched, so that a robot that restarts gets it again)
and listens to ``robot_i/reached``. A user sends a pose to ``robot_i/user_goal``, or calls the service
``robot_i/go_to`` (nav_msgs/GetPlan: ``goal`` is where to go; the answer holds the shortest path from the
robot's last goal, or nothing if the goal is refused). A goal is refused where its robot cannot get to, and
in any frame but the map's. User goals come first, in order; then the stream goes on. The service
``pause_tasks`` (std_srvs/SetBool) stops the stream. ``goals_reached`` counts, ``throughput`` is goals a
second since the first robot reached one.

Nothing is kept on disk: a task node that is restarted starts its streams and counts anew, without the user
goals of its former life.
"""

from __future__ import annotations

from collections import deque

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from nav_msgs.srv import GetPlan
from rclpy.node import Node
from std_msgs.msg import Float64, Int64
from std_srvs.srv import SetBool

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.ros_nodes.common import (
    LATCHED,
    OK,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    seconds_now,
    subscribe,
)
from pilotfish.ros_nodes.conversions.geometry import MAP_FRAME, in_map_frame, pose_stamped
from pilotfish.worlds.grid.scenario import Scenario, connected_components
from pilotfish.worlds.maps.load import load_map


class TaskNode(Node):
    """Goals for a fleet."""

    def __init__(self) -> None:
        super().__init__("task")
        grid = load_map(str(parameter(self, "world", "")))
        n = int(parameter(self, "robots", 1))
        self.graph = CellGraph(grid)
        self.scenario = Scenario(grid, n, int(parameter(self, "seed", 0)))
        self.stream = [int(goal) for goal in self.scenario.first_goals]
        """The goal of the stream that each robot has not reached yet."""
        self.user_goals: list[deque[int]] = [deque() for _ in range(n)]
        self.reached = 0
        self.paused = False
        self._component = connected_components(grid)
        self._last_cell = [int(start) for start in self.scenario.starts]
        self._started: float | None = None
        self._goals = [publish(self, PoseStamped, f"robot_{i}/goal_pose", LATCHED) for i in range(n)]
        self._count = publish(self, Int64, "goals_reached", LATCHED)
        self._throughput = publish(self, Float64, "throughput", 10)
        for i in range(n):
            subscribe(self, PoseStamped, f"robot_{i}/reached", lambda m, i=i: self._on_reached(i, m), 10)
            subscribe(self, PoseStamped, f"robot_{i}/user_goal", lambda m, i=i: self.add_user_goal(i, m), 10)
            self.create_service(GetPlan, f"robot_{i}/go_to", lambda q, a, i=i: self._on_go_to(i, q, a))
        self.create_service(SetBool, "pause_tasks", self._on_pause)
        self.create_timer(1.0, self._publish_count)
        Diagnostics(self, "task: goals", self._status)
        for robot in range(n):
            self._send(robot)

    def current(self, robot: int) -> int | None:
        """The cell that a robot is sent to, None for a paused one."""
        if self.user_goals[robot]:
            return self.user_goals[robot][0]
        return None if self.paused else self.stream[robot]

    def add_user_goal(self, robot: int, goal: PoseStamped) -> int | None:
        """Queue a goal; its cell, or None (and a warning) if it is refused."""
        x, y = goal.pose.position.x, goal.pose.position.y
        cell = int(self.graph.grid.cell_at((x, y)))
        refusal = ""
        if not in_map_frame(goal):
            refusal = f"is in frame {goal.header.frame_id!r}, not in {MAP_FRAME!r}"
        elif not self.graph.is_free(cell):
            refusal = "is not in a free cell"
        elif self._component[cell] != self._component[self.scenario.starts[robot]]:
            refusal = "is in a part of the map that the robot cannot get to"
        if refusal:
            self.get_logger().warning(f"goal ({x:.2f}, {y:.2f}) for robot_{robot} {refusal}")
            return None
        self.user_goals[robot].append(cell)
        self._send(robot)
        return cell

    def _send(self, robot: int) -> None:
        cell = self.current(robot)
        if cell is not None:
            self._goals[robot].publish(pose_stamped(*self.graph.centre(cell), seconds_now(self)))

    def _on_reached(self, robot: int, message: PoseStamped) -> None:
        cell = int(self.graph.grid.cell_at((message.pose.position.x, message.pose.position.y)))
        if cell < 0:
            return
        self._last_cell[robot] = cell
        if self.user_goals[robot] and cell == self.user_goals[robot][0]:
            self.user_goals[robot].popleft()
        elif not self.user_goals[robot] and not self.paused and cell == self.stream[robot]:
            self.stream[robot] = self.scenario.next_goal(robot)
            self.reached += 1
            self._started = self._started or seconds_now(self)
            self._count.publish(Int64(data=self.reached))
        self._send(robot)  # also where it reports an old goal: it has missed the new one

    def _on_go_to(self, robot: int, request: GetPlan.Request, response: GetPlan.Response) -> GetPlan.Response:
        cell = self.add_user_goal(robot, request.goal)
        if cell is not None:
            now = seconds_now(self)
            cells = self.graph.shortest_path(self._last_cell[robot], cell)
            response.plan = Path(poses=[pose_stamped(*self.graph.centre(c), now) for c in cells])
            response.plan.header.frame_id = MAP_FRAME
        return response

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.paused = request.data
        if not self.paused:
            for robot in range(len(self.stream)):
                self._send(robot)
        response.success = True
        response.message = "paused: robots stop at their goals" if self.paused else "running"
        return response

    def _rate(self) -> float:
        elapsed = 0.0 if self._started is None else seconds_now(self) - self._started
        return (self.reached - 1) / elapsed if elapsed > 0 else 0.0

    def _publish_count(self) -> None:
        self._count.publish(Int64(data=self.reached))
        self._throughput.publish(Float64(data=self._rate()))

    def _status(self) -> Status:
        waiting = sum(map(len, self.user_goals))
        values = {"goals_reached": self.reached, "throughput": round(self._rate(), 3), "user_goals": waiting}
        return OK, "paused" if self.paused else "running", values


def main(args: list[str] | None = None) -> None:
    """Run the task node."""
    run_node(TaskNode, args)


if __name__ == "__main__":
    main()

"""A whole fleet in one process and in simulated time: agents, a bad radio, failing processes, goals.

The same agents as in the ROS 2 nodes, without ROS: many seeds in little time. What is injected and what
is counted is the same as in the trial with live processes (`pilotfish.ros_nodes.fleet_trial`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.limits import VelocityLimiter
from pilotfish.hardware.robots import RobotSpec, get_robot
from pilotfish.policies.coordination.agent import AgentParameters, FleetAgent, claim_parameters
from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.faults import Faults
from pilotfish.policies.coordination.radio import Radio
from pilotfish.policies.fleet import FleetPolicy
from pilotfish.worlds.fleet_view import robots_in_view
from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.grid.kinematic import KinematicFleetWorld
from pilotfish.worlds.grid.scenario import Scenario
from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class TrialResult:
    """What a trial measured.

    Attributes:
        seconds: simulated, from the time when the first robot may move.
        goals: reached in that time by the whole fleet.
        throughput: goals a second.
        overlaps: footprint overlaps that began, see `FleetWorld.overlaps`.
        double_claims: ticks at which a cell was held by two robots.
        strays: robot ticks with the footprint outside of the claimed chain.
        cpu_ms: processor time of one agent for one second of its life [ms].
        real_time_factor: simulated seconds for each second of wall time.
    """

    seconds: float
    goals: int
    throughput: float
    overlaps: int
    double_claims: int
    strays: int
    cpu_ms: float
    real_time_factor: float


class FleetTrial:
    """N robots on a map.

    Args:
        grid: the map.
        n_robots: how many.
        make_policy: called for every robot, and again when its process restarts.
        seed: of starts, goals, radio and faults.
        faults: what goes wrong.
        spec: the robot; "carrier" if None.
        world: who moves them; discs without physics if None.
        tick: between two control ticks of a robot, and of the world [s].
    """

    def __init__(
        self,
        grid: GridMap,
        n_robots: int,
        make_policy: Callable[[], FleetPolicy],
        seed: int,
        faults: Faults | None = None,
        spec: RobotSpec | None = None,
        parameters: AgentParameters | None = None,
        world: FleetWorld | None = None,
        tick: float = 0.05,
    ) -> None:
        self.grid = grid
        self.n_robots = n_robots
        self.faults = faults or Faults("none")
        self.spec = spec or get_robot("carrier")
        self.parameters = parameters or AgentParameters()
        self.tick = tick
        self.now = 0.0
        self.graph = CellGraph(grid)
        self.scenario = Scenario(grid, n_robots, seed)
        self.world = world or KinematicFleetWorld(grid, self.scenario.starts, self.spec.radius)
        self.poses = self.world.reset(seed)
        self.agents: list[FleetAgent | None] = []
        self.goals = [int(goal) for goal in self.scenario.first_goals]
        self.goals_reached = 0
        self.double_claims = 0
        self._make_policy = make_policy
        self._seed = seed
        self._rng = np.random.default_rng([seed, 1])
        self._radio = Radio(n_robots, self.faults.radio, seed)
        self._wheels = [VelocityLimiter(self.spec) for _ in range(n_robots)]
        self._pictures = [(0.0, self.poses, robots_in_view(grid, self.poses))]
        self._lives = 0
        self._schedule = self.faults.schedule(n_robots, seed)
        self._stopped_until = np.zeros(n_robots)
        self._strays = 0
        self._agent_seconds = 0.0
        self.agents = [self._start(robot) for robot in range(n_robots)]

    def run(self, seconds: float) -> TrialResult:
        """Let the fleet work for so many seconds, after the time that claims need to start."""
        warm_up = claim_parameters(self.spec, self.parameters.margin).lease
        end = self.now + seconds + (warm_up if self.now == 0.0 else 0.0)
        goals, started = self.goals_reached, self.now
        wall, cpu = time.perf_counter(), time.process_time()
        while self.now < end - 1e-9:
            self.step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        goals = self.goals_reached - goals
        return TrialResult(
            seconds=seconds,
            goals=goals,
            throughput=goals / seconds,
            overlaps=self.world.overlaps(),
            double_claims=self.double_claims,
            strays=self._strays + sum(a.claims.strays for a in self.agents if a),
            cpu_ms=1000 * cpu / ((self.now - started) * self.n_robots),
            real_time_factor=(self.now - started) / wall,
        )

    def step(self) -> None:
        """One tick of the world and of every agent that is alive, in random order."""
        self._inject()
        velocity = np.zeros((self.n_robots, 2))
        for robot, wheels in enumerate(self._wheels):
            sent = wheels.output(self.now)
            velocity[robot] = sent.forward, sent.turn
        self.poses = self.world.step(velocity, self.tick)
        self.now += self.tick
        picture = (self.now, self.poses, robots_in_view(self.grid, self.poses))
        self._pictures = [*self._pictures[-2:], picture]
        for robot, frames in self._radio.deliver(self.now).items():
            if self._running(robot):
                for frame in frames:
                    self.agents[robot].hear(frame, self.now)
        for robot in self._rng.permutation(self.n_robots).tolist():
            if self._running(robot) and self._rng.random() > 0.05:  # nobody's timer is exact
                self._tick_agent(robot, self.agents[robot])
        self._check_claims()

    def _running(self, robot: int) -> bool:
        return self.agents[robot] is not None and self.now >= self._stopped_until[robot]

    def _tick_agent(self, robot: int, agent: FleetAgent) -> None:
        stamp, poses, views = self._pictures[self._rng.integers(len(self._pictures))]
        x, y, yaw = poses[robot].tolist()
        agent.see_pose(Pose(x, y, yaw), stamp, self.now)
        agent.see_others(views[robot], stamp, self.now)
        output = agent.tick(self.now)
        if output.reached is not None:
            self.goals_reached += 1
            self.goals[robot] = self.scenario.next_goal(robot)
            agent.set_goal(self.goals[robot])
        if output.frame is not None:
            self._radio.send(robot, output.frame, self.poses[:, :2], self.now)
        self._wheels[robot].command(output.velocity, self.now)

    def _start(self, robot: int) -> FleetAgent:
        self._lives += 1
        agent = FleetAgent(
            robot,
            self.graph,
            self.spec,
            self._make_policy(),
            seed=self._seed * 10_007 + self._lives,
            epoch=self._lives * 1_000_000_000,
            parameters=self.parameters,
        )
        agent.set_goal(self.goals[robot])
        return agent

    def _inject(self) -> None:
        """Freeze or kill the robots whose time has come, restart the killed."""
        while self._schedule and self._schedule[0][0] <= self.now:
            _, robot = self._schedule.pop(0)
            self._stopped_until[robot] = self.now + self.faults.down_for
            if self.faults.kill and self.agents[robot] is not None:
                self._strays += self.agents[robot].claims.strays
                self.agents[robot] = None
        for robot, agent in enumerate(self.agents):
            if agent is None and self.now >= self._stopped_until[robot]:
                self.agents[robot] = self._start(robot)

    def _check_claims(self) -> None:
        held: set[int] = set()
        for agent in self.agents:
            if agent is None:
                continue
            mine = agent.claims.touched.union(agent.claims.chain)
            if not held.isdisjoint(mine):
                self.double_claims += 1
            held |= mine

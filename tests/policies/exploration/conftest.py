import math

import numpy as np
import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import Scan
from pilotfish.hardware.limits import VelocityLimiter
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.exploration.agent import ExplorerAgent
from pilotfish.policies.exploration.blocks import FREE
from pilotfish.policies.exploration.mapping import MapFrame
from pilotfish.policies.registry import make_exploration_policy
from pilotfish.worlds.grid.solid import SolidFleetWorld
from pilotfish.worlds.laser_world import Laser
from pilotfish.worlds.maps.grid_map import GridMap

SPEC = get_robot("scout")
TICK = 0.05


def flat() -> GridMap:
    """Three rooms in a row of 4 x 5 m with doors of 1.2 m, in walls of 0.2 m; cells of 0.1 m."""
    walls = np.ones((54, 130), bool)
    for left in (2, 44, 86):
        walls[2:52, left : left + 40] = False
    walls[20:32, 42:44] = False
    walls[30:42, 84:86] = False
    return GridMap("flat", walls, resolution=0.1)


class Team:
    """Explorers in a simulated flat, with a radio that a test can cut."""

    def __init__(self, robots: int, policy: str = "hungarian", link=lambda a, b: True, **options) -> None:
        self.grid = flat()
        self.frame = MapFrame.covering((-0.5, -0.5), (14.0, 6.4), 0.1)
        starts = [20 * 130 + 8 + 8 * robot for robot in range(robots)]
        self.world = SolidFleetWorld(self.grid, np.array(starts), SPEC.radius, Laser())
        self.poses = self.world.reset(0)
        self.robots, self.policy, self.link, self.options = robots, policy, link, options
        self.agents = [self.make(robot) for robot in range(robots)]
        self.wheels = [VelocityLimiter(SPEC) for _ in range(robots)]
        self.now, self.ticks = 100.0, 0
        self.air: list[tuple[float, int, bytes]] = []  # due, receiver, frame
        self.delay = lambda: 0.0

    def make(self, robot: int, epoch: int = 1) -> ExplorerAgent:
        policy = make_exploration_policy(self.policy)
        return ExplorerAgent(
            robot, self.robots, self.frame, SPEC, policy, seed=0, epoch=epoch, **self.options
        )

    def see(self, robot: int) -> None:
        """Odometry and a scan for one robot."""
        laser = self.world.laser
        agent, ranges = self.agents[robot], self.world.scan()[robot]
        agent.see_odometry(Pose(*self.poses[robot]), self.now, self.now)
        scan = Scan(ranges, float(laser.angles[0]), laser.increment, 0.02, laser.reach, self.now)
        agent.see_scan(scan, self.now)

    def step(self) -> None:
        velocity = np.zeros((self.robots, 2))
        arrived = [item for item in self.air if item[0] <= self.now]
        self.air = [item for item in self.air if item[0] > self.now]
        for _, receiver, frame in arrived:
            self.agents[receiver].hear(frame, self.now)
        for robot, agent in enumerate(self.agents):
            if self.ticks % 2 == 0:
                self.see(robot)
            else:
                agent.see_odometry(Pose(*self.poses[robot]), self.now, self.now)
            output = agent.tick(self.now)
            self.wheels[robot].command(output.velocity, self.now)
            sent = self.wheels[robot].output(self.now)
            velocity[robot] = sent.forward, sent.turn
            for other in range(self.robots):
                if other != robot:
                    for frame in output.frames:
                        if self.link(robot, other):
                            self.air.append((self.now + TICK + self.delay(), other, frame))
        self.poses = self.world.step(velocity, TICK)
        self.now += TICK
        self.ticks += 1

    def run(self, seconds: float, until=lambda: False) -> bool:
        for _ in range(round(seconds / TICK)):
            self.step()
            if until():
                return True
        return False

    def known(self, robot: int) -> float:
        """Share of the flat's free space in a robot's map."""
        rows, cols = np.nonzero(~self.grid.walls)
        xy = self.grid.cell_centre(rows * self.grid.width + cols)
        pixels = np.rint(self.frame.to_pixels(xy)).astype(int)
        return float((self.agents[robot].belief.pixels[pixels[:, 0], pixels[:, 1]] == FREE).mean())


@pytest.fixture
def make_team():
    return Team


@pytest.fixture
def check_counts():
    """``check_counts(belief)``: the counts of a belief are those of its pixels."""

    def check(belief) -> None:
        blocks = belief.pixels.reshape(belief.known.shape[0], 4, belief.known.shape[1], 4)
        assert np.array_equal((blocks != 0).sum(axis=(1, 3)), belief.known)
        assert np.array_equal((blocks == FREE).sum(axis=(1, 3)), belief.free[belief.me])

    return check


@pytest.fixture
def box_scan():
    """``box_scan(half, stamp, rays)``: what a laser sees in the middle of a square room [m]."""

    def scan(half: float, stamp: float = 0.0, rays: int = 360) -> Scan:
        angles = -math.pi + 2 * math.pi / rays * np.arange(rays)
        ranges = half / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
        return Scan(ranges.astype(np.float32), -math.pi, 2 * math.pi / rays, 0.02, 8.0, stamp)

    return scan

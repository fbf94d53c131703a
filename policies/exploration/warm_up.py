"""Loads the compiled functions of an explorer, which takes a second or two, before its robot needs them."""

from __future__ import annotations

import math

import numpy as np

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import Scan
from pilotfish.hardware.robots import RobotSpec
from pilotfish.policies.exploration.agent import ExplorerAgent
from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.exploration.mapping import MapFrame


def warm_up(policies: tuple[ExplorationPolicy, ExplorationPolicy], spec: RobotSpec) -> None:
    """Let a team of two look and decide on a map of 6 m that is thrown away.

    Args:
        policies: of the kind that will be used; whoever uses them later resets them.
        spec: of the robots.
    """
    frame = MapFrame.covering((0.0, 0.0), (6.0, 6.0), 0.1)
    team = [
        ExplorerAgent(robot, 2, frame, spec, policy, seed=0, epoch=1) for robot, policy in enumerate(policies)
    ]
    ranges = np.full(90, 2.0, np.float32)
    for step in range(60):
        now = 1.0 + 0.05 * step
        for agent in team:
            agent.see_odometry(Pose(3.0, 3.0, 0.0), now, now)
            agent.see_scan(Scan(ranges, -math.pi, math.pi / 45, 0.02, 8.0, now), now)
            for frame_bytes in agent.tick(now).frames:
                team[1 - agent.robot].hear(frame_bytes, now)
    team[0].obstructions.add(30.0, 30.0, 2.0, now)

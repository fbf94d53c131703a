"""Loads the compiled functions of an explorer, which takes a second or two, before its robot needs them."""

from __future__ import annotations

import math

import numpy as np

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import Scan
from pilotfish.hardware.robots import RobotSpec
from pilotfish.policies.exploration.agent import ExplorerAgent
from pilotfish.policies.exploration.mapping import MapFrame
from pilotfish.policies.registry import make_exploration_policy


def warm_up(policy: str, spec: RobotSpec) -> None:
    """Let a team of two look and decide on a map of 6 m that is thrown away.

    Args:
        policy: name of the one that will be used.
        spec: of the robots.

    Raises:
        ValueError: as ``make_exploration_policy``.
    """
    frame = MapFrame.covering((0.0, 0.0), (6.0, 6.0), 0.1)
    team = [
        ExplorerAgent(robot, 2, frame, spec, make_exploration_policy(policy), seed=0, epoch=1)
        for robot in range(2)
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

"""A scripted demonstrator: follows a task's waypoints with a hand that shakes a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.arm import STEP, TURN, WIDEST
from pilotfish.worlds.manipulation.task import ArmTask, Waypoint

PATIENCE = 12
"""Steps after which a waypoint that was not reached is given up and the next one tried."""


class Expert:
    """Leads a task's hand along one strategy; knows nothing of whether it works.

    Args:
        task: just reset.
        strategy: one of the task's.
        shake: standard deviation of the actions' noise, in units of the action.
        seed: of the noise.
    """

    def __init__(self, task: ArmTask, strategy: str, shake: float = 0.06, seed: int = 0) -> None:
        if strategy not in task.STRATEGIES:
            raise ValueError(f"{task.NAME} has no strategy {strategy!r}: choose one of {task.STRATEGIES}")
        self.task, self.shake = task, shake
        self.random = np.random.default_rng(seed)
        self.left: list[Waypoint] = task.waypoints(strategy)
        self._age = self._waited = 0

    def act(self) -> NDArray[np.float32]:
        """The next action, float32 [A] in [-1, 1]."""
        hand = self.task.arm.hand()
        target = self.left[0]
        way = np.array(target.position) - hand.position
        turn = (target.yaw - hand.yaw + np.pi / 2) % np.pi - np.pi / 2
        values = dict(zip(("dx", "dy", "dz"), way / STEP, strict=True))
        values["dyaw"] = turn / TURN
        values["width"] = 2 * target.width / WIDEST - 1
        action = np.array([values[name] for name in self.task.ACTIONS])
        steer = np.array([name != "width" for name in self.task.ACTIONS])
        longest = np.abs(action[steer]).max()
        action[steer] /= max(1.0, longest)  # keeps the direction
        action[steer] += self.shake * self.random.normal(size=int(steer.sum()))
        self._count(bool(np.linalg.norm(way) < target.tolerance and abs(turn) < 0.15))
        return np.clip(action, -1, 1).astype(np.float32)

    def _count(self, arrived: bool) -> None:
        """Go on to the next waypoint when this one is reached, and waited at, or has taken too long."""
        self._age += 1
        self._waited += arrived
        done = arrived and self._waited > self.left[0].wait
        if len(self.left) > 1 and (done or self._age > PATIENCE):
            del self.left[0]
            self._age = self._waited = 0

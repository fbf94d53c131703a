"""The simulated table as a recording saw it, for pictures: joints and things are put where they were."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pybullet
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.task import AWAY, ArmTask
from pilotfish.worlds.manipulation.tasks.push import Push
from pilotfish.worlds.registry import make_task, task_class
from pilotfish.worlds.render.arm_trajectory import ArmTrajectory

BODIES: dict[str, dict[str, str]] = {
    "push": {"bar": "bar", "goal": "mark"},
    "pick_place": {"bar": "bar", "goal": "platform"},
    "stack": {"cube": "cube", "plate": "plate", "ramp": "ramp"},
    "detour": {"target": "target", "wall": "wall", "block": "block"},
}
"""Task -> what a thing is called in ``ENVIRONMENT_NAMES`` -> the task's attribute that holds its body."""


class ArmScene:
    """Draws rows of a trajectory in the world of its task.

    What is not recorded (how a cube tilts that slides off) stays as it is at the start of an episode.

    Args:
        trajectory: one that it ``knows``, with joints.
    """

    def __init__(self, trajectory: ArmTrajectory) -> None:
        self._trajectory = trajectory
        self._task = make_task(trajectory.task)
        self._task.reset(seed=0)  # lays out everything, at the right height and slope
        client, body = self._task.client, self._task.arm.body
        numbers = {client.getJointInfo(body, k)[1].decode(): k for k in range(client.getNumJoints(body))}
        self._columns = {numbers[name]: k for k, name in enumerate(trajectory.joint_names) if name in numbers}
        self._drawn: tuple[tuple[int, int, int], NDArray[np.uint8]] | None = None

    @staticmethod
    def knows(trajectory: ArmTrajectory) -> bool:
        """Whether the things of its task were recorded, under the names that the task has now."""
        task = trajectory.task
        return task in BODIES and trajectory.thing_names == task_class(task).ENVIRONMENT_NAMES

    def picture(self, row: int, height: int, width: int) -> NDArray[np.uint8]:
        """Row ``row`` of the trajectory through the task's camera: uint8 [height, width, 3]."""
        wanted = (row, height, width)
        if self._drawn is None or self._drawn[0] != wanted:  # a film shows a row several times
            for joint, column in self._columns.items():
                angle = float(self._trajectory.joints[row, column])
                self._task.client.resetJointState(self._task.arm.body, joint, angle)
            values = dict(
                zip(self._trajectory.thing_names, self._trajectory.things[row].tolist(), strict=True)
            )
            _lay(self._task, values)
            self._drawn = wanted, self._task.picture(height, width)
        return self._drawn[1]

    def close(self) -> None:
        """Free the physics."""
        self._task.close()


def _lay(task: ArmTask, values: Mapping[str, float]) -> None:
    """Put a task's bodies where ``ENVIRONMENT_NAMES`` -> value says they are."""
    for thing, attribute in BODIES[task.NAME].items():
        body = getattr(task, attribute)
        if isinstance(task, Push) and thing == "bar":
            body = _loaded_bar(task, values)
        (_, _, z), orientation = task.client.getBasePositionAndOrientation(body)
        if thing == "bar":
            orientation = pybullet.getQuaternionFromEuler((0.0, 0.0, _yaw(values)))
        place = (values[f"{thing}_x"], values[f"{thing}_y"], values.get(f"{thing}_z", z))
        task.client.resetBasePositionAndOrientation(body, place, orientation)


def _yaw(values: Mapping[str, float]) -> float:
    """Of the bar [rad]; half a turn is not told from none where the bar looks the same."""
    if "sin_2yaw" in values:
        return float(np.arctan2(values["sin_2yaw"], values["cos_2yaw"])) / 2
    return float(np.arctan2(values["sin_yaw"], values["cos_yaw"]))


def _loaded_bar(task: Push, values: Mapping[str, float]) -> int:
    """The one of push's two bars that is loaded where the recorded one is; the other is put away."""
    yaw = _yaw(values)
    across = (values["load_y"] - values["bar_y"]) * np.cos(yaw) - (
        values["load_x"] - values["bar_x"]
    ) * np.sin(yaw)
    side = 1.0 if across > 0 else -1.0
    task.client.resetBasePositionAndOrientation(task.bars[-side], (AWAY, -side, 0.025), (0, 0, 0, 1))
    return task.bars[side]

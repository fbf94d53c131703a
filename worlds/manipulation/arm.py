"""A Franka Panda on a table in PyBullet: Cartesian steps of its hand in, hand pose and finger width out.

The frame is the table's: x away from the robot's base, y to its left, z up [m]; z = 0 is the table top. The
hand always points down; its yaw turns about z [rad].
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pybullet
import pybullet_data
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

BASE = (-0.6, 0.0, 0.0)
"""Where the arm is mounted [m]."""
CONTROL_RATE = 10.0
"""Actions a second."""
SUBSTEPS = 24
"""Physics steps an action, of 1/240 s."""
STEP = 0.05
"""Way of the hand that an action of 1 asks for [m]."""
TURN = 0.4
"""Turn of the hand that an action of 1 asks for [rad]."""
WIDEST = 0.08
"""Between the open fingers [m]."""
LOW, HIGH = np.array([-0.3, -0.35, 0.015]), np.array([0.3, 0.35, 0.4])
"""Corners of the box that the hand is kept in [m]."""

_HAND, _FINGERS = 11, (9, 10)
_REST = (0.0, 0.3, 0.0, -2.1, 0.0, 2.4, 0.79)
_FORCES = (87.0, 87.0, 87.0, 87.0, 12.0, 120.0, 120.0)
_FINGER_FORCE = 60.0


class QuietClient(BulletClient):
    """Physics without a window; the plain client prints its empty options."""

    def __init__(self) -> None:
        self._shapes: dict = {}
        self._pid = os.getpid()
        self._client = pybullet.connect(pybullet.DIRECT)


@dataclass(frozen=True)
class Hand:
    """State of the hand.

    Attributes:
        position: of the point between the finger tips, float64 [3] [m, table frame].
        yaw: about z [rad], in (-pi, pi].
        width: between the fingers [m].
    """

    position: NDArray[np.float64]
    yaw: float
    width: float


class PandaArm:
    """The simulated arm.

    Args:
        client: physics that the arm is put into.
    """

    def __init__(self, client: BulletClient) -> None:
        self.client = client
        client.setAdditionalSearchPath(pybullet_data.getDataPath())
        self.body = client.loadURDF("franka_panda/panda.urdf", BASE, useFixedBase=True)
        self.joint_names = [
            client.getJointInfo(self.body, joint)[1].decode() for joint in (*range(7), *_FINGERS)
        ]
        for finger in _FINGERS:
            client.changeDynamics(self.body, finger, lateralFriction=1.5, spinningFriction=0.01)

    def place(self, position: NDArray[np.float64], yaw: float, width: float) -> None:
        """Put the hand somewhere, at rest."""
        for joint, angle in enumerate(_REST):
            self.client.resetJointState(self.body, joint, angle)
        for _ in range(20):  # the solver starts from the present joints, so it closes in
            for joint, angle in enumerate(self._joints(position, yaw)):
                self.client.resetJointState(self.body, joint, angle)
        for finger in _FINGERS:
            self.client.resetJointState(self.body, finger, width / 2)
        self._command(self._joints(position, yaw), width)

    def hand(self) -> Hand:
        """Where the hand is now."""
        position, orientation = self.client.getLinkState(self.body, _HAND, computeForwardKinematics=True)[:2]
        yaw = float(self.client.getEulerFromQuaternion(orientation)[2])
        width = sum(self.client.getJointState(self.body, finger)[0] for finger in _FINGERS)
        return Hand(np.array(position), yaw, width)

    def joints(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions and velocities of ``joint_names``: arm [rad, rad/s], fingers [m, m/s]; float64 [9]."""
        states = self.client.getJointStates(self.body, (*range(7), *_FINGERS))
        return np.array([state[0] for state in states]), np.array([state[1] for state in states])

    def move(self, step: NDArray[np.float64], turn: float, width: float) -> None:
        """Ask for a step [m] and a turn [rad] from where the hand is, and a finger width [m]."""
        hand = self.hand()
        self._command(self._joints(np.clip(hand.position + step, LOW, HIGH), hand.yaw + turn), width)

    def _joints(self, position: NDArray[np.float64], yaw: float) -> tuple[float, ...]:
        orientation = pybullet.getQuaternionFromEuler((np.pi, 0.0, yaw))
        return self.client.calculateInverseKinematics(self.body, _HAND, position, orientation)[:7]

    def _command(self, joints: tuple[float, ...], width: float) -> None:
        self.client.setJointMotorControlArray(
            self.body, range(7), pybullet.POSITION_CONTROL, targetPositions=joints, forces=_FORCES
        )
        self.close_to(width)

    def close_to(self, width: float) -> None:
        """Ask the fingers for a width [m]."""
        self.client.setJointMotorControlArray(
            self.body,
            _FINGERS,
            pybullet.POSITION_CONTROL,
            targetPositions=[width / 2] * 2,
            forces=[_FINGER_FORCE] * 2,
        )

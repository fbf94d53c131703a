"""Bodies of the simulated fleet robots: a round differential drive made in code, no URDF, no mesh.

Each ``drive`` is a class with the same four methods, so the world does not care which it holds:
``WheelDrive`` rolls on two motorised wheels and two casters, ``PlanarDrive`` pushes a gliding
cylinder with bounded acceleration (cheaper, no slip, no tilt).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pybullet as p
from numpy.typing import NDArray


@dataclass(frozen=True)
class RobotShape:
    """Sizes of one robot, all from the radius of its body.

    Attributes:
        radius: of the body [m].
        mass: of the whole robot [kg].
        max_acceleration: what the motors can do on a straight line [m/s^2].
    """

    radius: float
    mass: float = 20.0
    max_acceleration: float = 3.0

    @property
    def body_height(self) -> float:
        """[m]"""
        return 0.55 * self.radius

    @property
    def wheel_radius(self) -> float:
        """[m]"""
        return 0.26 * self.radius

    @property
    def track(self) -> float:
        """Distance between the wheels [m]."""
        return 1.3 * self.radius

    @property
    def body_centre_height(self) -> float:
        """Height of the body's centre above the floor [m]."""
        return 0.2 * self.radius + self.body_height / 2

    @property
    def wheel_torque(self) -> float:
        """Limit of each of the two wheel motors [N m]."""
        return self.mass * self.max_acceleration * self.wheel_radius / 2


class Drive(Protocol):
    """One kind of robot body; every call names its physics client."""

    def add(self, client: int, x: float, y: float, yaw: float) -> int:
        """Put a robot on the floor at a pose [m, rad, map frame]; returns its body id."""

    def command(self, client: int, body: int, v: float, w: float) -> None:
        """Set the velocity [m/s, rad/s] that the motors work towards."""

    def push(self, client: int, bodies: list[int], velocity: NDArray[np.float64], dt: float) -> None:
        """Whatever the drive has to do before each physics step of ``dt`` seconds; velocity [N, 2]."""


class WheelDrive:
    """Two velocity-controlled wheels with a torque limit, two frictionless casters.

    Wheels collide as spheres: one contact point each, where a cylinder costs four.
    """

    def __init__(self, client: int, shape: RobotShape) -> None:
        self.shape = shape
        caster_radius = shape.wheel_radius / 2
        self._body = p.createCollisionShape(
            p.GEOM_CYLINDER, radius=shape.radius, height=shape.body_height, physicsClientId=client
        )
        self._wheel = p.createCollisionShape(p.GEOM_SPHERE, radius=shape.wheel_radius, physicsClientId=client)
        self._caster = p.createCollisionShape(p.GEOM_SPHERE, radius=caster_radius, physicsClientId=client)

    def add(self, client: int, x: float, y: float, yaw: float) -> int:
        shape = self.shape
        wheel_drop = shape.wheel_radius - shape.body_centre_height
        # Casters hang a little above the floor: the weight rests on the wheels, which need the grip.
        caster_drop = shape.wheel_radius * 0.52 - shape.body_centre_height
        reach = 0.75 * shape.radius
        body = p.createMultiBody(
            baseMass=0.9 * shape.mass,
            baseCollisionShapeIndex=self._body,
            basePosition=[x, y, shape.body_centre_height],
            baseOrientation=p.getQuaternionFromEuler([0.0, 0.0, yaw]),
            # A low centre of mass, so that braking does not tip the robot onto a caster.
            baseInertialFramePosition=[0.0, 0.0, -0.3 * shape.body_height],
            linkMasses=[0.03 * shape.mass, 0.03 * shape.mass, 0.02 * shape.mass, 0.02 * shape.mass],
            linkCollisionShapeIndices=[self._wheel, self._wheel, self._caster, self._caster],
            linkVisualShapeIndices=[-1] * 4,
            linkPositions=[
                [0.0, shape.track / 2, wheel_drop],
                [0.0, -shape.track / 2, wheel_drop],
                [reach, 0.0, caster_drop],
                [-reach, 0.0, caster_drop],
            ],
            linkOrientations=[[0.0, 0.0, 0.0, 1.0]] * 4,
            linkInertialFramePositions=[[0.0, 0.0, 0.0]] * 4,
            linkInertialFrameOrientations=[[0.0, 0.0, 0.0, 1.0]] * 4,
            linkParentIndices=[0] * 4,
            linkJointTypes=[p.JOINT_REVOLUTE] * 2 + [p.JOINT_FIXED] * 2,
            linkJointAxis=[[0.0, 1.0, 0.0]] * 4,
            physicsClientId=client,
        )
        for link, friction in enumerate((1.0, 1.0, 0.0, 0.0)):
            p.changeDynamics(body, link, lateralFriction=friction, physicsClientId=client)
        # Robots that touch slide along each other instead of climbing.
        p.changeDynamics(body, -1, lateralFriction=0.1, physicsClientId=client)
        return body

    def command(self, client: int, body: int, v: float, w: float) -> None:
        half = w * self.shape.track / 2
        p.setJointMotorControlArray(
            body,
            [0, 1],
            p.VELOCITY_CONTROL,
            targetVelocities=[(v - half) / self.shape.wheel_radius, (v + half) / self.shape.wheel_radius],
            forces=[self.shape.wheel_torque] * 2,
            physicsClientId=client,
        )

    def push(self, client: int, bodies: list[int], velocity: NDArray[np.float64], dt: float) -> None:
        """Nothing: the motors are part of the physics step."""


class PlanarDrive:
    """A frictionless cylinder whose planar velocity follows the command with bounded acceleration."""

    def __init__(self, client: int, shape: RobotShape) -> None:
        self.shape = shape
        self._body = p.createCollisionShape(
            p.GEOM_CYLINDER,
            radius=shape.radius,
            height=2 * shape.body_centre_height,
            physicsClientId=client,
        )

    def add(self, client: int, x: float, y: float, yaw: float) -> int:
        body = p.createMultiBody(
            baseMass=self.shape.mass,
            baseCollisionShapeIndex=self._body,
            basePosition=[x, y, self.shape.body_centre_height],
            baseOrientation=p.getQuaternionFromEuler([0.0, 0.0, yaw]),
            physicsClientId=client,
        )
        p.changeDynamics(body, -1, lateralFriction=0.0, physicsClientId=client)
        return body

    def command(self, client: int, body: int, v: float, w: float) -> None:
        """Nothing is stored in the body: ``push`` is given the velocities."""

    def push(self, client: int, bodies: list[int], velocity: NDArray[np.float64], dt: float) -> None:
        change = self.shape.max_acceleration * dt
        turn_change = 2 * change / self.shape.track
        for body, (v, w) in zip(bodies, velocity.tolist(), strict=True):
            (now_x, now_y, now_z), (_, _, now_w) = p.getBaseVelocity(body, physicsClientId=client)
            yaw = yaw_of(p.getBasePositionAndOrientation(body, physicsClientId=client)[1])
            error_x, error_y = v * math.cos(yaw) - now_x, v * math.sin(yaw) - now_y
            share = min(1.0, change / max(math.hypot(error_x, error_y), 1e-9))
            spin = now_w + min(max(w - now_w, -turn_change), turn_change)
            p.resetBaseVelocity(
                body,
                [now_x + share * error_x, now_y + share * error_y, now_z],
                [0.0, 0.0, spin],
                physicsClientId=client,
            )


def yaw_of(quaternion: tuple[float, float, float, float]) -> float:
    """Heading [rad] of an orientation (x, y, z, w)."""
    x, y, z, w = quaternion
    return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


DriveName = Literal["wheels", "planar"]
DRIVES: dict[DriveName, type[WheelDrive] | type[PlanarDrive]] = {"wheels": WheelDrive, "planar": PlanarDrive}

"""The fleet in PyBullet: differential-drive robots among shelves, one headless physics client a world."""

from __future__ import annotations

import math

import numpy as np
import pybullet as p
from numpy.typing import NDArray

from pilotfish.worlds.grid.scenario import Scenario
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.pybullet.overlaps import OverlapCounter
from pilotfish.worlds.pybullet.robots import DRIVES, Drive, DriveName, RobotShape, yaw_of
from pilotfish.worlds.spec import WorldSpec

FLOOR_FRICTION = 0.9
SOLVER_ITERATIONS = 15


class PyBulletFleetWorld:
    """N robots driven by body velocities; a ``FleetWorld`` (see ``worlds/fleet_world.py``).

    Several worlds can live in one process: each has a physics client of its own. The same seed and
    the same velocities give the same poses.

    Args:
        grid: the map; its walls become boxes.
        n_robots: how many robots.
        radius: footprint of a robot [m]; None means 0.36 of a cell. The body itself is 2 % smaller, so
            that robots whose bodies touch count as overlapping.
        drive: "wheels" (motors, friction, torque limits) or "planar" (bounded acceleration, no wheels).
        timestep: of the physics [s].
        wall_height: of the shelves [m]; None means 0.8 of a cell.
        starts: int32 [N] cells where the robots start, instead of the scenario's.

    Raises:
        ValueError: on an unknown drive, or a radius which does not fit into a cell (where the scenario
            may put robots into neighbouring cells).
    """

    def __init__(
        self,
        grid: GridMap,
        n_robots: int,
        *,
        radius: float | None = None,
        drive: DriveName = "wheels",
        timestep: float = 1 / 120,
        wall_height: float | None = None,
        starts: NDArray[np.int32] | None = None,
    ) -> None:
        self.radius = 0.36 * grid.resolution if radius is None else radius
        if drive not in DRIVES:
            raise ValueError(f"drive must be one of {sorted(DRIVES)}, got {drive!r}")
        if not 0 < self.radius < (grid.resolution / 2 if starts is None else math.inf):
            raise ValueError(
                f"radius must lie between 0 and half a cell ({grid.resolution / 2} m), got {self.radius}"
            )
        self.grid = grid
        self.n_robots = n_robots
        self.timestep = timestep
        self._starts = starts
        self._drive_class = DRIVES[drive]
        self._spec = WorldSpec.from_grid(
            grid, wall_height=0.8 * grid.resolution if wall_height is None else wall_height
        )
        self._overlaps = OverlapCounter(grid, self.radius)
        self._client = p.connect(p.DIRECT)
        self._bodies: list[int] = []
        self._poses = np.zeros((n_robots, 3))
        self._unspent = 0.0  # time asked for by step() that is shorter than a physics step [s]

    def reset(self, seed: int) -> NDArray[np.float64]:
        """Build the world anew and put the robots on the scenario's start cells.

        Returns poses float64 [N, 3]: x [m], y [m], yaw [rad], map frame. Robots face one of the four
        grid directions, drawn from the seed.
        """
        client = self._client
        p.resetSimulation(physicsClientId=client)
        p.setGravity(0.0, 0.0, -9.81, physicsClientId=client)
        p.setPhysicsEngineParameter(
            fixedTimeStep=self.timestep,
            numSolverIterations=SOLVER_ITERATIONS,
            deterministicOverlappingPairs=1,
            physicsClientId=client,
        )
        self._add_floor_and_walls()
        # A body slightly inside of its footprint: whoever touches has overlapped.
        self._drive: Drive = self._drive_class(client, RobotShape(radius=0.98 * self.radius))
        starts = Scenario(self.grid, self.n_robots, seed).starts if self._starts is None else self._starts
        yaws = np.random.default_rng(seed).integers(4, size=self.n_robots) * (math.pi / 2)
        self._bodies = [
            self._drive.add(client, x, y, yaw)
            for (x, y), yaw in zip(self.grid.cell_centre(starts).tolist(), yaws.tolist(), strict=True)
        ]
        self._unspent = 0.0
        self._command(np.zeros((self.n_robots, 2)))
        self._overlaps.reset()
        return self._read_poses()

    def step(self, velocity: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
        """Drive for ``dt`` seconds with velocity float64 [N, 2] (v [m/s], w [rad/s]); returns the poses.

        ``dt`` need not be a multiple of the physics timestep: the rest is kept for the next call.
        """
        velocity = np.asarray(velocity, dtype=np.float64)
        if velocity.shape != (self.n_robots, 2):
            raise ValueError(f"velocity must have shape ({self.n_robots}, 2), got {velocity.shape}")
        if not self._bodies:
            raise RuntimeError("call reset(seed) before step()")
        self._command(velocity)
        self._unspent += dt
        while self._unspent > self.timestep * (1 - 1e-6):
            self._drive.push(self._client, self._bodies, velocity, self.timestep)
            p.stepSimulation(physicsClientId=self._client)
            self._unspent -= self.timestep
        return self._read_poses()

    def overlaps(self) -> int:
        """How often, since ``reset``, two footprints (or a footprint and a wall) began to overlap."""
        return self._overlaps.total

    def close(self) -> None:
        """Free the physics client; the world cannot be used afterwards."""
        if p.isConnected(self._client):
            p.disconnect(self._client)

    def _add_floor_and_walls(self) -> None:
        client = self._client
        plane = p.createCollisionShape(p.GEOM_PLANE, physicsClientId=client)
        floor = p.createMultiBody(0.0, plane, physicsClientId=client)
        p.changeDynamics(floor, -1, lateralFriction=FLOOR_FRICTION, physicsClientId=client)
        for box in self._spec.walls:
            shape = p.createCollisionShape(
                p.GEOM_BOX, halfExtents=[edge / 2 for edge in box.size], physicsClientId=client
            )
            wall = p.createMultiBody(0.0, shape, basePosition=list(box.centre), physicsClientId=client)
            p.changeDynamics(wall, -1, lateralFriction=0.1, physicsClientId=client)

    def _command(self, velocity: NDArray[np.float64]) -> None:
        for body, (v, w) in zip(self._bodies, velocity.tolist(), strict=True):
            self._drive.command(self._client, body, v, w)

    def _read_poses(self) -> NDArray[np.float64]:
        for robot, body in enumerate(self._bodies):
            position, orientation = p.getBasePositionAndOrientation(body, physicsClientId=self._client)
            self._poses[robot] = position[0], position[1], yaw_of(orientation)
        self._overlaps.update(self._poses[:, :2])
        return self._poses.copy()

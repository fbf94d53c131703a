"""Worlds by name, imported when they are asked for.

Four kinds of world exist. A *fleet back end* moves robots in continuous space on velocity commands
(``worlds/fleet_world.py``); ``backend:=NAME`` of the launch files chooses one. A *laser back end* is
the same for robots with bodies and scanners on a map of fine cells (``worlds/laser_world.py``). The
*grid fleet* (``worlds/grid/engine.py``) moves agents from cell to cell and is what policies are trained and
measured in. A *task* (``worlds/manipulation/task.py``) is an arm on a table with something to do.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.laser_world import Laser, LaserWorld
from pilotfish.worlds.maps.grid_map import GridMap

if TYPE_CHECKING:
    from pilotfish.worlds.manipulation.task import ArmTask

FleetWorldFactory = Callable[[GridMap, int, int, float], FleetWorld]
"""Takes (map, number of robots, seed of the scenario, footprint radius [m])."""

FLEET_BACKENDS: dict[str, str] = {
    "grid": "pilotfish.worlds.registry:kinematic_fleet",
    "pybullet": "pilotfish.worlds.registry:pybullet_fleet",
}
"""Name -> ``module:attribute`` of a ``FleetWorldFactory``."""

LaserWorldFactory = Callable[[GridMap, NDArray[np.int32], float, Laser], LaserWorld]
"""Takes (map, start cells int32 [N], body radius [m], scanner)."""

LASER_BACKENDS: dict[str, str] = {
    "grid": "pilotfish.worlds.registry:solid_fleet",
    "pybullet": "pilotfish.worlds.registry:pybullet_lasers",
}
"""Name -> ``module:attribute`` of a ``LaserWorldFactory``."""

ANSWERED_ELSEWHERE: dict[str, str] = {
    "gazebo": "the Gazebo bridge is not built yet; backend:=pybullet has the same physics interface",
    "hardware": "the robot drivers are not built yet; a robot's own node can take the fleet's topics",
}
"""Back ends that launch files will take and that have no world in this process, with what to do."""


def fleet_backend(name: str) -> FleetWorldFactory:
    """The factory of a back end. Raises ValueError with the names there are."""
    return _backend(name, FLEET_BACKENDS)


def laser_backend(name: str) -> LaserWorldFactory:
    """The factory of a laser back end. Raises ValueError with the names there are."""
    return _backend(name, LASER_BACKENDS)


def _backend(name: str, known: dict[str, str]) -> Callable:
    if name in ANSWERED_ELSEWHERE:
        raise ValueError(f"backend {name!r}: {ANSWERED_ELSEWHERE[name]}")
    if name not in known:
        raise ValueError(f"unknown backend {name!r}: there are {', '.join(known)}")
    module, attribute = known[name].split(":")
    return getattr(import_module(module), attribute)


def make_fleet_world(
    backend: str, grid: GridMap, n_robots: int, seed: int = 0, radius: float | None = None
) -> FleetWorld:
    """A world of robots on the start cells that the seed's scenario gives them.

    Args:
        radius: of the robots' footprint [m]; 0.36 of a cell if None.

    Raises:
        ValueError: the back end is unknown or not built, or the map has no room for the robots.
    """
    return fleet_backend(backend)(grid, n_robots, seed, 0.36 * grid.resolution if radius is None else radius)


def kinematic_fleet(grid: GridMap, n_robots: int, seed: int, radius: float) -> FleetWorld:
    """Discs that obey their commands exactly."""
    from pilotfish.worlds.grid.kinematic import KinematicFleetWorld
    from pilotfish.worlds.grid.scenario import Scenario

    return KinematicFleetWorld(grid, Scenario(grid, n_robots, seed).starts, radius)


def pybullet_fleet(grid: GridMap, n_robots: int, seed: int, radius: float) -> FleetWorld:
    """Wheels, friction and torque limits."""
    from pilotfish.worlds.pybullet.fleet import PyBulletFleetWorld

    world = PyBulletFleetWorld(grid, n_robots, radius=radius)
    world.reset(seed)
    return world


def solid_fleet(grid: GridMap, starts: NDArray[np.int32], radius: float, laser: Laser) -> LaserWorld:
    """Solid discs that obey their commands exactly."""
    from pilotfish.worlds.grid.solid import SolidFleetWorld

    return SolidFleetWorld(grid, starts, radius, laser)


def pybullet_lasers(grid: GridMap, starts: NDArray[np.int32], radius: float, laser: Laser) -> LaserWorld:
    """Wheels, friction, torque limits, and rays that are cast through the physics."""
    from pilotfish.worlds.pybullet.lasers import PyBulletLaserWorld

    world = PyBulletLaserWorld(grid, starts, radius, laser)
    world.reset(0)
    return world


MANIPULATION_TASKS: dict[str, str] = {
    "pick_place": "pilotfish.worlds.manipulation.tasks.pick_place:PickPlace",
    "push": "pilotfish.worlds.manipulation.tasks.push:Push",
    "stack": "pilotfish.worlds.manipulation.tasks.stack:Stack",
    "detour": "pilotfish.worlds.manipulation.tasks.detour:Detour",
}
"""Name -> ``module:class`` of an `ArmTask`."""


def make_task(name: str, images: bool = False) -> ArmTask:
    """A task of the arm. Raises ValueError with the names there are."""
    return task_class(name)(images)


def sentence_of(task: str) -> str:
    """A task of the arm in words; what is no registered task is taken for words already."""
    return task_class(task).SENTENCE if task in MANIPULATION_TASKS else task


def task_class(name: str) -> type[ArmTask]:
    """The class of a task of the arm. Raises ValueError with the names there are."""
    if name not in MANIPULATION_TASKS:
        raise ValueError(f"no task {name!r}: choose one of {', '.join(MANIPULATION_TASKS)}")
    module, kind = MANIPULATION_TASKS[name].split(":")
    return getattr(import_module(module), kind)

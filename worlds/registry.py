"""Worlds by name, imported when they are asked for.

Two kinds of world exist. A *fleet back end* moves robots in continuous space on velocity commands
(``worlds/fleet_world.py``); ``backend:=NAME`` of the launch files chooses one. The *grid fleet*
(``worlds/grid/engine.py``) moves agents from cell to cell and is what policies are trained and measured in.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from pilotfish.worlds.fleet_world import FleetWorld
from pilotfish.worlds.maps.grid_map import GridMap

FleetWorldFactory = Callable[[GridMap, int, int, float], FleetWorld]
"""Takes (map, number of robots, seed of the scenario, footprint radius [m])."""

FLEET_BACKENDS: dict[str, str] = {
    "grid": "pilotfish.worlds.registry:kinematic_fleet",
    "pybullet": "pilotfish.worlds.registry:pybullet_fleet",
}
"""Name -> ``module:attribute`` of a ``FleetWorldFactory``."""

ANSWERED_ELSEWHERE: dict[str, str] = {
    "gazebo": "the Gazebo bridge is not built yet; backend:=pybullet has the same physics interface",
    "hardware": "the robot drivers are not built yet; a robot's own node can take the fleet's topics",
}
"""Back ends that launch files will take and that have no world in this process, with what to do."""


def fleet_backend(name: str) -> FleetWorldFactory:
    """The factory of a back end. Raises ValueError with the names there are."""
    if name in ANSWERED_ELSEWHERE:
        raise ValueError(f"backend {name!r}: {ANSWERED_ELSEWHERE[name]}")
    if name not in FLEET_BACKENDS:
        raise ValueError(f"unknown backend {name!r}: there are {', '.join(FLEET_BACKENDS)}")
    module, attribute = FLEET_BACKENDS[name].split(":")
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

"""A new fleet back end: robots on a slippery floor, whose speed follows commands with a lag.

    python examples/extending/add_a_world.py

To keep it: its own file under ``worlds/``, and a line in ``worlds/registry.py``. From then on
``backend:=slippery`` is an argument of the launch file, and ``tests/worlds/test_contract.py`` checks it.
"""

import numpy as np

from pilotfish.cli.report import print_rows
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.coordination.trial import FleetTrial
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.registry import FLEET_BACKENDS, make_fleet_world


class SlipperyFleetWorld:
    """The grid back end behind a first-order lag; a ``pilotfish.worlds.fleet_world.FleetWorld``.

    Args:
        inner: the world that moves the robots.
        n_robots: how many.
        time_constant: of the lag [s].
    """

    def __init__(self, inner, n_robots: int, time_constant: float = 0.05) -> None:
        self._inner = inner
        self._velocity = np.zeros((n_robots, 2))
        self._time_constant = time_constant

    def reset(self, seed):
        """Robots at rest on their start cells, poses [N, 3]."""
        self._velocity[:] = 0.0
        return self._inner.reset(seed)

    def step(self, velocity, dt):
        """Real velocities [N, 2] approach the commanded ones; poses [N, 3]."""
        self._velocity += (velocity - self._velocity) * (1 - np.exp(-dt / self._time_constant))
        return self._inner.step(self._velocity, dt)

    def overlaps(self):
        """Overlaps of footprints that began since ``reset``."""
        return self._inner.overlaps()

    def close(self):
        """Nothing of its own to free."""
        self._inner.close()


def slippery_fleet(grid, n_robots, seed, radius):
    """What the registry calls."""
    return SlipperyFleetWorld(make_fleet_world("grid", grid, n_robots, seed, radius), n_robots)


def main() -> None:
    FLEET_BACKENDS["slippery"] = f"{__name__}:slippery_fleet"

    grid, robots, seed = load_map("random"), 8, 0
    rows = []
    for backend in ("grid", "slippery"):
        world = make_fleet_world(backend, grid, robots, seed, get_robot("carrier").radius)
        trial = FleetTrial(grid, robots, lambda: make_fleet_policy("planner_pibt"), seed, world=world)
        result = trial.run(60.0)
        rows.append({"backend": backend, "goals": result.goals, "overlaps": result.overlaps})
    print_rows(rows)


if __name__ == "__main__":
    main()

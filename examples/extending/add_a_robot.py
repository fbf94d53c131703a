"""A new robot: its size and its limits, from its data sheet.

    python examples/extending/add_a_robot.py

To keep it: a line in ``ROBOTS`` of ``hardware/robots.py``; the tests in ``tests/hardware`` then check it.
"""

from pilotfish.cli.report import print_rows
from pilotfish.hardware.robots import ROBOTS, RobotSpec, get_robot
from pilotfish.policies.coordination.trial import FleetTrial
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.maps.load import load_map

TORTOISE = RobotSpec(
    name="tortoise",
    radius=0.34,
    max_speed=0.4,
    max_turn_rate=1.5,
    max_acceleration=0.8,
    max_braking=1.0,
    max_turn_acceleration=5.0,
    command_timeout=0.4,
)


def main() -> None:
    ROBOTS[TORTOISE.name] = TORTOISE

    grid, robots, seed = load_map("random"), 8, 0
    rows = []
    for name in ("carrier", "tortoise"):
        trial = FleetTrial(
            grid, robots, lambda: make_fleet_policy("planner_pibt"), seed, spec=get_robot(name)
        )
        result = trial.run(60.0)
        rows.append({"robot": name, "goals": result.goals, "overlaps": result.overlaps})
    print_rows(rows)


if __name__ == "__main__":
    main()

"""Robots by name: what the fleet has to know of a body to drive it safely.

To add a robot, add a line to ``ROBOTS``; the contract tests in ``tests/hardware`` pick it up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class RobotSpec:
    """A differential-drive robot with a disc footprint.

    Attributes:
        name: what launch files and parameters call it.
        radius: of the smallest disc around the turning centre that holds the whole robot [m].
        max_speed: forward [m/s]; the fleet never drives backwards.
        max_turn_rate: [rad/s].
        max_acceleration: speeding up [m/s^2].
        max_braking: slowing down [m/s^2]; the stopping distances that keep robots apart rest on it.
        max_turn_acceleration: [rad/s^2].
        command_timeout: the wheels stop when no command came for this long [s].

    Raises:
        ValueError: if a value is not positive and finite.
    """

    name: str
    radius: float
    max_speed: float
    max_turn_rate: float
    max_acceleration: float
    max_braking: float
    max_turn_acceleration: float
    command_timeout: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "name" and not (math.isfinite(value) and value > 0):
                raise ValueError(f"robot {self.name!r}: {field.name} must be positive, got {value}")

    def speed_to_stop_within(self, distance: float, latency: float) -> float:
        """Highest speed [m/s] to stop within ``distance`` [m] when braking starts ``latency`` [s] late."""
        if distance <= 0:
            return 0.0
        lag = self.max_braking * latency
        return min(self.max_speed, math.sqrt(lag * lag + 2 * self.max_braking * distance) - lag)


ROBOTS: dict[str, RobotSpec] = {
    spec.name: spec
    for spec in (
        RobotSpec(
            name="carrier",  # a small warehouse carrier for cells of 1 m
            radius=0.3,
            max_speed=1.0,
            max_turn_rate=3.0,
            max_acceleration=1.5,
            max_braking=2.5,
            max_turn_acceleration=10.0,
            command_timeout=0.4,
        ),
        RobotSpec(
            name="scout",  # a small explorer with a laser, for doors of 0.9 m
            radius=0.2,
            max_speed=1.0,
            max_turn_rate=2.5,
            max_acceleration=1.2,
            max_braking=2.0,
            max_turn_acceleration=8.0,
            command_timeout=0.4,
        ),
        RobotSpec(
            name="turtlebot4",  # data sheet: 0.46 m/s, 1.9 rad/s, 342 mm across
            radius=0.18,
            max_speed=0.46,
            max_turn_rate=1.9,
            max_acceleration=0.9,
            max_braking=0.9,
            max_turn_acceleration=7.0,
            command_timeout=0.4,
        ),
    )
}


def get_robot(name: str) -> RobotSpec:
    """The robot called ``name``.

    Raises:
        ValueError: if there is none, naming those that there are.
    """
    if name not in ROBOTS:
        raise ValueError(f"no robot called {name!r}; known: {', '.join(sorted(ROBOTS))}")
    return ROBOTS[name]

"""The last thing that a velocity passes on its way to the wheels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pilotfish.hardware.robots import RobotSpec


@dataclass(frozen=True)
class Velocity:
    """Forward speed [m/s] and turn rate [rad/s, counter-clockwise], base frame."""

    forward: float = 0.0
    turn: float = 0.0


STOP = Velocity()


class VelocityLimiter:
    """Clips speed and acceleration, and stops the robot when commands stop coming.

    ``command`` takes what somebody asks for; ``output`` says what may really be sent, at every tick of
    the actuator. A stop is a ramp at the robot's braking limit, never a jump.
    """

    def __init__(self, spec: RobotSpec) -> None:
        self.spec = spec
        self.refused = 0
        """Commands that were not finite numbers."""
        self._wanted = STOP
        self._wanted_at = -math.inf
        self._sent = STOP
        self._sent_at: float | None = None

    @property
    def sent(self) -> Velocity:
        """What was really sent last."""
        return self._sent

    def timed_out(self, now: float) -> bool:
        """Whether the watchdog holds the robot still."""
        return now - self._wanted_at > self.spec.command_timeout

    def command(self, velocity: Velocity, stamp: float) -> None:
        """Ask for a velocity.

        Args:
            velocity: any values; what is not finite counts as a stop.
            stamp: when it was decided [s]; it holds until ``stamp + command_timeout``, however late it
                arrives, and a command older than the one in force is ignored.
        """
        if stamp < self._wanted_at:
            return
        if not (math.isfinite(velocity.forward) and math.isfinite(velocity.turn)):
            self.refused += 1
            velocity = STOP
        self._wanted, self._wanted_at = velocity, stamp

    def output(self, now: float) -> Velocity:
        """What to send at ``now`` [s]: within the limits, and zero in the end once commands are too old."""
        spec = self.spec
        if self._sent_at is not None and now < self._sent_at:
            # The clock was set back: how old the command is, nobody can say, and later ones must count.
            self._wanted, self._wanted_at = STOP, -math.inf
        wanted = STOP if self.timed_out(now) else self._wanted
        elapsed = 0.0 if self._sent_at is None else max(now - self._sent_at, 0.0)
        if elapsed > spec.command_timeout:  # we were frozen, and the robot has stopped meanwhile
            self._sent, elapsed = STOP, 0.0
        forward = _ramp(
            self._sent.forward,
            min(max(wanted.forward, 0.0), spec.max_speed),
            spec.max_acceleration * elapsed,
            spec.max_braking * elapsed,
        )
        turn_step = spec.max_turn_acceleration * elapsed
        turn = _ramp(
            self._sent.turn,
            min(max(wanted.turn, -spec.max_turn_rate), spec.max_turn_rate),
            turn_step,
            turn_step,
        )
        self._sent, self._sent_at = Velocity(forward, turn), now
        return self._sent


def _ramp(current: float, wanted: float, up: float, down: float) -> float:
    return min(max(wanted, current - down), current + up)

import math

import pytest

from pilotfish.hardware.limits import STOP, Velocity, VelocityLimiter
from pilotfish.hardware.robots import ROBOTS, RobotSpec, get_robot

DT = 0.05


@pytest.fixture(params=sorted(ROBOTS))
def spec(request) -> RobotSpec:
    return get_robot(request.param)


def drive(limiter: VelocityLimiter, velocity: Velocity, seconds: float, start: float = 0.0) -> float:
    now = start
    while now < start + seconds:
        limiter.command(velocity, now)
        limiter.output(now)
        now += DT
    return now


def test_speed_and_acceleration_stay_within_the_limits(spec):
    limiter = VelocityLimiter(spec)
    last, now = STOP, 0.0
    for wanted in [Velocity(99.0, 99.0)] * 80 + [Velocity(-99.0, -99.0)] * 80:
        limiter.command(wanted, now)
        sent = limiter.output(now)
        assert 0.0 <= sent.forward <= spec.max_speed
        assert abs(sent.turn) <= spec.max_turn_rate
        assert sent.forward - last.forward <= spec.max_acceleration * DT + 1e-9
        assert last.forward - sent.forward <= spec.max_braking * DT + 1e-9
        assert abs(sent.turn - last.turn) <= spec.max_turn_acceleration * DT + 1e-9
        last, now = sent, now + DT
    assert last == Velocity(0.0, -spec.max_turn_rate)


def test_the_watchdog_stops_the_robot_within_the_promised_distance(spec):
    limiter = VelocityLimiter(spec)
    now = drive(limiter, Velocity(spec.max_speed, 0.0), 5.0)
    assert limiter.sent.forward == pytest.approx(spec.max_speed)
    distance = 0.0
    for _ in range(200):
        distance += limiter.output(now).forward * DT
        now += DT
    assert limiter.sent == STOP
    assert limiter.timed_out(now)
    # The speed from which that distance is enough, with a tick or two of delay, is the one it had.
    assert spec.speed_to_stop_within(distance + 2 * DT * spec.max_speed, spec.command_timeout) >= 0.95 * min(
        spec.max_speed, limiter.spec.max_speed
    )


def test_a_clock_that_is_set_back_stops_the_robot_until_it_is_told_anew(spec):
    limiter = VelocityLimiter(spec)
    now = drive(limiter, Velocity(spec.max_speed, 0.0), 5.0) - 60.0
    for _ in range(100):
        limiter.output(now)
        now += DT
    assert limiter.sent == STOP
    drive(limiter, Velocity(spec.max_speed, 0.0), 5.0, now)
    assert limiter.sent.forward == pytest.approx(spec.max_speed)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_stops_the_robot_and_is_counted(spec, bad):
    limiter = VelocityLimiter(spec)
    now = drive(limiter, Velocity(spec.max_speed, 0.0), 2.0)
    now = drive(limiter, Velocity(bad, 0.0), 2.0, now)
    assert limiter.sent == STOP
    assert limiter.refused >= 40


def test_a_late_command_does_not_replace_a_newer_one(spec):
    limiter = VelocityLimiter(spec)
    limiter.command(STOP, 1.0)
    limiter.command(Velocity(spec.max_speed, 0.0), 0.9)
    limiter.output(1.0)
    assert limiter.output(1.1) == STOP


def test_after_a_freeze_it_starts_from_rest(spec):
    limiter = VelocityLimiter(spec)
    now = drive(limiter, Velocity(spec.max_speed, 0.0), 3.0) + 5.0
    limiter.command(Velocity(spec.max_speed, 0.0), now)
    assert limiter.output(now) == STOP


def test_no_distance_means_no_speed(spec):
    assert spec.speed_to_stop_within(0.0, 0.1) == 0.0
    assert spec.speed_to_stop_within(100.0, 0.1) == spec.max_speed


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="no robot called 'tank'.*carrier"):
        get_robot("tank")
    with pytest.raises(ValueError, match="'x': radius must be positive, got -1"):
        RobotSpec("x", -1, 1, 1, 1, 1, 1, 1)

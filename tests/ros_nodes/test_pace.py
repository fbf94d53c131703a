"""The pace of a simulator's clock."""

import pytest

from pilotfish.ros_nodes.pace import REMEMBERED, Pace


def test_it_follows_the_clock():
    pace = Pace()
    assert pace.value == 1.0
    for k in range(5):
        pace.read(1000.0 + 0.1 * k, 7.0 + 0.025 * k)
    assert pace.value == pytest.approx(4.0)
    for k in range(REMEMBERED):
        pace.read(2000.0 + 0.1 * k, 8.0 + 0.2 * k)
    assert pace.value == pytest.approx(0.5)


def test_a_clock_that_stands_still_or_goes_back_gives_a_pace_to_divide_by():
    pace = Pace()
    pace.read(10.0, 1.0)
    pace.read(10.0, 2.0)
    assert pace.value > 0.0
    pace.read(5.0, 3.0)
    assert pace.value == 1.0


def test_the_time_of_day_needs_no_readings():
    pace = Pace(fixed=1.0)
    pace.read(0.0, 0.0)
    pace.read(0.0, 1.0)
    assert pace.value == 1.0

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.gaps import way_through_gap
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.rays import apply_window


def believed(door: slice, beyond: int = 3) -> TeamBelief:
    """A room of 28 x 60 px below a wall with a door; ``beyond`` rows behind the door are known."""
    belief = TeamBelief(1, 2, (64, 64))
    values = np.zeros((64, 64), np.uint8)
    values[30:62, 0:64] = OCCUPIED
    values[32:60, 2:62] = FREE
    values[30:32, door] = FREE
    values[30 - beyond : 30, door] = FREE
    apply_window(
        values, 0, 0, np.zeros((64, 64), bool), belief.pixels, belief.known, belief.free[1], belief.changed
    )
    belief.report(np.array([50.0, 20.0]), 0.0, 0.0)
    return belief


@pytest.mark.parametrize("left", range(40, 48))
def test_a_door_that_leaves_three_pixels_is_found(left):
    navigation = Navigation(believed(slice(left, left + 9)), clearance=3)
    navigation.update()
    way = way_through_gap(navigation)
    assert len(way)
    row, col = way[-1]
    assert row <= 30
    assert left + 2 < col < left + 6
    for corner in way:
        assert navigation.space[tuple(corner.astype(int))] == FREE


def test_no_way_leads_through_a_door_that_is_too_narrow():
    navigation = Navigation(believed(slice(40, 45)), clearance=3)
    navigation.update()
    assert not len(way_through_gap(navigation))


def test_what_a_peer_drives_to_and_where_one_has_stood_is_left_out():
    belief = believed(slice(41, 50))
    belief.connected[:] = True
    navigation = Navigation(belief, clearance=3)
    navigation.update()
    assert len(way_through_gap(navigation))
    belief.target[0] = 26.0, 45.0
    assert not len(way_through_gap(navigation))
    belief.connected[0] = False
    assert len(way_through_gap(navigation))
    navigation.spent[5:9, 9:14] = True
    assert not len(way_through_gap(navigation))


def test_a_robot_in_a_wall_starts_from_beside_it():
    belief = believed(slice(41, 50))
    belief.report(np.array([61.0, 20.0]), 0.0, 0.0)
    navigation = Navigation(belief, clearance=3)
    navigation.update()
    assert len(way_through_gap(navigation))
    belief.pixels[:] = UNKNOWN
    belief.changed[:] = True
    navigation.update()
    assert not len(way_through_gap(navigation))


@pytest.mark.parametrize("left", range(4))
def test_a_robot_drives_through_narrow_doors_wherever_they_lie(make_team, left):
    team = make_team(1)
    walls = team.grid.walls
    for wall in (slice(42, 44), slice(84, 86)):
        walls[2:52, wall] = True
        walls[20 + left : 29 + left, wall] = False
    assert team.run(150.0, until=lambda: team.known(0) >= 0.99)

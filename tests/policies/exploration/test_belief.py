"""Beliefs: exchange, doubt, surplus."""

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import MISSES, SURE_RANGE, TeamBelief, exchange
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN

SHAPE = (40, 120)


def team(robots: int = 3) -> list[TeamBelief]:
    beliefs = [TeamBelief(me, robots, SHAPE) for me in range(robots)]
    for me, belief in enumerate(beliefs):
        belief.report(np.array([20.0, 10.0 + 10 * me]), float(me), 5.0 * me)
    return beliefs


def know(belief: TeamBelief, rows: slice, cols: slice, value: int = FREE) -> None:
    """Write into a belief what it sees, with its counts."""
    belief.pixels[rows, cols] = value
    blocks = belief.pixels.reshape(SHAPE[0] // 4, 4, SHAPE[1] // 4, 4)
    belief.known[:] = (blocks != UNKNOWN).sum(axis=(1, 3))
    belief.free[belief.me] = (blocks == FREE).sum(axis=(1, 3))


def test_a_component_ends_with_equal_maps_and_counts(check_counts):
    beliefs = team()
    know(beliefs[0], slice(0, 10), slice(0, 30))
    know(beliefs[1], slice(6, 21), slice(20, 50))
    know(beliefs[1], slice(21, 23), slice(20, 50), OCCUPIED)
    know(beliefs[2], slice(0, 40), slice(100, 120))
    exchange(beliefs, [0, 1], 7.0)
    np.testing.assert_array_equal(beliefs[0].pixels, beliefs[1].pixels)
    assert beliefs[0].free_pixels == 10 * 30 + 15 * 30 - 4 * 10
    for belief in beliefs:
        check_counts(belief)
    assert (beliefs[2].pixels[:, :60] == UNKNOWN).all()
    assert beliefs[0].connected.tolist() == [True, True, False]
    assert beliefs[0].met.tolist() == [7.0, 7.0, -np.inf]


def test_a_merge_marks_what_has_changed_for_those_who_plan():
    beliefs = team(2)
    know(beliefs[0], slice(0, 8), slice(0, 8))
    exchange(beliefs, [0, 1], 0.0)
    assert beliefs[1].changed[:2, :2].all() and beliefs[1].changed.sum() == 4
    assert not beliefs[0].changed.any()


def test_surplus_is_what_the_other_is_believed_to_lack():
    beliefs = team()
    know(beliefs[0], slice(0, 8), slice(0, 8))
    assert beliefs[0].surplus().tolist() == [0, 64, 64]
    exchange(beliefs, [0, 1], 0.0)
    assert beliefs[0].surplus().tolist() == beliefs[1].surplus().tolist() == [0, 0, 64]
    exchange(beliefs, [0], 1.0)
    know(beliefs[0], slice(8, 16), slice(0, 8))
    assert beliefs[0].surplus().tolist() == [0, 64, 128]
    assert beliefs[1].surplus().tolist() == [0, 0, 64]


def test_what_a_third_robot_knows_is_told_on():
    beliefs = team()
    know(beliefs[2], slice(0, 8), slice(0, 8))
    exchange(beliefs, [1, 2], 1.0)
    exchange(beliefs, [1], 2.0)
    exchange(beliefs, [0, 1], 3.0)
    assert beliefs[0].surplus()[2] == 0 and beliefs[0].free_pixels == 64
    assert beliefs[0].position[2].tolist() == [20.0, 30.0]
    assert not beliefs[0].connected[2]


def test_the_newest_report_on_a_robot_wins():
    beliefs = team()
    exchange(beliefs, [0, 1, 2], 2.0)
    beliefs[2].report(np.array([1.0, 2.0]), 9.0, 50.0)
    beliefs[2].target[2] = [3.0, 4.0]
    exchange(beliefs, [1, 2], 9.0)
    exchange(beliefs, [0, 1], 10.0)
    assert beliefs[0].position[2].tolist() == [1.0, 2.0] and beliefs[0].target[2].tolist() == [3.0, 4.0]
    assert (beliefs[0].stamp[2], beliefs[0].travelled[2]) == (9.0, 50.0)


def test_a_lone_robot_changes_nothing_but_its_contacts():
    beliefs = team()
    exchange(beliefs, [0, 1, 2], 2.0)
    know(beliefs[0], slice(0, 8), slice(0, 8))
    exchange(beliefs, [0], 3.0)
    assert beliefs[0].connected.tolist() == [True, False, False]
    assert beliefs[0].met.tolist()[1:] == [2.0, 2.0]
    assert beliefs[1].free_pixels == 0


def separated(distance: float) -> TeamBelief:
    """Robot 0 believes robot 1 at a distance, in a map that is all free, out of contact."""
    belief = TeamBelief(0, 2, SHAPE)
    know(belief, slice(None), slice(None))
    belief.report(np.array([20.0, 10.0]), 0.0, 0.0)
    belief.position[1], belief.target[1], belief.stamp[1] = (20.0, 10.0 + distance), (1.0, 1.0), 0.0
    return belief


def test_a_place_where_nobody_answers_is_forgotten_after_some_misses():
    belief = separated(SURE_RANGE)
    for _ in range(MISSES - 1):
        belief.doubt()
    assert np.isfinite(belief.position[1]).all()
    belief.doubt()
    assert np.isnan(belief.position[1]).all() and np.isnan(belief.target[1]).all()
    assert belief.misses[1] == 0


@pytest.mark.parametrize("value", [UNKNOWN, OCCUPIED])
def test_nobody_is_doubted_behind_what_is_not_known_to_be_free(value):
    belief = separated(SURE_RANGE)
    know(belief, slice(None), slice(30, 32), value)
    for _ in range(2 * MISSES):
        belief.doubt()
    assert np.isfinite(belief.position[1]).all()


def test_nobody_is_doubted_far_away_or_in_contact():
    far, near = separated(SURE_RANGE + 2), separated(5.0)
    near.connected[1] = True
    for _ in range(2 * MISSES):
        far.doubt()
        near.doubt()
    assert np.isfinite(far.position[1]).all() and np.isfinite(near.position[1]).all()


@pytest.mark.parametrize("me", [-1, 2])
def test_a_robot_that_is_not_of_the_team_is_refused(me):
    with pytest.raises(ValueError, match=f"robot {me} is not one of 2"):
        TeamBelief(me, 2, SHAPE)

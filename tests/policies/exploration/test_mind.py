"""A peer in mind, in a corridor that the thinking robot knows."""

import numpy as np
import pytest

from pilotfish.policies.exploration import mind as mind_module
from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED
from pilotfish.policies.exploration.mind import AHEAD, LIVES, NOT_THERE, PeerInMind
from pilotfish.policies.exploration.navigation import Navigation, pixels_of
from pilotfish.policies.exploration.search import FAR
from pilotfish.policies.exploration.situation import Situation

SHAPE = (48, 800)


def apart(me: float, peer: float, lacks: slice) -> Situation:
    """Robot 0 knows a corridor of 800 px; robot 1, out of reach, some of it. Both by column [px]."""
    belief = TeamBelief(0, 2, SHAPE)
    belief.pixels[:] = OCCUPIED
    belief.pixels[12:36, 4:-4] = FREE
    belief.known[:] = 16
    belief.free[:] = (belief.pixels.reshape(12, 4, 200, 4) == FREE).sum(axis=(1, 3))
    belief.free[1, :, lacks.start // 4 : lacks.stop // 4] = 0
    belief.changed[:] = True
    belief.position[1], belief.stamp[1] = (22, peer), 0.0
    belief.report(np.array([22.0, me]), 0.0, 0.0)
    return Situation.of(belief, Navigation(belief))


def columns(mind: PeerInMind, situation: Situation) -> np.ndarray:
    return situation.navigation.anchors(mind.block)[:, 1]


def mind_of(situation: Situation, goal: float = np.nan) -> PeerInMind:
    place = situation.belief.position[1].copy()
    return PeerInMind(situation.belief, 1, situation.navigation, place, np.array([22.0, goal]))


def live(mind: PeerInMind, situation: Situation, now: float) -> np.ndarray:
    situation.belief.stamp[0] = now
    mind.update(situation.belief, situation.navigation)
    return columns(mind, situation)


def test_all_lives_go_to_what_the_peer_lacks_at_the_teams_speed():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    assert columns(mind, situation) == pytest.approx(300, abs=4)
    for now in (60.0, 150.0, 300.0):
        way = live(mind, situation, now) - 300
        # They stop at blocks, so they are somewhat slower, never faster.
        assert (way >= 0.7 * now).all() and (way <= now + 4).all()
    assert not mind.idle.any()


def test_most_lives_take_the_nearer_of_two_sides_and_some_the_other():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.free[1, :, 50:55] = 0  # a corner up to column 220, nearer than 400
    sides = []
    for stamp in range(40):
        situation.belief.stamp[1] = float(stamp)
        sides.append(live(mind_of(situation), situation, stamp + 45.0) > 300)
    share = np.mean(sides)
    assert 0.15 < share < 0.45


def test_first_it_goes_where_it_was_going():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.free[1, :, :55] = 0
    assert (live(mind_of(situation, goal=600.0), situation, 60.0) > 340).all()


def test_robots_that_part_together_think_alike():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.free[1, :, :55] = 0
    one, other = mind_of(situation), mind_of(situation)
    live(one, situation, 300.0)
    live(other, situation, 300.0)
    assert (one.block == other.block).all()


def test_it_is_idle_and_not_looked_for_when_it_lacks_nothing_more():
    situation = apart(me=20, peer=300, lacks=slice(340, 360))
    mind = mind_of(situation)
    live(mind, situation, 600.0)
    assert mind.idle.all()
    assert len(mind.meetings(situation.navigation, situation.field)[0]) == 0


def test_where_it_is_not_it_may_be_at_any_place_it_lacked():
    situation = apart(me=280, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    for _ in range(NOT_THERE - 1):
        assert live(mind, situation, 0.0) == pytest.approx(300, abs=4)
    places = live(mind, situation, 0.0)
    assert ((places >= 396) & (places <= 800)).all()
    assert np.ptp(places) > 100, "and not all at the same one"


def test_a_life_that_was_not_lived_becomes_one_that_still_may_be():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    live(mind, situation, 300.0)
    mind.block[0] = situation.navigation.block_at(np.array([22.0, 40.0]))  # in sight of the robot
    for _ in range(NOT_THERE):
        places = live(mind, situation, 300.0)
    assert places[0] in places[1:]


def test_out_of_sight_it_is_not_missed():
    situation = apart(me=200, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    for _ in range(3 * NOT_THERE):
        assert live(mind, situation, 0.0) == pytest.approx(300, abs=4)


@pytest.mark.parametrize(
    ("me", "peer", "lacks"),
    [
        (20, 300, slice(400, 800)),  # it goes away
        (700, 300, slice(400, 800)),  # it comes
        (500, 500, slice(560, 800)),  # they have just parted
    ],
)
def test_it_is_met_where_the_robot_can_be_in_time(me, peer, lacks):
    situation = apart(me, peer, lacks)
    mind = mind_of(situation)
    before = mind.block.copy()
    blocks, when = mind.meetings(situation.navigation, situation.field)
    assert len(blocks) == LIVES
    assert (pixels_of(situation.field[blocks]) <= when).all()
    assert (mind.block == before).all(), "foreseeing changes nothing"


def test_who_comes_is_met_half_way():
    situation = apart(me=700, peer=300, lacks=slice(400, 800))
    blocks, _ = mind_of(situation).meetings(situation.navigation, situation.field)
    way = pixels_of(situation.field[blocks])
    assert (way >= 200 - AHEAD).all() and (way <= 0.65 * 400).all()


def test_what_cannot_be_reached_is_not_met():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    field = np.full_like(situation.field, FAR)
    assert len(mind_of(situation).meetings(situation.navigation, field)[0]) == 0


def test_a_peer_that_was_never_heard_of_is_taken_to_be_at_the_given_place():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.stamp[1] = -np.inf
    assert live(mind_of(situation), situation, 0.0) == pytest.approx(300, abs=4)


def test_a_way_that_is_too_long_to_keep_is_searched_for_again(monkeypatch):
    whole = apart(me=20, peer=100, lacks=slice(700, 800))
    parts = apart(me=20, peer=100, lacks=slice(700, 800))
    expected = mind_of(whole)
    monkeypatch.setattr(mind_module, "WAY", 12)
    mind = mind_of(parts)
    for now in range(30, 700, 30):
        np.testing.assert_allclose(live(mind, parts, now), live(expected, whole, now), atol=48.0)
    assert (columns(mind, parts) > 600).all()


def test_a_life_whose_way_is_shut_goes_elsewhere():
    situation = apart(me=20, peer=300, lacks=slice(500, 800))
    situation.belief.free[1, :, :30] = 0
    mind = mind_of(situation, goal=600)
    assert (live(mind, situation, 60.0) > 310).all()
    situation.belief.pixels[:, 396:404] = OCCUPIED
    situation.belief.changed[:] = True
    situation.navigation.update()
    for now in range(90, 370, 30):
        live(mind, situation, now)
    assert (columns(mind, situation) < 200).all()

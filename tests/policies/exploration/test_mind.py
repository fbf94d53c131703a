"""A peer in mind, in a corridor that the thinking robot knows."""

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED
from pilotfish.policies.exploration.mind import HORIZON, NOT_THERE, TICK, PeerInMind
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


def column(mind: PeerInMind, situation: Situation) -> float:
    return float(situation.navigation.anchors(np.array([mind.block]))[0, 1])


def mind_of(situation: Situation, first: int = 0) -> PeerInMind:
    return PeerInMind(situation.belief, 1, situation.navigation, first)


def live(mind: PeerInMind, situation: Situation, now: float) -> float:
    situation.belief.stamp[0] = now
    mind.update(situation.belief, situation.navigation)
    return column(mind, situation)


def test_it_goes_to_the_nearest_place_it_lacks_at_the_teams_speed():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    assert column(mind, situation) == pytest.approx(300, abs=4)
    for now in (60.0, 150.0, 300.0):
        way = live(mind, situation, now) - 300
        # It stops at blocks, so it is somewhat slower, never faster.
        assert 0.7 * now <= way <= now + 4
    assert not mind.idle


def test_it_takes_the_nearer_of_two_sides():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.free[1, :, :55] = 0  # up to column 220, nearer than 400
    assert live(mind_of(situation), situation, 60.0) < 270


def test_another_first_guess_goes_the_other_way():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    situation.belief.free[1, :, :55] = 0
    assert live(mind_of(situation, first=1), situation, 60.0) > 330


def test_it_stands_still_when_it_lacks_nothing_more():
    situation = apart(me=20, peer=300, lacks=slice(340, 360))
    mind = mind_of(situation)
    live(mind, situation, 600.0)
    assert mind.idle
    assert mind.intercept(situation.navigation, situation.field) == mind.block


def test_where_it_is_not_it_has_gone_on():
    situation = apart(me=280, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    for _ in range(NOT_THERE - 1):
        assert live(mind, situation, 0.0) == pytest.approx(300, abs=4)
    assert live(mind, situation, 0.0) > 340, "at the next place that it lacks"


@pytest.mark.parametrize("first", [0, 1])
def test_when_it_is_nowhere_on_its_way_it_may_be_at_any_place_it_lacked(first):
    """Its life in mind has ended at the right, and there it is not: somewhere else then, and on."""
    situation = apart(me=780, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation, first)
    live(mind, situation, 2000.0)
    places = []
    for now in range(2015, 2300, 15):
        situation.belief.position[0, 1] = column(mind, situation)  # the robot goes where it takes it to be
        places.append(live(mind, situation, float(now)))
    assert all(396 <= place <= 800 for place in places), "of what it lacked"
    assert np.ptp(places) > 150, "and not always the same"
    assert not mind.idle


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
        (20, 500, slice(600, 800)),
    ],
)
def test_it_is_met_at_the_first_moment_that_it_can_be(me, peer, lacks):
    """Whoever chases it cannot be sooner where it is: there is no earlier moment in its life."""
    situation = apart(me, peer, lacks)
    situation.belief.pixels[:] = OCCUPIED  # from now on it is never in sight, so it lives on undisturbed
    mind, chased = mind_of(situation), mind_of(situation)
    block = mind.intercept(situation.navigation, situation.field)
    now = 0.0
    while pixels_of(situation.field[chased.block]) > now and not chased.idle and now < HORIZON:
        now += TICK
        live(chased, situation, now)
    assert block == chased.block
    assert pixels_of(situation.field[block]) <= now or chased.idle
    assert mind.block == mind_of(situation).block, "foreseeing changes nothing"


def test_who_comes_is_met_half_way():
    situation = apart(me=700, peer=300, lacks=slice(400, 800))
    mind = mind_of(situation)
    way = pixels_of(situation.field[mind.intercept(situation.navigation, situation.field)])
    assert 200 - TICK <= way <= 0.6 * 400


def test_what_cannot_be_reached_is_not_met():
    situation = apart(me=20, peer=300, lacks=slice(400, 800))
    field = np.full_like(situation.field, FAR)
    assert mind_of(situation).intercept(situation.navigation, field) == -1

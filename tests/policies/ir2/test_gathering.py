"""When a robot goes home: on a belief of three, with options made by hand."""

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.ir2.gathering import NEAR, Gathering
from pilotfish.policies.ir2.options import EXPLORE, HOME, MEET, WAIT, Options


def alone(now: float = 0.0) -> TeamBelief:
    belief = TeamBelief(0, 3, (40, 40))
    belief.report(np.array([20.0, 20.0]), now, now)
    return belief


def options(best: int = MEET, way_home: float = 200.0) -> Options:
    kinds = np.array([best, HOME, WAIT], np.int8)
    zeros = np.zeros(3, np.float32)
    cost = np.array([1, 5, 9], np.float32)
    way = np.array([50, way_home, 0], np.float32)
    return Options(kinds, np.array([3, 7, -1]), way, cost, zeros, zeros, np.full(3, -1, np.int8))


def goes(gathering: Gathering, belief: TeamBelief, offered: Options) -> bool:
    chosen = gathering.home(belief, offered)
    assert chosen.tolist() in ([], [1])
    return len(chosen) > 0


def at(belief: TeamBelief, now: float) -> TeamBelief:
    belief.report(belief.position[0], now, now)
    return belief


def test_it_goes_when_the_estimate_has_been_high_for_long_enough():
    gathering, belief = Gathering(sure=0.8, delay=300.0, patience=800.0), alone()
    for now, chance, expected in [(0, 0.9, False), (200, 0.7, False), (210, 0.8, False), (500, 0.9, False),
                                  (510, 0.9, True), (525, 0.1, True)]:  # fmt: skip
        gathering.note(now, chance)
        assert goes(gathering, at(belief, now), options()) == expected, now


def test_a_team_that_is_together_does_not():
    gathering, belief = Gathering(0.8, 0.0, 800.0), alone()
    belief.connected[:] = True
    gathering.note(0.0, 1.0)
    assert not goes(gathering, belief, options())


@pytest.mark.parametrize("met", [False, True])
def test_after_all_have_met_what_is_left_is_done_first(met):
    gathering, belief = Gathering(0.8, 0.0, 800.0), alone()
    gathering.note(0.0, 1.0)
    assert goes(gathering, belief, options(EXPLORE))
    if met:
        belief.connected[:] = True
        assert not goes(gathering, belief, options(EXPLORE))
        belief.connected[1:] = False
    assert goes(gathering, belief, options(EXPLORE)) != met
    assert goes(gathering, belief, options(MEET))


def test_patience_ends_and_comes_back_with_the_others():
    gathering, belief = Gathering(0.8, 0.0, patience=100.0), alone()
    gathering.note(0.0, 1.0)
    home = options(way_home=NEAR / 2)
    assert goes(gathering, at(belief, 10), home)
    assert goes(gathering, at(belief, 100), home)
    belief.connected[1] = True  # somebody comes: that is news
    assert goes(gathering, at(belief, 109), home) and goes(gathering, at(belief, 200), home)
    assert not goes(gathering, at(belief, 215), home), "it hunts the third"
    assert not goes(gathering, at(belief, 230), options(way_home=500.0))
    belief.connected[:] = True
    assert not goes(gathering, at(belief, 300), home)
    belief.connected[2] = False
    assert goes(gathering, at(belief, 315), home), "and with all met it would gather again"


def test_without_a_way_home_it_goes_on_as_before():
    gathering, belief = Gathering(0.8, 0.0, 800.0), alone()
    gathering.note(0.0, 1.0)
    assert not goes(gathering, belief, options().subset(np.array([0, 2])))

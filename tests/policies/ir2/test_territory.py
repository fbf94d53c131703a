"""The expert in a corridor with a frontier at each end."""

import copy

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.explorer import STAY
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.options import EXPLORE, HOME, LAST_CORNER, MEET, WAIT, Options
from pilotfish.policies.ir2.territory import TIER, TerritoryPolicy
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map


def expert(belief: TeamBelief) -> TerritoryPolicy:
    belief.changed[:] = True  # for its navigation, which is new
    policy = TerritoryPolicy("territory")
    policy.reset(belief, 0)
    return policy


def decide(policy: TerritoryPolicy) -> tuple[Options, Situation]:
    situation = Situation.of(policy.belief, policy.navigation)
    return policy.options(situation), situation


def column(situation: Situation, block: int) -> float:
    return float(situation.navigation.anchors(np.array([block]))[0, 1])


def best(policy: TerritoryPolicy) -> tuple[int, float]:
    """Kind of the choice, and its column [px]."""
    options, situation = decide(policy)
    return int(options.kind[options.best]), column(situation, int(options.block[options.best]))


def close(belief: TeamBelief, *ends: str) -> None:
    """A wall at an end of the known corridor: nothing more to see there."""
    known = np.flatnonzero((belief.pixels != UNKNOWN).any(axis=0))
    for end in ends:
        left = known[0] - 4 if end == "left" else known[-1] + 1
        belief.pixels[8:40, left : left + 4] = OCCUPIED
        belief.known[2:10, left // 4] = 16
    belief.changed[:] = True


def part(belief: TeamBelief, peer: int, lacks: slice) -> None:
    """A peer is out of reach, and does not know some columns [px]."""
    belief.connected[peer] = False
    belief.free[peer, :, lacks.start // 4 : lacks.stop // 4] = 0


def test_options_can_be_joined_and_picked_from():
    part = Options(
        np.array([EXPLORE, MEET, WAIT], np.int8),
        np.array([5, 6, STAY]),
        *(np.array([a, b, c], np.float32) for a, b, c in [(1, 2, 0), (30, 10, 20), (4, 4, 4), (5, 5, 5)]),
        np.array([-1, 2, -1], np.int8),
    )
    assert len(part) == 3 and part.best == 1
    joined = Options.joined([part, part])
    assert joined.block.tolist() == [5, 6, STAY, 5, 6, STAY] and joined.kind.dtype == np.int8
    picked = joined.subset(np.array([4, 0]))
    assert picked.block.tolist() == [6, 5] and picked.peer.tolist() == [2, -1] and picked.best == 0


def test_the_choice_is_the_cheapest_and_waiting_is_the_last_option():
    world = ExplorationWorld(load_map("gen:hybrid?size=120&seed=1"), 3, "closed")
    team = [expert(belief) for belief in world.reset(0)]
    for _ in range(15):
        paths = []
        for policy in team:
            chosen = copy.deepcopy(policy).act()  # to ask twice would be to look twice
            options, situation = decide(policy)
            assert options.kind[-1] == WAIT and options.block[-1] == STAY
            somewhere = ~np.isin(options.kind, [HOME, WAIT])
            assert (options.block[somewhere] >= 0).all() and np.isfinite(options.way).all()
            assert options.cost[options.best] == options.cost.min()
            paths.append(policy.path_to(situation, int(options.block[options.best])))
            np.testing.assert_array_equal(chosen, paths[-1])
        world.step(paths)


@pytest.mark.parametrize(("me", "place"), [(0, 100), (1, 296)])
def test_connected_robots_share_the_frontiers_out(corridor, me, place):
    options, situation = decide(expert(corridor(me=me)))
    kind, target = options.kind[options.best], column(situation, int(options.block[options.best]))
    assert kind == EXPLORE and target == pytest.approx(place, abs=4)
    others = [k for k in np.flatnonzero(options.kind == EXPLORE) if k != options.best]
    assert (options.cost[others] > TIER / 2).all(), "what another robot was given comes last"


def test_robots_at_one_place_part(corridor):
    places = [best(expert(corridor(places=(180, 180), me=me)))[1] for me in range(2)]
    assert abs(places[0] - places[1]) > 150


def test_where_others_are_at_work_it_is_dearer(corridor):
    """One frontier is somewhat nearer, but a robot out of reach was last seen beside it."""
    belief = corridor(places=(210, 290))
    part(belief, 1, slice(0, 0))
    assert best(expert(belief))[1] == pytest.approx(100, abs=4)
    belief.position[1] = np.nan
    assert best(expert(belief))[1] == pytest.approx(296, abs=4)


def test_it_keeps_its_target(corridor):
    belief = corridor(places=(200, 200))
    belief.connected[1], belief.position[1] = False, np.nan
    for target in (100, 298):
        belief.target[0] = 22, target
        assert best(expert(belief))[1] == pytest.approx(target, abs=4)


def test_who_knows_all_goes_after_who_does_not(corridor):
    belief = corridor()
    close(belief, "left", "right")
    part(belief, 1, slice(200, 300))
    options, situation = decide(expert(belief))
    chosen = options.best
    assert options.kind[chosen] == MEET and options.peer[chosen] == 1
    assert column(situation, int(options.block[chosen])) > 200
    assert options.cost[chosen] < TIER


def test_two_hunters_take_one_each(corridor):
    chosen = []
    for me in (0, 1):
        belief = corridor(places=(190, 210, 120, 280), me=me)
        close(belief, "left", "right")
        part(belief, 2, slice(100, 140))
        part(belief, 3, slice(260, 300))
        options, _ = decide(expert(belief))
        assert sorted(options.peer[options.kind == MEET]) == [2, 3]
        chosen.append(int(options.peer[options.best]))
    assert chosen == [2, 3]


def test_who_has_lost_a_peer_looks_for_it_where_it_lacks_something(corridor):
    """Its place is forgotten, since there it is not: it has gone on to what it lacks."""
    belief = corridor(places=(150, 150))
    policy = expert(belief)
    decide(policy)
    close(belief, "left", "right")
    part(belief, 1, slice(200, 300))
    belief.position[1] = np.nan
    belief.report(np.array([22.0, 150.0]), 130.0, 0.0)
    options, situation = decide(policy)
    assert options.kind[options.best] == MEET
    assert 170 <= column(situation, policy.choose(situation)) <= 300


def test_where_nobody_can_be_any_more_it_waits_where_the_team_began(corridor):
    belief = corridor()
    policy = expert(belief)
    decide(policy)
    close(belief, "left", "right")
    part(belief, 1, slice(290, 296))  # which the peer has seen by now, and then has nowhere to go
    belief.report(np.array([22.0, 110.0]), 900.0, 40.0)
    options, situation = decide(policy)
    assert options.kind.tolist() == [HOME, WAIT]
    assert column(situation, policy.choose(situation)) == pytest.approx(150, abs=4)
    assert options.way[0] == pytest.approx(40, abs=8)
    belief.report(np.array([22.0, 150.0]), 1000.0, 80.0)
    assert policy.choose(Situation.of(belief, policy.navigation)) == STAY


def test_it_does_not_turn_round_after_a_long_way_without_news(corridor):
    """Beside a robot that comes and goes it would decide now so, now otherwise."""
    belief = corridor(places=(200, 210))
    part(belief, 1, slice(0, 0))
    policy = expert(belief)
    assert best(policy)[1] == pytest.approx(100, abs=4), "robot 1 was last on the other side"
    belief.target[0] = 22, 296  # which the two had agreed on
    policy.options(Situation.of(belief, policy.navigation))
    belief.report(np.array([22.0, 200.0]), 200.0, 90.0)  # driven to and fro
    assert best(policy)[1] == pytest.approx(296, abs=4)


@pytest.mark.parametrize("connected", [True, False])
def test_when_all_know_all_it_waits(corridor, connected):
    belief = corridor()
    close(belief, "left", "right")
    belief.connected[1] = connected
    policy = expert(belief)
    path = policy.act()
    assert path.shape == (0, 2)
    np.testing.assert_array_equal(belief.target[0], belief.position[0])


def with_a_corner(belief: TeamBelief, row: int, col: int) -> None:
    """Two pixels of a wall's face are not known: a faint frontier."""
    belief.pixels[row, col : col + 2] = UNKNOWN
    belief.known[row // 4, col // 4] -= 2
    belief.changed[:] = True


def test_a_last_corner_is_looked_into_when_nothing_else_is_left(corridor):
    belief = corridor()
    close(belief, "left", "right")
    with_a_corner(belief, 11, 200)
    kind, place = best(expert(belief))
    assert kind == LAST_CORNER and place == pytest.approx(200, abs=4)


def test_a_last_corner_at_the_other_end_of_a_maze_is_not_given_up(write_map):
    pixels = np.full((400, 400), OCCUPIED, np.uint8)
    for k, top in enumerate(range(4, 388, 16)):
        pixels[top : top + 12, 4:396] = FREE
        if k:
            pixels[top - 4 : top, slice(384, 396) if k % 2 else slice(4, 16)] = FREE
    belief = TeamBelief(0, 1, pixels.shape)
    write_map(belief, pixels)
    belief.report(np.array([10.0, 10.0]), 0.0, 0.0)
    with_a_corner(belief, 384, 200)
    options, _ = decide(expert(belief))
    assert options.kind[0] == LAST_CORNER and options.way[0] > 4000
    assert options.best == 0

"""The expert in a corridor with a frontier at each end."""

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief, exchange
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.explorer import STAY
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.options import EXPLORE, LAST_CORNER, MEET, TAKE_OVER, WAIT, Options
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
            options, situation = decide(policy)
            assert options.kind[-1] == WAIT and options.block[-1] == STAY
            assert (options.block[:-1] >= 0).all() and np.isfinite(options.way).all()
            assert options.cost[options.best] == options.cost.min()
            chosen = policy.choose(situation)
            assert chosen == options.block[options.best]
            paths.append(policy.path_to(situation, chosen))
        world.step(paths)


@pytest.mark.parametrize(("me", "place"), [(0, 100), (1, 296)])
def test_connected_robots_share_the_frontiers_out_and_note_it(corridor, me, place):
    policy = expert(corridor(me=me))
    kind, target = best(policy)
    assert kind == EXPLORE and target == pytest.approx(place, abs=4)
    claim = policy.belief.claim
    assert set(claim[3:9, 25]) == {0} and set(claim[3:9, 74]) == {1}
    assert set(np.unique(claim)) == {-1, 0, 1}
    assert set(policy.belief.claimed[claim >= 0]) == {100.0}


def test_robots_at_one_place_part(corridor):
    places = [best(expert(corridor(places=(180, 180), me=me)))[1] for me in range(2)]
    assert abs(places[0] - places[1]) > 150


def test_claims_are_told_on_contact_and_newer_ones_count(corridor):
    beliefs = [corridor(me=0), corridor(me=1)]
    decide(expert(beliefs[0]))
    assert (beliefs[1].claim == -1).all()
    exchange(beliefs, [0, 1], 101.0)
    np.testing.assert_array_equal(beliefs[0].claim, beliefs[1].claim)
    assert set(beliefs[1].claim[3:9, 25]) == {0}
    # They have changed places; robot 1 notes it later, and tells.
    beliefs[1].report(np.array([22.0, 110.0]), 102.0, 0.0)
    beliefs[1].position[0] = 22, 290
    decide(expert(beliefs[1]))
    exchange(beliefs, [0, 1], 103.0)
    assert set(beliefs[0].claim[3:9, 25]) == {1} and set(beliefs[0].claim[3:9, 74]) == {0}


def test_what_is_noted_apart_stays_with_the_robot(corridor):
    beliefs = [corridor(me=0), corridor(me=1)]
    part(beliefs[0], 1, slice(0, 0))
    decide(expert(beliefs[0]))
    assert (beliefs[0].claim >= 0).any() and (beliefs[1].claim == -1).all()


def shared_out(corridor) -> TerritoryPolicy:
    """Robot 0, near the right end that was left to robot 1, which is out of reach now."""
    policy = expert(corridor())
    decide(policy)
    belief = policy.belief
    part(belief, 1, slice(0, 0))
    belief.report(np.array([22.0, 270.0]), 200.0, 100.0)
    belief.position[1] = 22, 380  # somewhere else, where nothing is known
    return policy


def test_a_robot_out_of_reach_keeps_its_share(corridor):
    policy = shared_out(corridor)
    options, situation = decide(policy)
    right = int(np.argmax([column(situation, block) for block in options.block[:-1]]))
    assert options.kind[right] == TAKE_OVER and options.peer[right] == 1
    assert options.way[right] < options.way[options.best]
    assert options.cost[right] > options.cost[options.best] + TIER / 2, "not even when others do what is own"
    kind, place = best(policy)
    assert kind == EXPLORE and place == pytest.approx(100, abs=4)
    assert set(policy.belief.claim[3:9, 74]) == {1}, "and is not robbed of it"
    assert set(policy.belief.claimed[3:9, 74]) == {100.0}


def test_it_is_taken_over_when_nothing_own_is_left(corridor):
    policy = shared_out(corridor)
    close(policy.belief, "left")
    kind, place = best(policy)
    assert kind == TAKE_OVER and place == pytest.approx(296, abs=4)


def test_back_in_contact_all_is_shared_out_anew(corridor):
    policy = shared_out(corridor)
    policy.belief.connected[:] = True
    policy.belief.position[1] = 22, 120
    kind, place = best(policy)
    assert kind == EXPLORE and place == pytest.approx(296, abs=4)
    assert set(policy.belief.claim[3:9, 74]) == {0}


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
    assert 2 * TIER <= options.cost[chosen] < 3 * TIER


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


def test_who_does_not_know_where_they_are_waits(corridor):
    belief = corridor()
    close(belief, "left", "right")
    part(belief, 1, slice(200, 300))
    belief.position[1] = np.nan
    policy = expert(belief)
    options, situation = decide(policy)
    assert options.kind.tolist() == [WAIT] and policy.choose(situation) == STAY


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

"""What the network sees."""

import copy

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.features import (
    LEAST_SURPLUS,
    N_EDGE,
    N_GLOBAL,
    N_NODE,
    Features,
    make_features,
)
from pilotfish.policies.ir2.graph import MOST_NODES
from pilotfish.policies.ir2.options import WAIT, Options
from pilotfish.policies.ir2.territory import TerritoryPolicy
from pilotfish.worlds.exploration.radio import NEEDED
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:hybrid?size=120&seed=1")
RENDEZVOUS = 3


def features_of(situation: Situation, options: Options, visits: np.ndarray) -> Features:
    """Where each option is said to hide as many pixels as it has blocks of frontier."""
    belief = situation.belief
    return make_features(situation, options, options.size, visits, belief.target[belief.me])


class Team:
    """Experts that explore a world, and what a network would see of it."""

    def __init__(self, world: ExplorationWorld, seed: int = 0) -> None:
        self.world = world
        self.policies = [TerritoryPolicy("territory") for _ in range(world.robots)]
        for policy, belief in zip(self.policies, world.reset(seed), strict=True):
            policy.reset(belief, seed)

    def look(self, robot: int) -> tuple[Situation, Options, Features]:
        policy = self.policies[robot]
        situation = Situation.of(policy.belief, policy.navigation)
        options = policy.options(situation)
        visits = np.ones(policy.belief.known.shape, np.uint16)
        return situation, options, features_of(situation, options, visits)

    def go(self, robot: int, situation: Situation, options: Options) -> np.ndarray:
        return self.policies[robot].path_to(situation, int(options.block[options.best]))


def of_belief(belief: TeamBelief) -> tuple[Situation, Options, Features]:
    belief.changed[:] = True
    policy = TerritoryPolicy("territory")
    policy.reset(belief, 0)
    situation = Situation.of(belief, policy.navigation)
    options = policy.options(situation)
    visits = np.zeros(belief.known.shape, np.uint16)
    return situation, options, features_of(situation, options, visits)


def test_they_are_finite_and_in_shape_through_an_episode():
    team = Team(ExplorationWorld(GRID, 3, "closed"))
    done, kinds = False, set()
    while not done:
        paths = []
        for robot in range(3):
            situation, options, features = team.look(robot)
            nodes, edges = len(features.nodes), features.edges.shape[1]
            assert features.nodes.shape == (nodes, N_NODE) and nodes <= MOST_NODES
            assert features.edges.shape == (2, edges) and features.edge_features.shape == (edges, N_EDGE)
            assert features.context.shape == (N_GLOBAL,)
            assert features.option.shape == features.prior.shape == (len(options),)
            for name, array in vars(features).items():
                assert np.isfinite(array).all(), name
                assert array.dtype == (np.int64 if name in ("edges", "option") else np.float32), name
                assert np.abs(array).max() < 100, name
            assert features.edges.min() >= 0 and features.edges.max() < nodes
            pairs = set(zip(*features.edges.tolist(), strict=True))
            assert {(b, a) for a, b in pairs} == pairs, "every edge has its opposite"
            assert {(0, node) for node in range(1, nodes)} <= pairs, "the robot sees all"
            # The leaning is the planner's: its choice first.
            assert features.prior.argmax() == options.best and (features.prior <= 0).all()
            kinds |= set(options.kind.tolist())
            paths.append(team.go(robot, situation, options))
        done = team.world.step(paths).done
        assert team.world.time < 2000
    assert len(kinds) >= 3, "explored, and more"


def test_options_are_the_nodes_where_they_lie():
    team = Team(ExplorationWorld(GRID, 3, "closed"))
    for _ in range(12):
        paths = []
        for robot in range(3):
            situation, options, features = team.look(robot)
            belief, navigation = situation.belief, situation.navigation
            place = features.nodes[features.option, :2] * 250 + belief.position[robot]
            there = options.block >= 0
            np.testing.assert_allclose(place[there], navigation.anchors(options.block[there]), atol=1e-3)
            assert (features.option[~there] == 0).all() and options.kind[-1] == WAIT
            for node in np.unique(features.option):
                here = np.flatnonzero(features.option == node)
                shown = here[np.argmin(options.cost[here])]  # the cheaper of two at one place
                row = features.nodes[node]
                assert row[17] == pytest.approx(np.log1p(options.size[shown]) / 8)
                assert row[18:].argmax() == options.kind[shown] and row[18:].sum() == 1
                assert row[7] == (options.best == shown)
            others = np.setdiff1d(np.arange(len(features.nodes)), features.option)
            assert not features.nodes[others, 7:11].any() and not features.nodes[others, 17:].any()
            paths.append(team.go(robot, situation, options))
        team.world.step(paths)


def apart_with_surplus(corridor, lacks: int) -> TeamBelief:
    """Robot 1 is out of reach and lacks the first columns [px]."""
    belief = corridor(places=(150, 290))
    belief.connected[1] = False
    belief.free[1, :, 25 : 25 + lacks // 4] = 0
    return belief


def test_there_is_a_rendezvous_to_be_had_only_with_a_surplus(corridor):
    for lacks in (0, 40, 120):
        _, _, features = of_belief(apart_with_surplus(corridor, lacks))
        assert features.nodes[:, RENDEZVOUS].any() == (lacks > 0)
    connected = apart_with_surplus(corridor, 40)
    connected.connected[1] = True
    lost = apart_with_surplus(corridor, 40)
    lost.position[1] = np.nan
    for belief in (connected, lost):
        assert not of_belief(belief)[2].nodes[:, RENDEZVOUS].any()
    small = corridor(places=(150, 290))
    small.connected[1] = False
    small.free[1, 5, 30] -= int(16 * LEAST_SURPLUS)
    small.free[1, 5, 31] = 0
    assert 0 < small.surplus()[1] < LEAST_SURPLUS * small.free_pixels
    assert not of_belief(small)[2].nodes[:, RENDEZVOUS].any()


def test_the_rendezvous_value_grows_along_the_way_to_the_peer(corridor):
    values = []
    for lacks in (40, 80):
        belief = apart_with_surplus(corridor, lacks)
        _, _, features = of_belief(belief)
        value = features.nodes[:, RENDEZVOUS]
        on = np.flatnonzero(value)
        col = features.nodes[on, 1]
        assert (np.diff(value[on][np.argsort(col)]) > 0).all()
        at_peer = features.nodes[int(value.argmax()), :2] * 250 + belief.position[0]
        np.testing.assert_allclose(at_peer, [22, 290], atol=4)
        values.append(value.max())
        assert value.max() == pytest.approx(8 * belief.surplus()[1] / belief.free_pixels)
    assert values[1] == pytest.approx(2 * values[0])


def test_peers_are_shown_at_their_nodes(corridor):
    belief = apart_with_surplus(corridor, 40)
    belief.met[1] = belief.now - 250
    features = of_belief(belief)[2]
    assert sorted(np.unique(features.nodes[:, 5])) == [-1, 0, 1]
    peer = features.nodes[features.nodes[:, 5] == 1]
    assert len(peer) == 1 and peer[0, 12] == pytest.approx(0.5) and peer[0, 13] == 0
    belief.connected[1] = True
    assert of_belief(belief)[2].nodes[:, 13].sum() == 1


def test_nothing_of_where_a_robot_out_of_reach_truly_is_leaks():
    """Two worlds that differ only in what robot 1 does once it is out of reach."""
    world = ExplorationWorld(load_map("gen:hybrid?size=300&seed=1"), 2, "closed")
    team = Team(world)
    while world.strength[0, 1] > NEEDED:
        looks = [team.look(robot) for robot in range(2)]
        world.step([team.go(robot, *looks[robot][:2]) for robot in range(2)])
    other = copy.deepcopy(team)
    # In the other world robot 1 is somewhere else, and does something else.
    rows, cols = np.nonzero(~world.grid.walls)
    compared = moved = 0
    for step in range(12):
        seen = [t.look(0) for t in (team, other)]
        for (name, one), two in zip(vars(seen[0][2]).items(), vars(seen[1][2]).values(), strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)
        np.testing.assert_array_equal(seen[0][1].cost, seen[1][1].cost)
        compared += 1
        situation, options, _ = team.look(1)
        results = [
            team.world.step([team.go(0, *seen[0][:2]), team.go(1, situation, options)]),
            other.world.step([other.go(0, *seen[1][:2]), np.empty((0, 2))]),
        ]
        away = np.hypot(rows - other.world.position[0, 0], cols - other.world.position[0, 1])
        pick = np.flatnonzero(away > 110)[1777 * step]
        other.world.position[1] = rows[pick], cols[pick]
        moved += np.hypot(*(other.world.position[1] - team.world.position[1])) > 20
        if any(result.component[0] == result.component[1] for result in results):
            break
    assert compared >= 6 and moved >= 5

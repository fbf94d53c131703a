"""What every registered fleet policy promises: a policy is tested by being listed."""

import numpy as np
import pytest

from pilotfish.policies.fleet import FleetObservation, FleetPolicy, Proposal
from pilotfish.policies.registry import FLEET_POLICIES, make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.rollout import rollout

GRID = load_map("gen:random?size=14&density=0.15&seed=2")


@pytest.fixture(params=FLEET_POLICIES)
def policy(request) -> FleetPolicy:
    return make_fleet_policy(request.param)


def test_is_a_fleet_policy(policy):
    assert isinstance(policy, FleetPolicy)
    assert policy.name in FLEET_POLICIES
    assert policy.information in ("window", "neighbours")


def test_same_seed_same_episode(policy):
    runs = [rollout(GridFleet(GRID, 30), policy, seed=4, steps=60).goals.tolist() for _ in range(2)]
    assert runs[0] == runs[1]


def test_proposals_have_the_promised_shape_and_avoid_walls(policy):
    world = GridFleet(GRID, 30)
    observation = world.reset(0)
    policy.reset(GRID, 30, 0)
    proposal = policy.propose(observation)
    assert proposal.scores.shape == (30, 5) and proposal.scores.dtype == np.float32
    assert proposal.priority.shape == (30,)
    assert not np.isnan(proposal.scores).any()
    actions = policy.resolve(observation, proposal)
    assert actions.shape == (30,) and actions.dtype == np.int8
    assert ((actions >= 0) & (actions <= 4)).all()


def test_negotiated_actions_never_collide(policy):
    if policy.information != "neighbours":
        return
    world = GridFleet(GRID, 45)
    observation = world.reset(1)
    policy.reset(GRID, 45, 1)
    moves = np.array([0, -GRID.width, GRID.width, -1, 1])
    for _ in range(100):
        actions = policy.act(observation)
        wanted = observation.cell + moves[actions]
        observation = world.step(actions)
        assert (observation.cell == wanted).all(), "the world had to hold somebody back"


def test_one_robot_with_heard_neighbours(policy):
    """As in a robot's node: propose for itself, resolve together with proposals it heard."""
    policy.reset(GRID, 1, 0)
    world = GridFleet(GRID, 3)
    seen = world.reset(0)
    own = FleetObservation(seen.cell[:1], seen.goal[:1], seen.window[:1])
    proposal = policy.propose(own)
    together = Proposal(
        np.concatenate([proposal.scores, np.zeros((2, 5), dtype=np.float32)]),
        np.concatenate([proposal.priority, np.ones(2, dtype=np.float32)]),
    )
    assert 0 <= policy.resolve(seen, together)[0] <= 4


def test_a_moved_robot_is_no_error(policy):
    """A teleported robot, or a goal in another component, must not crash a policy."""
    walled = load_map("gen:random?size=14&density=0.4&seed=5")
    free = walled.free_cells
    policy.reset(walled, 1, 0)
    window = np.zeros((1, 11, 11), dtype=np.uint8)
    window[0, 5, 5] = 1
    for cell, goal in zip(free[::7], free[::-1][::7], strict=False):
        observation = FleetObservation(np.array([cell]), np.array([goal]), window)
        assert policy.act(observation).shape == (1,)


def test_unknown_policy_lists_the_known_ones():
    with pytest.raises(ValueError, match="'folower'.*follower, follower_pibt"):
        make_fleet_policy("folower")

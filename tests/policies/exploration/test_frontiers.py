"""Clusters of frontiers."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import CLEAR, FREE, OCCUPIED
from pilotfish.policies.exploration.frontiers import CLUSTER_REACH, POCKET, find_frontiers
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.search import FAR
from pilotfish.worlds.exploration.sensor import ray_table, scan

SHAPE = (120, 160)
SHAPE_IN_BLOCKS = (30, 40)


def rooms() -> np.ndarray:
    """Two rooms side by side with a door of 12 px."""
    walls = np.ones(SHAPE, bool)
    walls[8:112, 8:76] = walls[8:112, 84:152] = False
    walls[50:62, 76:84] = False
    return walls


def seen_from(walls: np.ndarray, *places: tuple[int, int]) -> Navigation:
    belief = TeamBelief(0, 1, walls.shape)
    for row, col in places:
        scan(walls, *ray_table(), row, col, belief.pixels, belief.known, belief.free[0], belief.changed)
        belief.report(np.array([row, col], float), 0.0, 0.0)
    navigation = Navigation(belief)
    navigation.update()
    return navigation


def field_of(navigation: Navigation) -> np.ndarray:
    belief = navigation.belief
    return navigation.field(navigation.block_at(belief.position[belief.me]))


def test_a_closed_room_has_none():
    walls = rooms()
    walls[50:62, 76:84] = True
    navigation = seen_from(walls, (60, 40), (30, 30), (90, 30), (30, 60), (90, 60))
    assert len(find_frontiers(navigation, field_of(navigation))) == 0


def test_a_door_is_one_and_the_room_behind_it_is_the_pocket():
    navigation = seen_from(rooms(), (20, 20), (100, 20), (56, 24))
    frontiers = find_frontiers(navigation, field_of(navigation))
    places = navigation.anchors(frontiers.block)
    behind = places[:, 1] > 70
    assert behind.any()
    assert (np.abs(places[behind, 0] - 56) < 40).all()
    assert frontiers.pocket[behind].max() > 50


def test_what_cannot_be_reached_is_left_out():
    navigation = seen_from(rooms(), (56, 40))
    field = np.full_like(field_of(navigation), FAR)
    assert len(find_frontiers(navigation, field)) == 0


def test_where_a_robot_has_stood_is_none():
    navigation = seen_from(rooms(), (56, 40))
    field = field_of(navigation)
    block = int(find_frontiers(navigation, field).block[0])
    navigation.spent.ravel()[block] = True
    assert block not in find_frontiers(navigation, field).block


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.4]))
@example(9533, 0.4)  # no frontier at all
def test_clusters_share_out_all_frontiers_that_can_be_reached(seed, density):
    rng = np.random.default_rng(seed)
    walls = np.zeros(SHAPE, bool)
    while walls.mean() < density:
        top, left = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        walls[top : top + rng.integers(1, 20), left : left + rng.integers(1, 20)] = True
    row, col = np.argwhere(~walls)[rng.integers((~walls).sum())]
    navigation = seen_from(walls, (int(row), int(col)))
    field = field_of(navigation)
    frontiers = find_frontiers(navigation, field)
    expected = (navigation.frontier == CLEAR) & ~navigation.spent & (field.reshape(30, 40) < FAR)
    np.testing.assert_array_equal(np.sort(frontiers.members), np.flatnonzero(expected))
    assert ((frontiers.pocket >= 0) & (frontiers.pocket <= POCKET + 8)).all()
    ends = np.cumsum(frontiers.size)
    for block, first, end in zip(frontiers.block, ends - frontiers.size, ends, strict=True):
        members = frontiers.members[first:end]
        assert block in members
        assert (np.ptp(np.unravel_index(members, SHAPE_IN_BLOCKS), axis=1) <= 2 * CLUSTER_REACH).all()


@pytest.mark.parametrize("kind", [FREE, OCCUPIED])
def test_a_map_that_is_all_known_has_none(kind):
    belief = TeamBelief(0, 1, SHAPE)
    belief.pixels[:], belief.known[:], belief.changed[:] = kind, 16, True
    belief.report(np.array([50.0, 50.0]), 0.0, 0.0)
    navigation = Navigation(belief)
    navigation.update()
    assert len(find_frontiers(navigation, field_of(navigation))) == 0

"""Distances and paths on blocks, against SciPy's Dijkstra."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, SCALE, line_is_free
from pilotfish.policies.exploration.navigation import Navigation, pixels_of
from pilotfish.policies.exploration.search import FAR, OpenSearch, distance_field, path_down, pull_straight

SHAPE = (48, 60)


def navigation_on(seed: int, density: float) -> Navigation:
    """All of a map of random rectangles of wall is known."""
    rng = np.random.default_rng(seed)
    pixels = np.full(SHAPE, FREE, np.uint8)
    while (pixels == OCCUPIED).mean() < density:
        top, left = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        pixels[top : top + rng.integers(1, 9), left : left + rng.integers(1, 9)] = OCCUPIED
    belief = TeamBelief(0, 1, SHAPE)
    belief.pixels[:] = pixels
    belief.known[:] = 16
    belief.changed[:] = True
    belief.report(np.zeros(2), 0.0, 0.0)
    navigation = Navigation(belief)
    navigation.update()
    return navigation


def edges_of(links: np.ndarray) -> coo_array:
    width, n = links.shape[1], links.shape[0] * links.shape[1]
    steps = np.array([a * width + b for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b])
    i, j, k = np.nonzero(links)
    block = i * width + j
    return coo_array((links[i, j, k].astype(float), (block, block + steps[k])), shape=(n, n))


maps = st.tuples(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.5]))


@settings(max_examples=40, deadline=None)
@given(maps, st.integers(0, 10_000), st.integers(1, 3))
def test_distances_are_dijkstras(drawn, pick, count):
    navigation = navigation_on(*drawn)
    standing = np.flatnonzero(navigation.anchor.ravel() >= 0)
    sources = np.random.default_rng(pick).choice(standing, count)
    distance, origin = distance_field(navigation.links, sources)
    expected = dijkstra(edges_of(navigation.links).tocsr(), indices=sources)
    reached = np.isfinite(expected.min(axis=0))
    np.testing.assert_array_equal(distance[reached], expected.min(axis=0)[reached])
    assert (distance[~reached] == FAR).all() and (origin[~reached] == -1).all()
    blocks = np.flatnonzero(reached)
    np.testing.assert_array_equal(expected[origin[blocks], blocks], distance[blocks])


@settings(max_examples=40, deadline=None)
@given(maps, st.integers(0, 10_000))
def test_a_search_that_stops_early_and_goes_on_finds_the_same(drawn, pick):
    navigation = navigation_on(*drawn)
    standing = np.flatnonzero(navigation.anchor.ravel() >= 0)
    rng = np.random.default_rng(pick)
    source = int(rng.choice(standing))
    field = navigation.field(source)
    search = OpenSearch(navigation.links, source)
    for count in (3, 6, 1, len(standing)):
        blocks = rng.choice(standing, count, replace=False)
        np.testing.assert_array_equal(search.to(blocks), field[blocks])
    assert (OpenSearch(navigation.links, -1).to(standing) == FAR).all()


@settings(max_examples=40, deadline=None)
@given(maps, st.integers(0, 10_000))
def test_paths_are_as_long_as_the_distance_says_and_free_when_pulled_straight(drawn, pick):
    navigation = navigation_on(*drawn)
    standing = np.flatnonzero(navigation.anchor.ravel() >= 0)
    source, target = np.random.default_rng(pick).choice(standing, 2)
    field = navigation.field(int(source))
    path = path_down(field, navigation.anchor, navigation.links, int(target))
    if field[target] >= FAR:
        assert len(path) == 0
        return
    ends = navigation.anchors(np.array([target, source]))
    np.testing.assert_array_equal(path[[0, -1]], ends)
    length = np.hypot(*np.diff(path, axis=0).T).sum()
    # Links are rounded to whole 1/SCALE px.
    assert abs(length - field[target] / SCALE) <= len(path) * 0.5 / SCALE + 1e-6
    corners = pull_straight(navigation.space, path[::-1], *path[-1], 24)
    whole = np.concatenate([path[-1:], corners])
    assert np.hypot(*np.diff(whole, axis=0).T).sum() <= length + 1e-6
    for (r0, c0), (r1, c1) in zip(whole[:-1], whole[1:], strict=True):
        assert line_is_free(navigation.space, r0, c0, r1, c1) or line_is_free(
            navigation.space, r1, c1, r0, c0
        )


def test_nothing_leads_from_nowhere():
    navigation = navigation_on(0, 0.0)
    assert (navigation.field(-1) == FAR).all()
    assert np.isinf(pixels_of(navigation.field(-1))).all()
    assert navigation.path(np.zeros(2), navigation.field(-1), 5).shape == (0, 2)


def test_many_blocks_at_one_distance():
    links = np.zeros((80, 80, 8), np.uint8)
    links[:, 1:, 3] = links[:, :-1, 4] = links[1:, :, 1] = links[:-1, :, 6] = 16
    distance, origin = distance_field(links, np.arange(0, 6400, 2))
    assert set(distance.tolist()) == {0, 16} and (origin >= 0).all()


def test_a_robot_in_an_obstacle_plans_from_the_nearest_place_to_stand():
    navigation = navigation_on(0, 0.0)
    belief = navigation.belief
    belief.pixels[:, 20:40] = OCCUPIED
    belief.changed[:] = True
    navigation.update()
    inside = np.array([24.0, 23.0])
    start = navigation.block_at(inside)
    assert start % navigation.width == 4, "the last free column of blocks"
    path = navigation.path(inside, navigation.field(start), 0)
    np.testing.assert_array_equal(path[0], navigation.anchors(np.array([start]))[0])
    np.testing.assert_array_equal(path[-1], navigation.anchors(np.array([0]))[0])

"""The belief graph on random maps."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.navigation import Navigation, pixels_of
from pilotfish.policies.exploration.search import FAR
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2 import graph as graph_module
from pilotfish.policies.ir2.graph import MOST_EDGES, MOST_NODES, BeliefGraph, build_graph


def situation_on(shape: tuple[int, int], density: float, known: float, seed: int) -> Situation:
    """Three robots in a partly known map of random walls."""
    rng = np.random.default_rng(seed)
    pixels = np.full(shape, FREE, np.uint8)
    while (pixels == OCCUPIED).mean() < density:
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        pixels[top : top + rng.integers(1, 17), left : left + rng.integers(1, 17)] = OCCUPIED
    unseen = rng.random((shape[0] // 20, shape[1] // 20)) > known
    pixels[np.kron(unseen, np.ones((20, 20), bool))] = UNKNOWN
    belief = TeamBelief(0, 3, shape)
    belief.pixels[:] = pixels
    belief.known[:] = (pixels.reshape(shape[0] // 4, 4, shape[1] // 4, 4) != UNKNOWN).sum(axis=(1, 3))
    belief.changed[:] = True
    belief.position[:] = rng.uniform(0, shape, (3, 2))
    belief.report(belief.position[0], 0.0, 0.0)
    return Situation.of(belief, Navigation(belief))


def some_blocks(situation: Situation, count: int, seed: int) -> np.ndarray:
    """The robot's block, and others in which one can stand; reachable or not."""
    navigation = situation.navigation
    own = navigation.block_at(situation.belief.position[0])
    others = np.setdiff1d(np.flatnonzero(navigation.anchor.ravel() >= 0), [own])
    others = np.random.default_rng(seed).permutation(others)[: count - 1]
    return np.concatenate([[own], others])


def parts_of_space(links: np.ndarray) -> np.ndarray:
    """Which connected part of the known free space each block is in."""
    width, count = links.shape[1], links.shape[0] * links.shape[1]
    steps = np.array([a * width + b for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b])
    i, j, k = np.nonzero(links)
    block = i * width + j
    matrix = coo_array((np.ones(len(block)), (block, block + steps[k])), shape=(count, count))
    return connected_components(matrix.tocsr(), directed=False)[1]


def parts_of_graph(graph: BeliefGraph) -> np.ndarray:
    count = len(graph.block)
    matrix = csr_array((graph.length, (graph.edges[0], graph.edges[1])), shape=(count, count))
    return connected_components(matrix, directed=True, connection="strong")[1]


def check(situation: Situation, graph: BeliefGraph, given_blocks: np.ndarray) -> None:
    """All that is promised of a graph."""
    assert len(given_blocks) <= len(graph.block) <= MOST_NODES
    assert len(np.unique(graph.block)) == len(graph.block)
    np.testing.assert_array_equal(graph.block[: len(given_blocks)], given_blocks)
    assert graph.edges.shape == (2, len(graph.length)) and len(graph.length) <= MOST_EDGES
    assert np.isfinite(graph.length).all() and (graph.length > 0).all()
    np.testing.assert_array_equal(graph.cell[graph.block], np.arange(len(graph.block)))
    assert (graph.cell[situation.field < FAR] >= 0).all(), "every reachable place belongs to a node"
    space, nodes = parts_of_space(situation.navigation.links)[graph.block], parts_of_graph(graph)
    np.testing.assert_array_equal(space[:, None] == space, nodes[:, None] == nodes)
    # No way in the graph is shorter than the true one.
    true = pixels_of(situation.field[graph.block])
    reached = np.isfinite(graph.shortest[0])
    reached[0] = False  # a robot in an unknown place has no way even to there
    assert (graph.shortest[0][reached] >= true[reached] - 1e-3).all()


maps = st.tuples(
    st.sampled_from([(40, 40), (120, 200), (300, 300)]),
    st.sampled_from([0.0, 0.25, 0.5]),
    st.sampled_from([0.6, 1.0]),
    st.integers(0, 10_000),
)


@settings(max_examples=40, deadline=None)
@given(maps, st.sampled_from([1, 5, 60, MOST_NODES]))
def test_it_is_bounded_and_connected_wherever_the_free_space_is(drawn, count):
    situation = situation_on(*drawn)
    blocks = some_blocks(situation, count, drawn[-1])
    check(situation, build_graph(situation, blocks), blocks)


def test_a_large_open_map_thins_the_sparse_part_out():
    situation = situation_on((1200, 1200), 0.0, 1.0, 0)
    blocks = some_blocks(situation, 20, 0)
    graph = build_graph(situation, blocks)
    check(situation, graph, blocks)
    places = situation.navigation.anchors(graph.block)
    near = np.abs(places - places[0]).max(axis=1) < 80
    assert near.sum() > 8, "still dense around the robot"
    assert np.ptp(places, axis=0).min() > 600, "and reaching far"


@settings(max_examples=25, deadline=None)
@given(maps)
def test_thinned_to_the_fewest_edges_it_is_still_as_connected(drawn):
    situation = situation_on(*drawn)
    blocks = some_blocks(situation, 8, drawn[-1])
    whole = build_graph(situation, blocks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_module, "MOST_EDGES", 2 * (len(whole.block) - 1))
        graph = build_graph(situation, blocks)
    check(situation, graph, blocks)
    assert len(graph.length) <= max(2 * (len(whole.block) - 1), 0)


def test_thinning_keeps_the_spanning_tree_and_then_the_shortest():
    rng = np.random.default_rng(0)
    between = rng.permutation(MOST_NODES**2).reshape(MOST_NODES, MOST_NODES).astype(np.int32) + 1
    between = np.minimum(between, between.T)
    np.fill_diagonal(between, FAR)
    # A far node whose every edge is longer than all others.
    between[-1, :-1] = between[:-1, -1] = 100_000 + np.arange(MOST_NODES - 1)
    start, end = graph_module._thinned(between)
    kept = np.zeros(between.shape, bool)
    kept[start, end] = True
    assert len(start) == MOST_EDGES
    tree = minimum_spanning_tree(csr_array(np.where(between < FAR, between, 0))).toarray() > 0
    assert kept[tree].all() and (kept == kept.T).all()
    others = kept & ~tree & ~tree.T
    assert between[others].max() <= np.sort(between[~tree & ~tree.T])[others.sum()]


def test_ways_home():
    situation = situation_on((120, 200), 0.25, 1.0, 3)
    graph = build_graph(situation, some_blocks(situation, 30, 3))
    length = {(a, b): w for a, b, w in zip(*graph.edges.tolist(), graph.length.tolist(), strict=True)}
    ways = graph.shortest[0]
    assert np.isfinite(ways).sum() > 10
    assert graph.way_home(0) == [0]
    for node in range(len(graph.block)):
        way = graph.way_home(node)
        if not np.isfinite(ways[node]):
            assert way == []
            continue
        assert way[0] == node and way[-1] == 0
        driven = sum(length[a, b] for a, b in zip(way[1:], way[:-1], strict=True))
        assert driven == pytest.approx(ways[node], rel=1e-5)


def test_a_look_at_it_with_networkx():
    situation = situation_on((120, 200), 0.25, 1.0, 3)
    graph = build_graph(situation, some_blocks(situation, 5, 3))
    view = graph.to_networkx(situation)
    assert view.number_of_nodes() == len(graph.block)
    assert 2 * view.number_of_edges() == len(graph.length)
    assert nx.number_connected_components(view) == len(np.unique(parts_of_graph(graph)))
    place = situation.navigation.anchors(graph.block)
    assert view.nodes[3]["position"] == tuple(place[3])
    for a, b, length in view.edges(data="length"):
        assert length >= np.hypot(*(place[a] - place[b])) - 2.0, "no way is shorter than the straight one"

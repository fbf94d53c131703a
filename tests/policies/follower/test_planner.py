"""The planner against brute force: networkx for distances, whole-map searches for the local ones."""

import networkx as nx
import numpy as np
import pytest

from pilotfish.policies.follower.congestion import INF, PAD, against_lane, static_costs
from pilotfish.policies.follower.planner import Planner
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:random?size=12&density=0.25&seed=4")


def graph_of(grid: GridMap) -> nx.Graph:
    graph = nx.grid_2d_graph(*grid.walls.shape)
    graph.remove_nodes_from([tuple(n) for n in np.argwhere(grid.walls)])
    return graph


def test_static_costs_are_the_ratio_of_mean_distances():
    costs = static_costs(GRID).reshape(GRID.height + 2 * PAD, -1)[PAD:-PAD, PAD:-PAD]
    graph = graph_of(GRID)
    for part in nx.connected_components(graph):
        mean = {n: np.mean(list(nx.single_source_shortest_path_length(graph, n).values())) for n in part}
        for node, value in mean.items():
            expected = max(mean.values()) / value if value > 0 else 1.0
            assert costs[node] == pytest.approx(expected, rel=1e-5)
    assert (costs[GRID.walls] == INF).all()


@pytest.mark.parametrize("lane_cost", [0.0, 0.8])
def test_without_others_q_is_the_true_cost_to_goal(lane_cost):
    planner = Planner(GRID, 1, lane_cost=lane_cost)
    costs = planner.costs.reshape(-1, planner.width)
    directed = nx.DiGraph()
    for (r, c), (r2, c2) in graph_of(GRID).to_directed().edges:
        up, left = against_lane(r + PAD, c + PAD, np.float32(lane_cost))
        against = {(-1, 0): up, (1, 0): lane_cost - up, (0, -1): left, (0, 1): lane_cost - left}
        move = float(against[(r2 - r, c2 - c)])
        directed.add_edge((r, c), (r2, c2), weight=float(costs[r2 + PAD, c2 + PAD]) + move)
    fleet = GridFleet(GRID, 1)
    for seed in range(10):
        seen = fleet.reset(seed)
        planner.update(seen.cell, seen.goal, seen.window)
        start, goal = (tuple(map(int, divmod(x, GRID.width))) for x in (seen.cell[0], seen.goal[0]))
        expected = nx.shortest_path_length(directed, start, goal, weight="weight")
        assert planner.q[0, 1:].min() == pytest.approx(expected, rel=1e-4)


def test_local_search_agrees_with_searching_the_whole_map():
    """While all congestion that was seen lies in the window, both are exact."""
    grid = load_map("gen:rooms?size=11&seed=1")  # no larger than the window
    fleet = GridFleet(grid, 12)
    seen = fleet.reset(0)
    local, whole = (Planner(grid, 12, dynamic_weight=1.0, local=x) for x in (True, False))
    rng = np.random.default_rng(0)
    for _ in range(40):
        for planner in (local, whole):
            planner.update(seen.cell, seen.goal, seen.window)
        centre = np.abs(np.array(np.divmod(seen.cell, 11)) - 5).max(axis=0) == 0
        assert np.allclose(local.q[centre], whole.q[centre], rtol=1e-4)
        assert (local.q[local.q < INF] <= whole.q[local.q < INF] + 1e-2).all(), "not a lower bound"
        seen = fleet.step(rng.integers(0, 5, 12))


def test_congestion_is_forgotten_with_the_goal():
    planner = Planner(GridMap("open", np.zeros((11, 11), dtype=bool)), 1, lane_cost=0.0)
    window = np.zeros((1, 11, 11), dtype=np.uint8)
    window[0, 5, 5:7] = 1
    cell, goal = np.array([60]), np.array([64])
    planner.update(cell, goal, window)
    before = planner.q[0, 4]
    planner.update(cell, goal, window)
    assert planner.q[0, 4] == pytest.approx(before + planner.dynamic_weight, abs=1e-3)
    planner.update(cell, np.array([63]), np.zeros_like(window))
    assert planner.seen.sum() == 0


def test_path_leads_to_the_goal():
    planner = Planner(GridMap("open", np.zeros((11, 11), dtype=bool)), 1, lane_cost=0.0)
    window = np.zeros((1, 11, 11), dtype=np.uint8)
    planner.update(np.array([60]), np.array([63]), window)
    assert planner.path[0].sum() == 3 and planner.path[0, 5, 6:9].all()

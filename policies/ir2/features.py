"""What the network sees of a decision: the belief graph with features, and which nodes are options."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.navigation import pixels_of
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.graph import BeliefGraph, build_graph
from pilotfish.policies.ir2.options import HOME, KINDS, Options

MOST_OPTIONS = 60
N_NODE, N_GLOBAL, N_EDGE = 18 + KINDS, 21 + KINDS, 2

SCAN_RATE = 60.0
"""Free pixels that a robot finds in a second while it finds any, roughly."""

FAR_AWAY = 4.0
"""Scaled ways are cut off here."""

LEAST_SURPLUS = 0.01
"""Of the known map: less is not worth a meeting (IR2, section IV-B)."""


@dataclass(frozen=True)
class Features:
    """A decision as arrays.

    Attributes:
        nodes: float32 [K, N_NODE]; node 0 is the robot itself.
        edges: int64 [2, E]; edge_features: float32 [E, N_EDGE].
        context: float32 [N_GLOBAL].
        option: int64 [M] node of each option; prior: float32 [M] the planner's leaning (0 best, negative).
    """

    nodes: NDArray[np.float32]
    edges: NDArray[np.int64]
    edge_features: NDArray[np.float32]
    context: NDArray[np.float32]
    option: NDArray[np.int64]
    prior: NDArray[np.float32]


def make_features(
    situation: Situation,
    options: Options,
    expected: NDArray[np.float32],
    visits: NDArray[np.uint16],
    last: NDArray[np.float32],
) -> Features:
    """The features of a decision.

    Args:
        expected: float32 [M] unseen free pixels expected behind each option (``prospects``).
        visits: uint16 [h, w] how often the robot decided in each block.
        last: float32 [2] (row, col) the last target [px], NaN for none.
    """
    belief, navigation = situation.belief, situation.navigation
    own = navigation.block_at(belief.position[belief.me])
    peers = situation.peer_block.copy()
    peers[belief.me] = -1
    where = np.where(options.block >= 0, options.block, own)
    given, first = np.unique(np.concatenate([[own], where, peers[peers >= 0]]), return_index=True)
    given = given[np.argsort(first, kind="stable")]
    graph = build_graph(situation, given)
    node_of = {int(block): node for node, block in enumerate(given)}
    option = np.array([node_of[int(block)] for block in where])
    peer_nodes = [(peer, node_of[int(block)]) for peer, block in enumerate(peers) if block >= 0]
    places = navigation.anchors(graph.block)

    nodes = np.zeros((len(graph.block), N_NODE), np.float32)
    nodes[:, 0:2] = (places - belief.position[belief.me]) / 250.0
    _paper_features(nodes, situation, graph, visits, peer_nodes)
    nodes[:, 6] = np.minimum(pixels_of(situation.field[graph.block]) / 250.0, FAR_AWAY)
    gap = np.clip((options.cost - options.cost.min()) / 100.0, 0.0, 5.0)
    # Where two options share a node, the cheaper one shows.
    for k in np.argsort(-options.cost, kind="stable"):
        row = nodes[option[k]]
        row[12:15] = 0.0
        row[17] = np.log1p(expected[k]) / 8.0
        row[18:] = np.arange(KINDS) == options.kind[k]
        row[7] = float(k == options.best)
        row[8], row[9], row[10] = gap[k], options.size[k] / 20.0, options.pocket[k] / 400.0
        if options.peer[k] >= 0:
            _about_peer(row, situation, int(options.peer[k]))
    if np.isfinite(last).all():
        nodes[:, 11] = np.exp(-np.hypot(*(places - last).T) / 20.0)
    for peer, node in peer_nodes:
        _about_peer(nodes[node], situation, peer)
    _team_features(nodes, situation, graph, places)
    return Features(
        nodes,
        *_edges(graph, nodes[:, 6]),
        _context(situation, options),
        option,
        _leaning(options),
    )


def _paper_features(
    nodes: NDArray, situation: Situation, graph: BeliefGraph, visits: NDArray, peer_nodes: list
) -> None:
    """Utility, rendezvous value, visits and occupancy of IR2, section IV-B."""
    count = len(nodes)
    cells = graph.cell[situation.frontiers.members]
    nodes[:, 2] = np.bincount(cells[cells >= 0], minlength=count) / 50.0
    visited = np.flatnonzero(visits.ravel())
    cells = graph.cell[visited]
    seen = cells >= 0
    nodes[:, 4] = np.log1p(np.bincount(cells[seen], visits.ravel()[visited][seen], count)) / 3.0
    nodes[0, 5] = -1.0
    belief = situation.belief
    surplus = situation.surplus / max(belief.free_pixels, 1)
    for peer, node in peer_nodes:
        nodes[node, 5] = 1.0
        if belief.connected[peer] or surplus[peer] < LEAST_SURPLUS:
            continue
        # The value decays along the way from the peer to the robot.
        way = graph.way_home(node)
        share = graph.shortest[0][way] / max(float(graph.shortest[0][node]), 1.0)
        nodes[way, 3] += 8.0 * surplus[peer] * share


def _about_peer(row: NDArray, situation: Situation, peer: int) -> None:
    belief = situation.belief
    row[12] = min((belief.now - belief.met[peer]) / 500.0, FAR_AWAY)
    row[13] = float(belief.connected[peer])
    row[14] = situation.surplus[peer] / max(belief.free_pixels, 1)


def _team_features(nodes: NDArray, situation: Situation, graph: BeliefGraph, places: NDArray) -> None:
    """How much nearer others are, and how near places are to robots out of reach."""
    belief = situation.belief
    others = [peer for peer in np.flatnonzero(belief.connected).tolist() if peer != belief.me]
    if others:
        lead = np.min([situation.ways(p, graph.block) for p in others], axis=0) / 250.0
        nodes[:, 15] = np.clip(np.minimum(lead, FAR_AWAY) - nodes[:, 6], -1.0, 1.0)
    away = ~belief.connected & np.isfinite(belief.position).all(axis=1)
    nodes[:, 16] = _nearest(places, belief.position[away])


def _nearest(places: NDArray, points: NDArray) -> NDArray[np.float32]:
    """Straight way from each place to the nearest of some points, scaled; 2 where there are none."""
    if not len(points):
        return np.full(len(places), 2.0, np.float32)
    apart = np.hypot(*(places[:, None] - points[None]).transpose(2, 0, 1))
    return np.minimum(apart.min(axis=1) / 250.0, 2.0).astype(np.float32)


def _leaning(options: Options) -> NDArray[np.float32]:
    """float32 [M] how much the planner leans to each option, as logits: its choice first, then by price."""
    gap = options.cost - options.cost.min()
    leaning = -1.5 - np.minimum(gap / 10.0, 6.0)
    leaning[options.best] = 0.0
    return leaning.astype(np.float32)


def _edges(graph: BeliefGraph, way: NDArray) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The graph's edges, and one each from and to every node for the robot itself, which sees all."""
    count = len(way)
    others = np.arange(1, count)
    zeros = np.zeros(count - 1, np.int64)
    edges = np.concatenate([graph.edges, [zeros, others], [others, zeros]], axis=1)
    features = np.zeros((edges.shape[1], N_EDGE), np.float32)
    inner = len(graph.length)
    features[:inner, 0] = np.minimum(graph.length / 250.0, FAR_AWAY)
    features[inner:, 0] = np.concatenate([way[1:], way[1:]])
    features[inner:, 1] = 1.0
    return edges, features


def _context(situation: Situation, options: Options) -> NDArray[np.float32]:
    """float32 [N_GLOBAL] how far the team may be, for all options.

    Times are set against what the team could have scanned meanwhile, ways against the map's edge: the same
    numbers on small maps and on large ones.
    """
    belief = situation.belief
    area = float(belief.pixels.size)
    edge, known, now = area**0.5, max(belief.free_pixels, 1), belief.now
    scanned = SCAN_RATE * belief.robots * now
    away = ~belief.connected
    apart = np.sort(np.where(away, now - belief.met, 0.0))[::-1]
    surplus = situation.surplus[away] / known if away.any() else np.zeros(1)
    linked = np.hypot(*(belief.position[belief.connected] - belief.position[belief.me]).T)
    home = options.way[options.kind == HOME]
    values = [
        known / area,
        now / edge / 5.0,
        scanned / area / 2.0,
        min(scanned / known / 4.0, FAR_AWAY),
        away.mean(),
        apart[0] / edge / 4.0,
        apart[min(1, len(apart) - 1)] / edge / 4.0,
        apart.mean() / edge / 4.0,
        apart[0] / max(now, 1.0),
        apart.mean() / max(now, 1.0),
        surplus.max(),
        surplus.min(),
        situation.surplus.mean() / known,
        float(np.nanmax(linked)) / 150.0,
        (float(home[0]) if len(home) else 0.0) / edge,
        belief.robots / 5.0,
        len(situation.frontiers) / 20.0,
        situation.frontiers.size.sum() / 200.0,
        situation.frontiers.pocket.sum() / 2000.0,
        float(situation.distance.min(initial=2.0 * edge)) / edge,
        float((options.peer >= 0).mean()),
    ]
    kind = np.arange(KINDS) == options.kind[options.best]
    return np.concatenate([np.minimum(values, FAR_AWAY), kind]).astype(np.float32)

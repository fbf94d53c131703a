"""The belief graph: a bounded picture of all that a robot knows of its world.

Nodes are dense around the robot and its peers, sparse elsewhere, and stand at every option and peer; their
number never exceeds MOST_NODES: where the map grows, the sparse part thins out. Every known place belongs to
its nearest node, and nodes whose places touch are neighbours, at the length of the shortest way over the
border (a Voronoi diagram on the ways). So the graph is connected wherever the known free space is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from pilotfish.policies.exploration.blocks import NEIGHBOUR_COL, NEIGHBOUR_ROW, SCALE
from pilotfish.policies.exploration.search import FAR, distance_field
from pilotfish.policies.exploration.situation import Situation

if TYPE_CHECKING:
    import networkx

MOST_NODES = 96
MOST_EDGES = 640
"""Directed edges; a planar graph of MOST_NODES has fewer."""

DENSE_PITCH, DENSE_REACH, PEER_REACH = 5, 20, 5
"""Around the robot and its peers: a node every 20 px, within 80 and 20 px [blocks]."""

SPARSE_PITCH = 10
"""Elsewhere: a node every 40 px at first, further apart when there are too many [blocks]."""


@dataclass(frozen=True)
class BeliefGraph:
    """K nodes and E directed edges.

    Attributes:
        block: int64 [K]; first the given ones in their order, then the others.
        edges: int64 [2, E] from, to.
        length: float32 [E] [px].
        cell: int16 [h * w] node that each block belongs to, -1 for none.
    """

    block: NDArray[np.int64]
    edges: NDArray[np.int64]
    length: NDArray[np.float32]
    cell: NDArray[np.int16]

    def way_home(self, node: int) -> list[int]:
        """Nodes on the shortest way from a node to node 0, both included; none where nothing leads."""
        ways, before = self.shortest
        if not np.isfinite(ways[node]):
            return []
        nodes = [node]
        while nodes[-1] != 0:
            nodes.append(int(before[nodes[-1]]))
        return nodes

    @cached_property
    def shortest(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """[K] ways from node 0 to each [px], and the node before each on it."""
        count = len(self.block)
        matrix = csr_array((self.length, (self.edges[0], self.edges[1])), shape=(count, count))
        return dijkstra(matrix, indices=0, return_predecessors=True)

    def to_networkx(self, situation: Situation) -> networkx.Graph:
        """For a look at it: nodes have ``position`` (row, col) [px], edges ``length`` [px]."""
        import networkx as nx

        graph = nx.Graph()
        for node, position in enumerate(situation.navigation.anchors(self.block)):
            graph.add_node(node, position=tuple(position.tolist()))
        for start, end, length in zip(*self.edges.tolist(), self.length.tolist(), strict=True):
            graph.add_edge(start, end, length=length)
        return graph


def build_graph(situation: Situation, given: NDArray[np.int64]) -> BeliefGraph:
    """The graph of a situation.

    Args:
        given: int64 [G] different blocks that must be nodes, at most MOST_NODES; the robot's own first.
    """
    navigation = situation.navigation
    peers = situation.peer_block
    around = np.unique(peers[peers >= 0])
    near = _near(navigation.anchor.shape, given[0], around)
    pitch = SPARSE_PITCH
    taken = np.zeros(navigation.anchor.size, bool)
    taken[given] = True
    while True:
        fill = _lattice(situation.field, near, pitch)
        fill = fill[~taken[fill]]
        if len(given) + len(fill) <= MOST_NODES:
            break
        pitch *= 2
        if pitch > max(navigation.anchor.shape):
            fill = fill[: MOST_NODES - len(given)]
            break
    block = np.concatenate([given, fill])
    distance, cell = distance_field(navigation.links, block)
    between = _borders(navigation.links, distance, cell, len(block))
    start, end = np.nonzero(between < FAR)
    if len(start) > MOST_EDGES:
        start, end = _thinned(between)
    return BeliefGraph(block, np.stack([start, end]), (between[start, end] / SCALE).astype(np.float32), cell)


def _thinned(between: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The shortest edges, in both directions, and all of a shortest spanning tree: nothing is cut off."""
    weights = np.where(between < FAR, between, 0)
    tree = minimum_spanning_tree(csr_array(weights)).toarray() > 0
    one, other = np.nonzero(np.triu(weights))
    order = np.where((tree | tree.T)[one, other], 0, between[one, other])
    chosen = np.argsort(order, kind="stable")[: MOST_EDGES // 2]
    one, other = one[chosen], other[chosen]
    return np.concatenate([one, other]), np.concatenate([other, one])


def _near(shape: tuple[int, int], own: int, peers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool [h, w]: blocks around the robots, where the lattice is dense."""
    near = np.zeros(shape, bool)
    for block, reach in [(own, DENSE_REACH), *((peer, PEER_REACH) for peer in peers.tolist())]:
        row, col = divmod(int(block), shape[1])
        near[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1] = True
    return near


@njit(cache=True)
def _lattice(field, near, pitch):
    """One reachable block of each lattice cell, the nearest to its middle; dense around robots."""
    height, width = near.shape
    dense_rows, dense_cols = height // DENSE_PITCH + 1, width // DENSE_PITCH + 1
    rows, cols = height // pitch + 1, width // pitch + 1
    chosen = np.full(dense_rows * dense_cols + rows * cols, -1, np.int64)
    best = np.full(len(chosen), 1e9)
    for i in range(height):
        for j in range(width):
            if field[i * width + j] >= FAR:
                continue
            if near[i, j]:
                edge, slot = DENSE_PITCH, i // DENSE_PITCH * dense_cols + j // DENSE_PITCH
            else:
                edge, slot = pitch, dense_rows * dense_cols + i // pitch * cols + j // pitch
            away = (i % edge - (edge - 1) / 2) ** 2 + (j % edge - (edge - 1) / 2) ** 2
            if away < best[slot]:
                best[slot] = away
                chosen[slot] = i * width + j
    return chosen[chosen >= 0]


@njit(cache=True)
def _borders(links, distance, cell, nodes):
    """int32 [K, K] shortest way between two nodes whose cells touch [1/SCALE px], else FAR."""
    height, width = links.shape[:2]
    ways = links.reshape(height * width, 8)
    between = np.full((nodes, nodes), FAR, np.int32)
    for block in range(height * width):
        here = cell[block]
        if here < 0:
            continue
        for k in range(8):
            if ways[block, k] > 0:
                other = block + NEIGHBOUR_ROW[k] * width + NEIGHBOUR_COL[k]
                there = cell[other]
                if there != here:
                    length = distance[block] + ways[block, k] + distance[other]
                    if length < between[here, there]:
                        between[here, there] = between[there, here] = length
    return between

"""Networks of tunnels: where junctions lie, and which of them are joined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import Delaunay, QhullError

from pilotfish.worlds.maps.generators.carving import noise

Floats = NDArray[np.float64]
Edges = NDArray[np.int64]


def scattered(height: int, width: int, spacing: float, margin: float, rng: np.random.Generator) -> Floats:
    """Points [N, 2] as (row, column), one at an uneven place in each square of `spacing`, at least one."""
    rows = max(1, round((height - 2 * margin) / spacing))
    columns = max(1, round((width - 2 * margin) / spacing))
    square = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    place = (square + 0.5 + rng.uniform(-0.38, 0.38, square.shape)) / (rows, columns)
    return margin + place * (np.array([height, width]) - 2 * margin)


def thinned(
    points: Floats, size: tuple[int, int], scale: float, share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which points [N] stay when a share goes where a random field with hills of `scale` cells is lowest."""
    row, column = np.rint(points).astype(int).T
    field = noise(size, scale, rng)
    height = field[np.clip(row, 0, size[0] - 1), np.clip(column, 0, size[1] - 1)]
    return height >= np.quantile(height, share)


def neighbours(points: Floats, longest: float) -> Edges:
    """Pairs [E, 2] of points that no other point lies between, at most `longest` apart."""
    try:
        corners = Delaunay(points).simplices
        pairs = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
    except (QhullError, ValueError):  # fewer than three points, or all in a line
        order = np.lexsort(points.T)
        pairs = np.stack([order[:-1], order[1:]], axis=1)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)
    return pairs[np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T) <= longest]


def joined(
    count: int, pairs: Edges, weights: Floats, loops: float | Floats, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which pairs [E] to build: a tree of the lightest ones, and of the others the share `loops`.

    Args:
        count: number of points.
        weights: positive, one a pair [E].
        loops: one share, or one a pair [E].
    """
    if not len(pairs):
        return np.zeros(0, bool)
    number = sparse.csr_array((np.arange(1, len(pairs) + 1), pairs.T), shape=(count, count))
    cost = sparse.csr_array((weights, pairs.T), shape=(count, count))
    tree = csgraph.minimum_spanning_tree(cost).tocoo()
    chosen = rng.random(len(pairs)) < loops
    chosen[np.asarray(number[tree.row, tree.col]).ravel() - 1] = True
    return chosen


def pruned(
    sizes: NDArray[np.int64],
    pairs: Edges,
    excess: float,
    fixed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Take points that only one pair joins away, one after another: what remains stays joined.

    Args:
        sizes: of each point [N].
        excess: sum of the sizes to take away; less goes where too few points are at an end.
        fixed: points that stay [N].

    Returns:
        which points [N] and which pairs [E] stay.
    """
    kept, built = np.ones(len(sizes), bool), np.ones(len(pairs), bool)
    while kept.sum() > 1:
        ends = np.bincount(pairs[built].ravel(), minlength=len(sizes)) <= 1
        ends &= kept & ~fixed & (sizes <= 1.2 * excess)
        if not ends.any():
            break
        gone = rng.choice(np.flatnonzero(ends))
        kept[gone] = False
        built &= (pairs != gone).all(axis=1)
        excess -= sizes[gone]
    return kept, built

"""Triangles of the 3D scene: boxes for walls, cartons on shelves, round robots."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.draw import PALETTE, agent_colours
from pilotfish.worlds.spec import Box, WorldSpec

Mesh = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Triangles [T, 3, 3] [m], counter-clockwise from outside, and their colours [T, 3] in 0..255."""

CARDBOARD = np.array([(214, 178, 128), (201, 160, 108), (226, 194, 148), (188, 150, 104)], dtype=np.float64)
HEIGHT = 1.5
"""How much taller robots are drawn than they would be in proportion, so that shelves do not hide them."""
SEGMENTS = 22
"""Sides of a round robot."""


def boxes_mesh(centres: NDArray, sizes: NDArray, colours: NDArray) -> Mesh:
    """Boxes with edges along the axes, all sides but the one they stand on; arguments [B, 3] each."""
    corner = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    quads = [(1, 5, 7, 3), (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6)]  # top, -x, +x, -y, +y
    index = np.array([(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads])
    triangles = (centres[:, None] + sizes[:, None] * corner)[:, index]
    return triangles.reshape(-1, 3, 3), np.repeat(np.asarray(colours, dtype=np.float64), len(index), axis=0)


def walls_mesh(spec: WorldSpec) -> Mesh:
    """Every wall inside of the floor; a border beyond it would hide the robots."""
    inside = [wall for wall in spec.walls if _stands_on_floor(wall, spec)]
    if not inside:
        return np.zeros((0, 3, 3)), np.zeros((0, 3))
    colours = np.tile(1.35 * np.array(PALETTE["wall"], dtype=np.float64), (len(inside), 1))
    return boxes_mesh(np.array([w.centre for w in inside]), np.array([w.size for w in inside]), colours)


def cartons_mesh(cells: NDArray[np.float64], edge: float, height: float, seed: int = 0) -> Mesh:
    """Goods on shelves: a carton or two on most of the cells [C, 2] [m], on top of ``height`` [m]."""
    rng = np.random.default_rng(seed)
    chosen = cells[rng.random(len(cells)) < 0.85]
    sizes = rng.uniform([0.5, 0.5, 0.1], [0.82, 0.82, 0.3], (len(chosen), 3)) * edge
    shift = rng.uniform(-0.06, 0.06, (len(chosen), 2)) * edge
    centres = np.concatenate([chosen + shift, height + sizes[:, 2:] / 2], axis=1)
    return boxes_mesh(centres, sizes, CARDBOARD[rng.integers(len(CARDBOARD), size=len(chosen))])


def robots_mesh(poses: NDArray[np.float64], radius: float) -> Mesh:
    """Robots at poses [N, 3] (x, y [m], yaw [rad]), each in its colour."""
    template, tint = _robot()
    cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    turn = np.zeros((len(poses), 3, 3))
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1], turn[:, 2, 2] = cos, -sin, sin, cos, 1.0
    places = np.concatenate([poses[:, :2], np.zeros((len(poses), 1))], axis=1)
    triangles = radius * np.einsum("nij,tcj->ntci", turn, template) + places[:, None, None]
    own = np.array(agent_colours(len(poses)), dtype=np.float64)
    # tint: [share of the robot's own colour, then a fixed colour that makes up the rest]
    colours = own[:, None] * tint[None, :, :1] + tint[None, :, 1:]
    return triangles.reshape(-1, 3, 3), colours.reshape(-1, 3)


def goals_mesh(places: NDArray[np.float64], size: float, colours: NDArray[np.float64]) -> Mesh:
    """A gem above each place [G, 2] [m], ``size`` [m] across, in its colour [G, 3]."""
    ring = 0.5 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [1, 0, 0]])
    top, bottom = np.array([0, 0, 0.8]), np.array([0, 0, -0.8])
    upper = np.stack([ring[:-1], ring[1:], np.broadcast_to(top, (4, 3))], axis=1)
    lower = np.stack([ring[1:], ring[:-1], np.broadcast_to(bottom, (4, 3))], axis=1)
    gem = size * (np.concatenate([upper, lower]) + [0.0, 0.0, 1.3])
    at = np.concatenate([places, np.zeros((len(places), 1))], axis=1)
    return (gem + at[:, None, None]).reshape(-1, 3, 3), np.repeat(colours, 8, axis=0)


@cache
def _robot() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One robot of radius 1 at the origin, facing +x: triangles [T, 3, 3] and tints [T, 4]."""
    dark, own, white = (0.0, 46.0, 52.0, 62.0), (1.08, 0.0, 0.0, 0.0), (0.0, 250.0, 250.0, 250.0)
    parts = [
        (_ring((1.0, 0.06), (1.0, 0.28)), dark),  # the skirt around the wheels
        (_ring((1.0, 0.28), (0.96, 0.72)), own),
        (_ring((0.96, 0.72), (0.78, 0.86)), own),
        (_ring((0.78, 0.86), (0.0, 0.86)), (0.8, 40.0, 40.0, 40.0)),
        # An arrow on the lid.
        (np.array([[[0.62, 0.0, 0.88], [-0.3, 0.36, 0.88], [-0.12, 0.0, 0.88]]]), white),
        (np.array([[[0.62, 0.0, 0.88], [-0.12, 0.0, 0.88], [-0.3, -0.36, 0.88]]]), white),
    ]
    tints = [np.tile(np.array(tint), (len(triangles), 1)) for triangles, tint in parts]
    triangles = np.concatenate([triangles for triangles, _ in parts]) * [1.0, 1.0, HEIGHT]
    return triangles, np.concatenate(tints)


def _ring(low: tuple[float, float], high: tuple[float, float]) -> NDArray[np.float64]:
    """Side of a truncated cone between two circles (radius, height); a disc where the upper radius is 0."""
    angle = np.linspace(0.0, 2 * np.pi, SEGMENTS + 1)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    bottom, top = (np.column_stack([r * circle, np.full(SEGMENTS + 1, z)]) for r, z in (low, high))
    outer = np.stack([bottom[:-1], bottom[1:], top[1:]], axis=1)
    return (
        outer if high[0] == 0 else np.concatenate([outer, np.stack([bottom[:-1], top[1:], top[:-1]], axis=1)])
    )


def _stands_on_floor(wall: Box, spec: WorldSpec) -> bool:
    return all(
        low < centre < low + size
        for low, centre, size in zip(spec.origin, wall.centre[:2], spec.size, strict=True)
    )

"""Where a robot can drive, and how far everything is, on what it knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import BLOCK, OCCUPIED, SCALE, inflate, update_blocks
from pilotfish.policies.exploration.search import (
    FAR,
    OpenSearch,
    distance_field,
    path_down,
    pull_straight,
)

GRAZE = 2
"""A way may go over a wall by so many pixels: lines between pixels are rounded [px]."""

LOOK_AHEAD = 24
"""Points of a path that are tried for a straight line: about 100 px."""


class Navigation:
    """Blocks, links and frontiers of one belief, brought up to date where it has changed.

    Args:
        belief: whose map is planned on.
        clearance: obstacles grow by this much [px]; 0 for a robot of a pixel.

    Attributes:
        space: uint8 [H, W] pixels with grown obstacles.
        pooled, anchor, links, frontier: as in ``blocks.update_blocks``.
        spent: bool [h, w], where the robot has stood: no frontier any more.
    """

    def __init__(self, belief: TeamBelief, clearance: int = 0) -> None:
        self.belief = belief
        self.clearance = clearance
        shape = belief.known.shape
        self.space = belief.pixels if clearance == 0 else np.zeros_like(belief.pixels)
        self.pooled = np.zeros(shape, np.uint8)
        self.anchor = np.full(shape, -1, np.int8)
        self.links = np.zeros((*shape, 8), np.uint8)
        self.frontier = np.zeros(shape, np.uint8)
        self.spent = np.zeros(shape, bool)
        belief.changed[:] = True  # somebody else may have planned on it, and have cleared the marks

    @property
    def width(self) -> int:
        """Blocks in a row."""
        return self.anchor.shape[1]

    def update(self) -> None:
        """Take in what has changed in the belief, and clear its marks.

        Where the robot stands nothing is left to see, whatever it looks like: without this it would come
        back forever to a corner that no ray reaches.
        """
        changed = self.belief.changed
        reach = 0
        if self.clearance:
            inflate(self.belief.pixels, self.space, changed, self.clearance)
            reach = -(-self.clearance // BLOCK)
        blocks = (self.pooled, self.anchor, self.links, self.frontier)
        update_blocks(self.space, self.belief.known, changed, reach, *blocks)
        i, j = np.rint(self.belief.position[self.belief.me]).astype(int) // BLOCK
        self.spent[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True

    def block_at(self, position: Sequence[float] | NDArray) -> int:
        """The block that a robot at (row, col) [px] plans from: its own, or the nearest with free space.

        A robot may stand where its map shows an obstacle (a wrong scan, a slipped pose): it plans from the
        nearest place that it could stand at. Returns -1 where nothing is free.
        """
        height, width = self.anchor.shape
        i = min(max(round(float(position[0])) // BLOCK, 0), height - 1)
        j = min(max(round(float(position[1])) // BLOCK, 0), width - 1)
        linked = self.links.view(np.uint64)[..., 0]  # all 8 at once
        if linked[i, j]:
            return i * width + j
        for reach in (2, 8, max(height, width)):
            top, left = max(i - reach, 0), max(j - reach, 0)
            rows, cols = np.nonzero(linked[top : i + reach + 1, left : j + reach + 1])
            if len(rows):
                nearest = np.argmin((rows + top - i) ** 2 + (cols + left - j) ** 2)
                return int((rows[nearest] + top) * width + cols[nearest] + left)
        return -1

    def anchors(self, blocks: NDArray) -> NDArray[np.float32]:
        """Where one stands in blocks [K]: float32 [K, 2] (row, col) [px]."""
        i, j = np.divmod(np.asarray(blocks, np.int64), self.width)
        offset = self.anchor[i, j].astype(np.int64)
        return np.stack([BLOCK * i + offset // BLOCK, BLOCK * j + offset % BLOCK], axis=-1).astype(np.float32)

    def field(self, block: int) -> NDArray[np.int32]:
        """int32 [h * w] distance of every block from one [1/SCALE px]; all FAR if it is -1."""
        if block < 0:
            return np.full(self.anchor.size, FAR, np.int32)
        return distance_field(self.links, np.array([block]))[0]

    def path(self, position: NDArray, field: NDArray[np.int32], target: int) -> NDArray[np.float32]:
        """Corners of the shortest way from a robot to a block.

        Args:
            position: (row, col) [px] where the robot is.
            field: ``self.field(self.block_at(position))``.
            target: block.

        Returns: float32 [M, 2] (row, col) [px], the target's anchor last; empty where nothing leads there.
        """
        return self._straight(position, path_down(field, self.anchor, self.links, target))

    def way(self, position: NDArray, target: int) -> NDArray[np.float32]:
        """The same as ``path``, without a field: searched from the robot no further than to the target."""
        search = OpenSearch(self.links, self.block_at(position))
        search.to(np.array([target]))
        return self._straight(position, path_down(search.distance, self.anchor, self.links, target))

    def _straight(self, position: NDArray, back: NDArray[np.int64]) -> NDArray[np.float32]:
        """Corners of a way from a robot, that leads over points [L, 2], the robot's last."""
        if not len(back):
            return np.empty((0, 2), np.float32)
        row, col = (int(v) for v in np.rint(position))
        path = back[::-1]
        inside = 0 <= row < self.space.shape[0] and 0 <= col < self.space.shape[1]
        if not inside or self.space[row, col] == OCCUPIED:
            return path.astype(np.float32)  # First of all back to where one can stand.
        corners = pull_straight(self.space, path, row, col, LOOK_AHEAD).astype(np.float32)
        if self._occupied(position, corners[0]) > GRAZE:
            # Along a wall, half a pixel beside what was checked: first onto the pixel's middle.
            corners = np.concatenate([np.array([[row, col]], np.float32), corners])
        return corners

    def _occupied(self, start: NDArray, end: NDArray) -> int:
        """How many pixels of obstacles a straight way goes over."""
        share = np.linspace(0.0, 1.0, int(np.hypot(*(end - start))) + 2)[:, None]
        rows, columns = np.rint(start + share * (end - start)).astype(int).T
        return int((self.space[rows, columns] == OCCUPIED).sum())


def pixels_of(distance: NDArray | int) -> NDArray[np.float32]:
    """Distances of a field in pixels, inf where nothing leads."""
    distance = np.asarray(distance)
    return np.where(distance >= FAR, np.inf, distance / SCALE).astype(np.float32)

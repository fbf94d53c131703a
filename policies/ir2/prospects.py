"""How much lies behind a frontier: the map around it, as a network sees it, and what it says.

Half of the frontiers of an explored building lead nowhere: slivers along walls that rays have grazed. A
planner has to drive to each of them, to be sure; a network that has seen thousands can tell most by their
looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK
from pilotfish.policies.exploration.frontiers import POCKET, spread
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.network import onnx_session

SIDE = 32
"""Of the coarse view, in blocks, 128 px, and of the wide one, in cells, 512 px."""

CELL = 4
"""Edge of a cell of the wide view, in blocks."""

FINE_SIDE = 64
"""Of the fine view, in pixels: a cluster of frontier is hardly larger."""

OUTSIDE = 255
"""What lies beyond the map."""

MOST_WIDE = OUTSIDE - 1
"""A cell has 256 pixels, which is two more than fit beside OUTSIDE."""

MEMBER, BEYOND = 1, 2
"""Marks of blocks: of the frontier itself, and of the unknown that spreads from it."""

N_EXTENT = 2


@dataclass(frozen=True)
class Views:
    """C frontiers as the network sees them.

    Attributes:
        coarse: uint8 [C, 3, SIDE, SIDE] of the blocks around: free and known pixels, 0 to 16, and MEMBER or
            BEYOND; or OUTSIDE.
        wide: uint8 [C, 2, SIDE, SIDE] of the cells around: free and known pixels, 0 to MOST_WIDE; or OUTSIDE.
        fine: uint8 [C, FINE_SIDE, FINE_SIDE] the pixels around, as in a belief, or OUTSIDE.
        extent: float32 [C, N_EXTENT] blocks of frontier, and of unknown behind it; scaled.
    """

    coarse: NDArray[np.uint8]
    wide: NDArray[np.uint8]
    fine: NDArray[np.uint8]
    extent: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.extent)


LOOKS = tuple(look.name for look in fields(Views))
"""What ``Views`` holds, in the order of the network's inputs."""


def look_at(situation: Situation, rows: NDArray[np.int64] | None = None) -> Views:
    """What a belief shows around the middle of each frontier, or of some of them."""
    belief, frontiers = situation.belief, situation.frontiers
    if rows is None:
        rows = np.arange(len(frontiers))
    ends = np.cumsum(frontiers.size)
    coarse, wide, fine = _cut_out(
        belief.free[belief.me],
        belief.known,
        belief.pixels,
        situation.navigation.pooled,
        frontiers.block[rows],
        frontiers.members,
        (ends - frontiers.size)[rows],
        ends[rows],
    )
    extent = np.stack([np.minimum(frontiers.size / 10.0, 2.0), frontiers.pocket / POCKET], axis=1)
    return Views(coarse, wide, fine, extent[rows].astype(np.float32))


@njit(cache=True)
def _cut_out(free, known, pixels, pooled, middle, members, starts, ends):
    """The views of ``Views`` around some blocks; their frontiers' members are those from starts to ends."""
    height, width = known.shape
    count = len(middle)
    coarse = np.full((count, 3, SIDE, SIDE), OUTSIDE, np.uint8)
    wide = np.full((count, 2, SIDE, SIDE), OUTSIDE, np.uint8)
    fine = np.full((count, FINE_SIDE, FINE_SIDE), OUTSIDE, np.uint8)
    marks = np.zeros((height, width), np.uint8)
    queue = np.empty(height * width, np.int64)
    for n in range(count):
        own = ends[n] - starts[n]
        queue[:own] = members[starts[n] : ends[n]]
        last = spread(queue, own, pooled, marks, BEYOND)
        for m in range(own):
            marks[queue[m] // width, queue[m] % width] = MEMBER
        row, col = middle[n] // width, middle[n] % width
        _cut(free, row, col, coarse[n, 0])
        _cut(known, row, col, coarse[n, 1])
        _cut(marks, row, col, coarse[n, 2])
        _cut_cells(free, row, col, wide[n, 0])
        _cut_cells(known, row, col, wide[n, 1])
        _cut(pixels, BLOCK * row + BLOCK // 2, BLOCK * col + BLOCK // 2, fine[n])
        for m in range(last):
            marks[queue[m] // width, queue[m] % width] = 0
    return coarse, wide, fine


@njit(cache=True)
def _cut(image, row, col, view):
    """Copy what lies around a place into a square view; what lies outside of the image stays as it is."""
    side, (height, width) = len(view), image.shape
    top, left = row - side // 2, col - side // 2
    up, down = max(top, 0), min(top + side, height)
    start, end = max(left, 0), min(left + side, width)
    view[up - top : down - top, start - left : end - left] = image[up:down, start:end]


@njit(cache=True)
def _cut_cells(blocks, row, col, view):
    """The same of sums over cells of blocks; cells that lie in the map by less than half stay as they are."""
    side = len(view)
    around = np.full((CELL * side, CELL * side), OUTSIDE, np.uint8)
    _cut(blocks, row, col, around)
    for i in range(side):
        for j in range(side):
            inside = total = np.uint32(0)
            for a in range(CELL):
                for b in range(CELL):
                    here = around[CELL * i + a, CELL * j + b]
                    inside += here != OUTSIDE
                    total += here if here != OUTSIDE else 0
            if 2 * inside >= CELL * CELL:
                view[i, j] = min(total, MOST_WIDE)


@njit(cache=True)
def _fingerprints(free, known, middle, size, pocket):
    """int64 [C] numbers that differ when frontiers do, by all blocks of the coarse view, which hold the fine.

    What changes further away is no reason to judge a frontier anew, and pixels themselves are not looked at:
    a robot's map may take one for another and keep the sums, which does not matter.
    """
    height, width = known.shape
    prints = np.empty(len(middle), np.int64)
    for n in range(len(middle)):
        row, col = middle[n] // width, middle[n] % width
        found = ((middle[n] << 20) + (size[n] << 10) + pocket[n]) | 1
        for i in range(max(row - SIDE // 2, 0), min(row + SIDE // 2, height)):
            for j in range(max(col - SIDE // 2, 0), min(col + SIDE // 2, width)):
                found = found * 1099511628211 + (free[i, j] * 17 + known[i, j])
        prints[n] = found
    return prints


class OnnxProspects:
    """The network by ONNX Runtime: views in, unseen free pixels expected float32 [C] out; no torch.

    Raises:
        FileNotFoundError, ValueError: as ``onnx_session``.
    """

    def __init__(self, path: Path) -> None:
        self._session = onnx_session(path)

    def __call__(self, views: Views) -> NDArray[np.float32]:
        return self._session.run(None, vars(views))[0]


class Foresight:
    """What is expected behind frontiers; what has been seen once is not asked again.

    Args:
        network: views of C frontiers -> unseen free pixels expected behind each float32 [C].
    """

    def __init__(self, network: Callable[[Views], NDArray[np.float32]]) -> None:
        self._network = network
        self._known: dict[int, float] = {}

    def __call__(self, situation: Situation) -> NDArray[np.float32]:
        """float32 [C]."""
        belief, frontiers = situation.belief, situation.frontiers
        size, pocket = frontiers.size, frontiers.pocket
        prints = _fingerprints(belief.free[belief.me], belief.known, frontiers.block, size, pocket).tolist()
        new = np.array([k for k, key in enumerate(prints) if key not in self._known], np.int64)
        if len(new):
            expected = self._network(look_at(situation, new)).tolist()
            self._known.update(zip([prints[k] for k in new], expected, strict=True))
        self._known = {key: self._known[key] for key in prints}  # what is gone does not come back as it was
        return np.array([self._known[key] for key in prints], np.float32)

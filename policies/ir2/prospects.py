"""How much lies behind a frontier: the map around it, as a network sees it, and what it says.

Half of the frontiers of an explored building lead nowhere: slivers along walls that rays have grazed. A
planner has to drive to each of them, to be sure; a network that has seen thousands can tell most by their
looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import BLOCK
from pilotfish.policies.exploration.frontiers import POCKET, Frontiers
from pilotfish.policies.network import onnx_session

SIDE = 32
"""Of both views: blocks of the coarse one, 128 px; pixels of the fine one."""

OUTSIDE = 255
"""What lies beyond the map."""

N_EXTENT = 2


@dataclass(frozen=True)
class Views:
    """C frontiers as the network sees them.

    Attributes:
        coarse: uint8 [C, 2, SIDE, SIDE] free and known pixels of the blocks around, 0 to 16, or OUTSIDE.
        fine: uint8 [C, SIDE, SIDE] the pixels around, as in a belief, or OUTSIDE.
        extent: float32 [C, N_EXTENT] blocks of frontier, and of unknown behind it; scaled.
    """

    coarse: NDArray[np.uint8]
    fine: NDArray[np.uint8]
    extent: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.extent)

    def subset(self, rows: NDArray[np.int64]) -> Views:
        """Some of them."""
        return Views(self.coarse[rows], self.fine[rows], self.extent[rows])


def look_at(belief: TeamBelief, frontiers: Frontiers) -> Views:
    """What a belief shows around the middle of each frontier."""
    coarse, fine = _cut_out(belief.free[belief.me], belief.known, belief.pixels, frontiers.block)
    extent = np.stack([np.minimum(frontiers.size / 10.0, 2.0), frontiers.pocket / POCKET], axis=1)
    return Views(coarse, fine, extent.astype(np.float32))


@njit(cache=True)
def _cut_out(free, known, pixels, blocks):
    """Both views of ``Views`` around each of some blocks."""
    height, width = known.shape
    half = SIDE // 2
    coarse = np.full((len(blocks), 2, SIDE, SIDE), OUTSIDE, np.uint8)
    fine = np.full((len(blocks), SIDE, SIDE), OUTSIDE, np.uint8)
    for n in range(len(blocks)):
        row, col = blocks[n] // width, blocks[n] % width
        for i in range(max(row - half, 0), min(row + half, height)):
            for j in range(max(col - half, 0), min(col + half, width)):
                coarse[n, 0, i - row + half, j - col + half] = free[i, j]
                coarse[n, 1, i - row + half, j - col + half] = known[i, j]
        row, col = BLOCK * row + BLOCK // 2, BLOCK * col + BLOCK // 2
        for i in range(max(row - half, 0), min(row + half, BLOCK * height)):
            for j in range(max(col - half, 0), min(col + half, BLOCK * width)):
                fine[n, i - row + half, j - col + half] = pixels[i, j]
    return coarse, fine


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

    def __call__(self, belief: TeamBelief, frontiers: Frontiers) -> NDArray[np.float32]:
        """float32 [C]."""
        views = look_at(belief, frontiers)
        keys = [
            hash((coarse.tobytes(), fine.tobytes(), extent.tobytes()))
            for coarse, fine, extent in zip(views.coarse, views.fine, views.extent, strict=True)
        ]
        new = np.array([k for k, key in enumerate(keys) if key not in self._known], np.int64)
        if len(new):
            expected = self._network(views.subset(new)).tolist()
            self._known.update(zip([keys[k] for k in new], expected, strict=True))
        found = {key: self._known[key] for key in keys}
        self._known = found  # frontiers that are gone do not come back as they were
        return np.array([found[key] for key in keys], np.float32)

"""What the robots of a simulated fleet see of each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.fleet import VIEW_RADIUS
from pilotfish.worlds.maps.grid_map import GridMap


def robots_in_view(grid: GridMap, poses: NDArray[np.float64]) -> list[dict[int, tuple[float, float]]]:
    """For each robot, the position (x, y) [m] of those whose cell is within the view radius of its own.

    Args:
        poses: float64 [N, 3], map frame.
    """
    row, col = np.divmod(grid.cell_at(poses[:, :2]), grid.width)
    apart = np.maximum(np.abs(row[:, None] - row), np.abs(col[:, None] - col))
    np.fill_diagonal(apart, VIEW_RADIUS + 1)
    xy = list(map(tuple, poses[:, :2].tolist()))
    return [{k: xy[k] for k in np.flatnonzero(near).tolist()} for near in apart <= VIEW_RADIUS]

"""Few rectangles that cover the true cells of a mask, each cell once."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def _grow_down(left, row, col, width):
    """Rows below and with `row` in which `width` cells from `col` are all left."""
    height = 1
    while row + height < left.shape[0] and left[row + height, col : col + width].all():
        height += 1
    return height


@njit(cache=True)
def _cover(left, rectangles):
    count = 0
    for row in range(left.shape[0]):
        for col in range(left.shape[1]):
            if not left[row, col]:
                continue
            # The largest rectangle with this cell as its first, over all widths.
            best_width, best_height, width = 1, 1, 0
            while col + width < left.shape[1] and left[row, col + width]:
                width += 1
                height = _grow_down(left, row, col, width)
                if width * height > best_width * best_height:
                    best_width, best_height = width, height
            left[row : row + best_height, col : col + best_width] = False
            rectangles[count] = (row, col, best_height, best_width)
            count += 1
    return count


def cover(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Greedy cover of a mask [H, W], row-major: (row, column, height, width) [K, 4]."""
    rectangles = np.empty((int(mask.sum()), 4), np.int64)
    return rectangles[: _cover(mask.copy(), rectangles)]

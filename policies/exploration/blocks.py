"""A map of pixels and, over it, the coarse grid of 4x4 blocks on which explorers plan.

Positions are (row, col) in pixels, the centre of a pixel at whole numbers; block (i, j) holds the pixels
[4i, 4i + 4) x [4j, 4j + 4). All functions are compiled and work only where pixels have changed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

UNKNOWN, FREE, OCCUPIED = 0, 1, 2
"""Values of a belief's pixels; pooled blocks have them too."""

BLOCK = 4
"""Edge of a block [px]."""

NONE, FAINT, CLEAR = 0, 1, 2
"""Kinds of frontier; see ``_frontier``."""

SCALE = 4
"""Ways are whole numbers of 1/SCALE px."""

NEIGHBOUR_ROW = np.array([-1, -1, -1, 0, 0, 1, 1, 1], dtype=np.int64)
NEIGHBOUR_COL = np.array([-1, 0, 1, -1, 1, -1, 0, 1], dtype=np.int64)
"""The 8 neighbours of a block; neighbour k is opposite of 7 - k."""


@njit(cache=True)
def line_is_free(space, r0, c0, r1, c1):
    """Whether every pixel on the line between two pixels is FREE (Bresenham, both ends included)."""
    d_row, d_col = abs(r1 - r0), abs(c1 - c0)
    step_row = 1 if r1 > r0 else -1
    step_col = 1 if c1 > c0 else -1
    error = d_col - d_row
    row, col = r0, c0
    while True:
        if space[row, col] != FREE:
            return False
        if row == r1 and col == c1:
            return True
        twice = 2 * error
        if twice > -d_row:
            error -= d_row
            col += step_col
        if twice < d_col:
            error += d_col
            row += step_row


@njit(cache=True)
def merge_map(pixels, known, free, dirty, other, other_known):
    """Add what another map knows to a map; where both know a pixel, the first is kept.

    Args:
        pixels, other: uint8 [H, W].
        known, other_known: uint8 [h, w] known pixels of each block; the first is updated.
        free: uint8 [h, w] free pixels of each block, updated.
        dirty: bool [h, w], set where the first map has changed.

    Returns: number of pixels learned.
    """
    learned = 0
    height, width = known.shape
    for i in range(height):
        for j in range(width):
            if other_known[i, j] == 0 or known[i, j] == BLOCK * BLOCK:
                continue
            changed = 0
            for row in range(BLOCK * i, BLOCK * i + BLOCK):
                for col in range(BLOCK * j, BLOCK * j + BLOCK):
                    if pixels[row, col] == UNKNOWN and other[row, col] != UNKNOWN:
                        pixels[row, col] = other[row, col]
                        changed += 1
                        if other[row, col] == FREE:
                            free[i, j] += 1
            if changed:
                known[i, j] += changed
                dirty[i, j] = True
                learned += changed
    return learned


@njit(cache=True)
def _marked(marks):
    """int32 [M] blocks, i * w + j, that are marked in bool [h, w]."""
    height, width = marks.shape
    blocks = np.empty(height * width, np.int32)
    count = 0
    for i in range(height):
        for j in range(width):
            if marks[i, j]:
                blocks[count] = i * width + j
                count += 1
    return blocks[:count]


@njit(cache=True)
def _around(blocks, height, width, reach):
    """int32 [K] every block within ``reach`` rows and columns of one of ``blocks``, once."""
    taken = np.zeros((height, width), np.bool_)
    around = np.empty(height * width, np.int32)
    count = 0
    for block in blocks:
        i, j = block // width, block % width
        for a in range(max(i - reach, 0), min(i + reach + 1, height)):
            for b in range(max(j - reach, 0), min(j + reach + 1, width)):
                if not taken[a, b]:
                    taken[a, b] = True
                    around[count] = a * width + b
                    count += 1
    return around[:count]


@njit(cache=True)
def inflate(pixels, space, dirty, clearance):
    """Copy changed blocks of ``pixels`` into ``space`` with obstacles grown by a disc of ``clearance`` px."""
    height, width = dirty.shape
    rows, cols = pixels.shape
    reach = (clearance + BLOCK - 1) // BLOCK
    for block in _around(_marked(dirty), height, width, reach):
        i, j = block // width, block % width
        for row in range(BLOCK * i, BLOCK * i + BLOCK):
            for col in range(BLOCK * j, BLOCK * j + BLOCK):
                value = pixels[row, col]
                if value == FREE:
                    for a in range(max(row - clearance, 0), min(row + clearance + 1, rows)):
                        for b in range(max(col - clearance, 0), min(col + clearance + 1, cols)):
                            if pixels[a, b] == OCCUPIED and (a - row) ** 2 + (b - col) ** 2 <= clearance**2:
                                value = OCCUPIED
                space[row, col] = value


@njit(cache=True)
def _summarise(space, pooled, anchor, i, j):
    """Pooled value of a block and its anchor: the free pixel nearest to the middle, 0..15, or -1."""
    any_unknown = any_occupied = False
    best, best_distance = -1, 1e9
    for a in range(BLOCK):
        for b in range(BLOCK):
            value = space[BLOCK * i + a, BLOCK * j + b]
            if value == UNKNOWN:
                any_unknown = True
            elif value == OCCUPIED:
                any_occupied = True
            else:
                distance = (a - 1.6) ** 2 + (b - 1.6) ** 2
                if distance < best_distance:
                    best, best_distance = BLOCK * a + b, distance
    pooled[i, j] = OCCUPIED if any_occupied else (UNKNOWN if any_unknown else FREE)
    anchor[i, j] = best


@njit(cache=True)
def update_blocks(space, known, dirty, reach, pooled, anchor, links, frontier):
    """Bring blocks up to date where pixels have changed, and clear the marks.

    Args:
        space: uint8 [H, W] pixels, obstacles inflated.
        known: uint8 [h, w] known pixels of each block.
        dirty: bool [h, w] changed blocks; all False afterwards.
        reach: how many blocks further than the mark a change reaches (inflation).
        pooled: uint8 [h, w], OCCUPIED if any pixel is, else UNKNOWN if any is, else FREE.
        anchor: int8 [h, w], where one stands in a block: 4 * row + col within it, or -1.
        links: uint8 [h, w, 8], way from this anchor to that of neighbour k [1/SCALE px] where the line
            between them is free, else 0.
        frontier: uint8 [h, w], CLEAR, FAINT or NONE.
    """
    height, width = dirty.shape
    marked = _marked(dirty)
    for block in marked:
        dirty[block // width, block % width] = False
    touched = _around(marked, height, width, reach)
    for block in touched:
        _summarise(space, pooled, anchor, block // width, block % width)
    for block in _around(touched, height, width, 1):
        i, j = block // width, block % width
        _link(space, anchor, links, i, j)
        frontier[i, j] = _frontier(space, known, pooled, anchor, i, j)


@njit(cache=True)
def _frontier(space, known, pooled, anchor, i, j):
    """Whether exploring goes on from a block.

    CLEAR: a free block with 2 to 7 unknown ones around it (IR2), or one with an edge of free pixels towards
    unknown ones: a door that is not aligned with the blocks. FAINT: few such pixels, such as a far wall seen
    in gaps.
    """
    height, width = anchor.shape
    if anchor[i, j] < 0:
        return NONE
    unknown = 0
    if pooled[i, j] == FREE:
        for k in range(8):
            a, b = i + NEIGHBOUR_ROW[k], j + NEIGHBOUR_COL[k]
            if 0 <= a < height and 0 <= b < width and pooled[a, b] == UNKNOWN:
                unknown += 1
    if 2 <= unknown <= 7:
        return CLEAR
    edge = faint = 0
    for row in range(BLOCK * i, BLOCK * i + BLOCK):
        for col in range(BLOCK * j, BLOCK * j + BLOCK):
            if space[row, col] != FREE:
                continue
            for k in (1, 3, 4, 6):
                r, c = row + NEIGHBOUR_ROW[k], col + NEIGHBOUR_COL[k]
                if 0 <= r < space.shape[0] and 0 <= c < space.shape[1] and space[r, c] == UNKNOWN:
                    faint += 1
                    if known[r // BLOCK, c // BLOCK] == 0:
                        edge += 1
    if edge >= 2 or faint >= 4:
        return CLEAR
    return FAINT if faint >= 2 else NONE


@njit(cache=True)
def _link(space, anchor, links, i, j):
    """The links of a block."""
    height, width = anchor.shape
    here = anchor[i, j]
    row, col = BLOCK * i + here // BLOCK, BLOCK * j + here % BLOCK
    for k in range(8):
        links[i, j, k] = 0
        a, b = i + NEIGHBOUR_ROW[k], j + NEIGHBOUR_COL[k]
        if here < 0 or not (0 <= a < height and 0 <= b < width) or anchor[a, b] < 0:
            continue
        there = anchor[a, b]
        r1, c1 = BLOCK * a + there // BLOCK, BLOCK * b + there % BLOCK
        # Always from the same end: Bresenham's line back may take other pixels.
        clear = line_is_free(space, row, col, r1, c1) if k < 4 else line_is_free(space, r1, c1, row, col)
        if clear:
            links[i, j, k] = int(SCALE * np.sqrt((r1 - row) ** 2 + (c1 - col) ** 2) + 0.5)

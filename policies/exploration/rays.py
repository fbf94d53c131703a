"""Compiled inner loops of mapping: laser rays into log odds, and log odds into a belief's pixels.

Positions are (row, col) in pixels, pixel centres at whole numbers; angles are in the map frame, counter-
clockwise from x, so a ray of angle a goes along (-sin a, cos a).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pilotfish.policies.exploration.blocks import BLOCK, FREE, OCCUPIED, UNKNOWN

HIT, MISS = 18, -9
"""What an observation adds to a pixel's log odds [1/20]: probabilities of 0.71 and 0.39."""

HIGHEST, LOWEST = 80, -60
"""Log odds end here [1/20], so that 10 scans clear what has gone and 4 notice what has come."""

OCCUPIED_FROM, FREE_TO = 9, -9
"""Thresholds [1/20]: one observation decides about a new pixel; between them a pixel stays what it was."""

INTO = 0.3
"""A return is put this much behind the surface that gave it [px]: a surface on the edge between two pixels
belongs to the further one."""


@njit(cache=True)
def _end(origin_row, origin_col, angle, length):
    row = int(np.floor(origin_row - np.sin(angle) * length + 0.5))
    col = int(np.floor(origin_col + np.cos(angle) * length + 0.5))
    return row, col


@njit(cache=True)
def _add(log_odds, row, col, amount):
    log_odds[row, col] = min(max(log_odds[row, col] + amount, LOWEST), HIGHEST)


@njit(cache=True)
def _walk(log_odds, marks, turn, origin_row, origin_col, angle, length, end_row, end_col):
    """Add a miss to every pixel that a ray passes, once a turn; stop before the end pixel."""
    height, width = log_odds.shape
    d_row, d_col = -np.sin(angle), np.cos(angle)
    row, col = int(np.floor(origin_row + 0.5)), int(np.floor(origin_col + 0.5))
    step_row = 1 if d_row > 0 else -1
    step_col = 1 if d_col > 0 else -1
    per_row = 1.0 / abs(d_row) if d_row != 0 else 1e18
    per_col = 1.0 / abs(d_col) if d_col != 0 else 1e18
    next_row = (row + 0.5 * step_row - origin_row) / d_row if d_row != 0 else 1e18
    next_col = (col + 0.5 * step_col - origin_col) / d_col if d_col != 0 else 1e18
    way = 0.0
    while way < length:
        if row < 0 or row >= height or col < 0 or col >= width or (row == end_row and col == end_col):
            return
        if marks[row, col] != turn:
            marks[row, col] = turn
            _add(log_odds, row, col, MISS)
        if next_row < next_col:
            way = next_row
            row += step_row
            next_row += per_row
        else:
            way = next_col
            col += step_col
            next_col += per_col


@njit(cache=True)
def insert_scan(log_odds, marks, turn, lengths, hits, origin_row, origin_col, start, step, wraps, fill, body):
    """Add one scan to a map of log odds; each pixel gets at most one observation, hits first.

    Between two rays as many are filled in as ``fill`` says: on a surface where both returned from one,
    else free up to the shorter of the two.

    Args:
        log_odds: int8 [H, W], updated.
        marks: int32 [H, W], the turn in which a pixel was last observed; updated.
        turn: number of this scan, never used before.
        lengths: float64 [R] of the rays [px]; negative where a ray says nothing.
        hits: bool [R] whether something is at the ray's end.
        origin_row, origin_col: of the laser [px].
        start, step: angle of ray 0, and from ray to ray [rad, map frame].
        wraps: whether ray 0 comes next after the last.
        fill: pieces that the angle between two rays is divided into, at least 1.
        body: the laser stands in the middle of a disc of this radius that is free [px].
    """
    height, width = log_odds.shape
    rays = len(lengths)
    total = rays * fill if wraps else (rays - 1) * fill + 1
    way = np.empty(total)
    hit = np.empty(total, np.bool_)
    for k in range(total):
        ray, part = k // fill, (k % fill) / fill
        a = lengths[ray]
        way[k], hit[k] = a, hits[ray]
        if part > 0:
            other = (ray + 1) % rays
            b = lengths[other]
            if a < 0 or b < 0:
                way[k] = -1.0
            elif hits[ray] and hits[other] and abs(a - b) <= 3 * abs(step) * min(a, b) + 1.0:
                way[k] = a + part * (b - a)
            else:
                way[k] = min(a, b) - (1.0 if hits[ray] or hits[other] else 0.0)
                hit[k] = False
    piece = step / fill
    for k in range(total):
        if way[k] >= 0 and hit[k]:
            row, col = _end(origin_row, origin_col, start + k * piece, way[k] + INTO)
            if 0 <= row < height and 0 <= col < width and marks[row, col] != turn:
                marks[row, col] = turn
                _add(log_odds, row, col, HIT)
    reach = int(body)
    middle_row, middle_col = int(np.floor(origin_row + 0.5)), int(np.floor(origin_col + 0.5))
    for row in range(max(middle_row - reach, 0), min(middle_row + reach + 1, height)):
        for col in range(max(middle_col - reach, 0), min(middle_col + reach + 1, width)):
            inside = (row - origin_row) ** 2 + (col - origin_col) ** 2 <= body**2
            if inside and marks[row, col] != turn:
                marks[row, col] = turn
                _add(log_odds, row, col, MISS)
    for k in range(total):
        if way[k] > 0:
            angle = start + k * piece
            end_row, end_col = -1, -1
            if hit[k]:
                end_row, end_col = _end(origin_row, origin_col, angle, way[k] + INTO)
            _walk(log_odds, marks, turn, origin_row, origin_col, angle, way[k], end_row, end_col)


@njit(cache=True)
def rays_through_walls(log_odds, lengths, origin_row, origin_col, start, step):
    """How many rays of a scan pass well through a pixel that is surely occupied."""
    height, width = log_odds.shape
    count = 0
    for ray in range(len(lengths)):
        for way in range(2, int(lengths[ray] - 2.0)):
            row, col = _end(origin_row, origin_col, start + ray * step, float(way))
            if not (0 <= row < height and 0 <= col < width):
                break
            if log_odds[row, col] >= 2 * HIT:
                count += 1
                break
    return count


@njit(cache=True)
def threshold(log_odds, own, top, left, bottom, right, dirty, tile):
    """Bring thresholded pixels up to date within a window.

    Args:
        log_odds: int8 [H, W].
        own: uint8 [H, W] UNKNOWN, FREE or OCCUPIED by own evidence; updated, never back to UNKNOWN.
        top, left, bottom, right: rows [top, bottom) and columns [left, right).
        dirty: bool [H / tile, W / tile], set where a pixel has changed.

    Returns: number of pixels that have changed.
    """
    count = 0
    for row in range(top, bottom):
        for col in range(left, right):
            value = own[row, col]
            if log_odds[row, col] >= OCCUPIED_FROM:
                value = OCCUPIED
            elif log_odds[row, col] <= FREE_TO:
                value = FREE
            if value != own[row, col]:
                own[row, col] = value
                dirty[row // tile, col // tile] = True
                count += 1
    return count


@njit(cache=True)
def apply_window(values, top, left, blocked, pixels, known, free, changed):
    """Write a window of pixels into a belief and keep its counts exact.

    Args:
        values: uint8 [a, b] what the pixels are; UNKNOWN leaves a pixel as it is.
        top, left: pixel of the belief where the window begins.
        blocked: bool [H, W] pixels that count as OCCUPIED whatever they are.
        pixels, known, free, changed: of a `TeamBelief`, the ``free`` row being its own; updated.

    Returns: number of pixels that have changed.
    """
    count = 0
    for a in range(values.shape[0]):
        for b in range(values.shape[1]):
            row, col = top + a, left + b
            value = values[a, b]
            if blocked[row, col]:
                value = OCCUPIED
            before = pixels[row, col]
            if value == UNKNOWN:
                continue
            if value == before:
                continue
            i, j = row // BLOCK, col // BLOCK
            pixels[row, col] = value
            changed[i, j] = True
            count += 1
            if before == UNKNOWN:
                known[i, j] += 1
            elif before == FREE:
                free[i, j] -= 1
            if value == FREE:
                free[i, j] += 1
    return count


@njit(cache=True)
def way_is_clear(pixels, corners, row, col, reach, radius):
    """Whether no OCCUPIED pixel is nearer than ``radius`` [px] to the next ``reach`` px of a path.

    Args:
        pixels: uint8 [H, W].
        corners: float64 [M, 2] (row, col) of the path [px].
        row, col: where the robot is [px]; what is within ``2 * radius`` of it does not count.
    """
    height, width = pixels.shape
    driven = 0.0
    r, c = row, col
    whole = int(radius)
    for k in range(len(corners)):
        d_row, d_col = corners[k, 0] - r, corners[k, 1] - c
        length = np.sqrt(d_row**2 + d_col**2)
        steps = int(length) + 1
        for step in range(1, steps + 1):
            if driven + length * step / steps > reach:
                return True
            i, j = int(r + d_row * step / steps + 0.5), int(c + d_col * step / steps + 0.5)
            if (i - row) ** 2 + (j - col) ** 2 <= 4 * radius**2:
                continue
            for a in range(max(i - whole, 0), min(i + whole + 1, height)):
                for b in range(max(j - whole, 0), min(j + whole + 1, width)):
                    if pixels[a, b] == OCCUPIED and (a - i) ** 2 + (b - j) ** 2 <= radius**2:
                        return False
        driven += length
        r, c = corners[k, 0], corners[k, 1]
    return True

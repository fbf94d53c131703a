"""What one robot of a team believes: its own map, where the others are, and what they know.

Positions are (row, col) in pixels of the belief's map. Times are in seconds of the team's clock (in the
simulator a robot drives one pixel a second). Nothing here is shared between robots: what a robot tells is
copied (`exchange`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import BLOCK, line_is_free, merge_map

MISSES = 3
"""How often a peer that should be heard may be silent before its place is forgotten."""

SURE_RANGE = 60.0
"""In sight and this near, radios are linked in every regime [px]."""


class TeamBelief:
    """The belief of robot ``me`` of ``robots``.

    Args:
        shape: height and width of the map [px], multiples of BLOCK.

    Attributes:
        pixels: uint8 [H, W] UNKNOWN, FREE or OCCUPIED.
        known: uint8 [h, w] known pixels of each block.
        free: uint8 [N, h, w] free pixels of each block that robot n is believed to know; row ``me`` is
            what this robot does know.
        changed: bool [h, w] blocks that have changed since whoever plans on them looked.
        position, target: float32 [N, 2] (row, col) where robot n was, and where it was going; NaN where
            that is not known.
        home: float32 [2] (row, col) where this robot began [px]; NaN before it has reported.
        travelled: float32 [N] the way it had driven [px].
        stamp: float64 [N] of when these were true [s]; -inf before anything was heard.
        connected: bool [N] whether robot n can be reached now; True for ``me``.
        met: float64 [N] when robot n was last connected to this one [s].
        misses: int [N] how often n was silent where it should have been heard.
    """

    def __init__(self, me: int, robots: int, shape: tuple[int, ...]) -> None:
        height, width = shape
        if height % BLOCK or width % BLOCK:
            raise ValueError(f"a belief's map must be a multiple of {BLOCK} px high and wide, got {shape}")
        if not 0 <= me < robots:
            raise ValueError(f"robot {me} is not one of {robots}")
        blocks = (height // BLOCK, width // BLOCK)
        self.me = me
        self.pixels = np.zeros(shape, np.uint8)
        self.known = np.zeros(blocks, np.uint8)
        self.free = np.zeros((robots, *blocks), np.uint8)
        self.changed = np.zeros(blocks, bool)
        self.position = np.full((robots, 2), np.nan, np.float32)
        self.target = np.full((robots, 2), np.nan, np.float32)
        self.home = np.full(2, np.nan, np.float32)
        self.travelled = np.zeros(robots, np.float32)
        self.stamp = np.full(robots, -np.inf)
        self.met = np.full(robots, -np.inf)
        self.connected = np.zeros(robots, bool)
        self.connected[me] = True
        self.misses = np.zeros(robots, np.int64)

    @property
    def robots(self) -> int:
        return len(self.stamp)

    @property
    def now(self) -> float:
        """Time of the robot's own last report [s]."""
        return float(self.stamp[self.me])

    @property
    def free_pixels(self) -> int:
        """Free pixels that this robot knows."""
        return int(self.free[self.me].sum(dtype=np.int64))

    def surplus(self) -> NDArray[np.int64]:
        """int64 [N]: free pixels that this robot knows and believes robot n to lack (IR2, section IV-B)."""
        return _lacking(self.free, self.me)

    def report(self, position: NDArray, now: float, travelled: float) -> None:
        """Take in the robot's own state; ``target`` of ``me`` is set by its policy.

        Args:
            position: (row, col) [px].
            now: [s].
            travelled: way driven so far [px].
        """
        self.position[self.me] = position
        if np.isnan(self.home[0]):
            self.home[:] = position
        self.travelled[self.me] = travelled
        self.stamp[self.me] = self.met[self.me] = now

    def doubt(self) -> None:
        """Forget where silent peers are that should be heard: in sight on this map, and near.

        Only this robot's map is asked, never the true one.
        """
        here = self.position[self.me]
        for peer in range(self.robots):
            there = self.position[peer]
            if self.connected[peer] or not np.isfinite(there).all():
                self.misses[peer] = 0
                continue
            if self.should_hear(here, there):
                self.misses[peer] += 1
                if self.misses[peer] >= MISSES:
                    self.position[peer] = np.nan
                    self.target[peer] = np.nan
                    self.misses[peer] = 0

    def should_hear(self, here: NDArray, there: NDArray) -> bool:
        """Whether a robot here hears one there (row, col) [px] in every radio regime, on this map."""
        if float(np.hypot(*(there - here))) > SURE_RANGE:
            return False
        (r0, c0), (r1, c1) = np.rint(here).astype(int), np.rint(there).astype(int)
        return bool(line_is_free(self.pixels, r0, c0, r1, c1))


def exchange(beliefs: Sequence[TeamBelief], members: Sequence[int], now: float) -> None:
    """Let the members of a connected component tell each other everything they believe.

    Afterwards their maps are equal, each has the newest report on every robot, and each knows that the
    others know what it knows. Arrays are copied: what a member learns later stays with it.

    Args:
        beliefs: of all robots, by index.
        members: indices of the component.
        now: [s].
    """
    inside = np.zeros(beliefs[members[0]].robots, bool)
    inside[list(members)] = True
    for member in members:
        beliefs[member].connected[:] = inside
    if len(members) == 1:
        return
    first = beliefs[members[0]]
    for member in members[1:]:
        other = beliefs[member]
        merge_map(first.pixels, first.known, first.free[first.me], first.changed, other.pixels, other.known)
    for member in members[1:]:
        other = beliefs[member]
        merge_map(other.pixels, other.known, other.free[other.me], other.changed, first.pixels, first.known)
    _exchange_reports([beliefs[member] for member in members], inside, now)


def _exchange_reports(team: list[TeamBelief], inside: NDArray[np.bool_], now: float) -> None:
    """Poses, targets and what everybody knows, among beliefs whose maps are equal."""
    stamps = np.stack([belief.stamp for belief in team])
    newest = stamps.argmax(axis=0)
    robots = np.arange(len(inside))
    fields = {
        name: np.stack([getattr(belief, name) for belief in team])[newest, robots]
        for name in ("position", "target", "travelled", "stamp")
    }
    union = team[0].free[team[0].me]
    free = np.maximum.reduce([belief.free for belief in team])
    free[inside] = union
    for belief in team:
        for name, values in fields.items():
            getattr(belief, name)[:] = values
        belief.free[:] = free
        belief.met[inside] = now
        belief.misses[inside] = 0


@njit(cache=True)
def _lacking(free, me):
    """int64 [N] free pixels of robot ``me``'s row that each row of free [N, h, w] lacks."""
    robots, height, width = free.shape
    lacking = np.zeros(robots, np.int64)
    for robot in range(robots):
        for i in range(height):
            count = 0
            for j in range(width):
                if free[me, i, j] > free[robot, i, j]:
                    count += free[me, i, j] - free[robot, i, j]
            lacking[robot] += count
    return lacking

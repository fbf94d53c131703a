"""A robot's own occupancy map: log odds from laser scans, in the frame that the whole team shares.

Positions in pixels are (row, col), row 0 at the top (largest y), pixel centres at whole numbers; positions
in metres are (x, y) in the map frame.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import LidarSpec, Scan
from pilotfish.policies.exploration.blocks import FREE, UNKNOWN
from pilotfish.policies.exploration.rays import MISS, insert_scan, rays_through_walls, threshold

TILE = 32
"""Edge of the pieces in which maps are exchanged [px]."""

NO_MASKS = np.empty((0, 3))

MOST_PIXELS = 4_000_000
"""200 x 200 m of 0.1 m: to write a larger map, or to show it, would hold up control for too long."""

FILL_AT_MOST = 4
"""Rays filled in between two of a laser, at most; coarser lasers leave gaps."""

SURELY_FREE = 3 * MISS
"""Log odds of a pixel in which no wall can be [1/20]."""

CONTRADICTION = 0.05
"""A scan without a single return is refused when more than this share of its rays passes known walls."""


@dataclass(frozen=True)
class MapFrame:
    """Where the pixels of a team's map lie; the same for all of its robots.

    Attributes:
        resolution: edge of a pixel [m].
        origin: (x, y) of the map's lower left corner [m, map frame].
        height, width: [px], multiples of TILE.

    Raises:
        ValueError: if a value cannot be used.
    """

    resolution: float
    origin: tuple[float, float]
    height: int
    width: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.resolution) and self.resolution > 0):
            raise ValueError(f"map resolution must be positive, got {self.resolution} m")
        if not all(map(math.isfinite, self.origin)):
            raise ValueError(f"map origin {self.origin} is not finite")
        for name in ("height", "width"):
            size = getattr(self, name)
            if size <= 0 or size % TILE:
                raise ValueError(f"map {name} must be a multiple of {TILE} px, got {size}")
        if self.height * self.width > MOST_PIXELS:
            raise ValueError(f"a map of {self.height}x{self.width} px is larger than {MOST_PIXELS} px")

    @classmethod
    def covering(cls, origin: tuple[float, float], size: tuple[float, float], resolution: float) -> MapFrame:
        """The frame that covers a rectangle.

        Args:
            origin: (x, y) of its lower left corner [m, map frame].
            size: along x and y [m].
            resolution: edge of a pixel [m].
        """
        if not (math.isfinite(resolution) and resolution > 0):
            raise ValueError(f"map resolution must be positive, got {resolution} m")
        if not all(math.isfinite(length) and length > 0 for length in size):
            raise ValueError(f"map size must be positive, got {size} m")
        width, height = (TILE * math.ceil(round(length / resolution, 6) / TILE) for length in size)
        return cls(resolution, (float(origin[0]), float(origin[1])), height, width)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width [px]."""
        return self.height, self.width

    @property
    def tiles(self) -> tuple[int, int]:
        """Height and width in tiles."""
        return self.height // TILE, self.width // TILE

    def to_pixels(self, xy: NDArray | tuple[float, float]) -> NDArray[np.float64]:
        """(row, col) [..., 2] [px] of points (x, y) [..., 2] [m]; not rounded, maybe outside of the map."""
        xy = np.asarray(xy, np.float64)
        col = (xy[..., 0] - self.origin[0]) / self.resolution - 0.5
        row = self.height - 0.5 - (xy[..., 1] - self.origin[1]) / self.resolution
        return np.stack([row, col], axis=-1)

    def to_metres(self, pixels: NDArray | tuple[float, float]) -> NDArray[np.float64]:
        """(x, y) [..., 2] [m] of points (row, col) [..., 2] [px]."""
        pixels = np.asarray(pixels, np.float64)
        x = self.origin[0] + (pixels[..., 1] + 0.5) * self.resolution
        y = self.origin[1] + (self.height - 0.5 - pixels[..., 0]) * self.resolution
        return np.stack([x, y], axis=-1)

    def clipped(self, pixels: NDArray) -> NDArray[np.float64]:
        """The nearest points of the map, (row, col) [..., 2] [px]."""
        return np.clip(pixels, 0.0, [self.height - 1.0, self.width - 1.0])

    def signature(self, robots: int) -> int:
        """u32 by which teams that cannot exchange maps differ: in their frames or numbers of robots."""
        numbers = (self.resolution, *self.origin, self.height, self.width, TILE, robots)
        return zlib.crc32(struct.pack("<3d4I", *numbers))


class Window(NamedTuple):
    """Rows [top, bottom) and columns [left, right) [px]."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass
class Refused:
    """Scans that were not used, by reason."""

    nothing_read: int = 0
    through_walls: int = 0

    @property
    def total(self) -> int:
        return self.nothing_read + self.through_walls


@dataclass
class OccupancyMap:
    """Own evidence of one robot.

    Args:
        frame: of the map.
        lidar: of the robot.
        body: radius around the laser that is free because the robot stands there [m].
        clear_infinite: rays without a return clear what is in their range; else they say nothing.

    Attributes:
        log_odds: int8 [H, W] [1/20], 0 where nothing was observed.
        pixels: uint8 [H, W] UNKNOWN, FREE or OCCUPIED; never UNKNOWN again.
        dirty: bool [H / TILE, W / TILE] tiles with changed pixels, for whoever clears it.
        refused: scans that were not used.
    """

    frame: MapFrame
    lidar: LidarSpec
    body: float = 0.0
    clear_infinite: bool = True
    refused: Refused = field(default_factory=Refused)

    def __post_init__(self) -> None:
        self.log_odds = np.zeros(self.frame.shape, np.int8)
        self.pixels = np.zeros(self.frame.shape, np.uint8)
        self.dirty = np.zeros(self.frame.tiles, bool)
        self._marks = np.zeros(self.frame.shape, np.int32)
        self._turn = 0
        self._has_returned = False

    @property
    def reach(self) -> float:
        """Longest ray that is used [px]."""
        return self.lidar.max_range / self.frame.resolution

    def insert(self, scan: Scan, pose: Pose, masks: NDArray[np.float64] = NO_MASKS) -> Window | None:
        """Add a scan.

        Args:
            scan: of the robot's laser.
            pose: of the robot's base when the scan was taken [m, rad, map frame].
            masks: float64 [K, 3] discs (x, y, radius) [m, map frame] in which returns are not walls: other
                robots.

        Returns: the pixels that may have changed; None if the scan was refused: it holds no reading, or
            none has returned and rays would have to pass known walls.
        """
        lengths, hits, angle = self._rays(scan, pose, masks)
        if not (lengths >= 0).any():
            self.refused.nothing_read += 1
            return None
        mount = self.mount(pose)
        row, col = (float(v) for v in self.frame.to_pixels(mount))
        step = scan.angle_increment
        if hits.any():
            self._has_returned = True
        elif not self._has_returned or rays_through_walls(
            self.log_odds, lengths, row, col, angle, step
        ) > CONTRADICTION * len(lengths):
            self.refused.through_walls += 1
            return None
        self._turn += 1
        fill = min(max(math.ceil(abs(step) * self.reach), 1), FILL_AT_MOST)
        body = self.body / self.frame.resolution
        insert_scan(
            self.log_odds, self._marks, self._turn, lengths, hits,
            row, col, angle, step, scan.wraps, fill, body,
        )  # fmt: skip
        window = self.window(row, col, max(float(lengths.max()), body) + 2.0)
        self.threshold(window)
        return window

    def threshold(self, window: Window) -> int:
        """Bring ``pixels`` up to date in a window; the number of pixels that have changed."""
        return int(threshold(self.log_odds, self.pixels, *window, self.dirty, TILE))

    def tiles_with_pixels(self) -> NDArray[np.bool_]:
        """bool [H / TILE, W / TILE] tiles of which something is known."""
        height, width = self.frame.tiles
        return (self.pixels != UNKNOWN).reshape(height, TILE, width, TILE).any(axis=(1, 3))

    def was_free(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """bool [K] whether the map around points [K, 2] (x, y) [m] is surely free: no wall can be there."""
        row, col = np.rint(self.frame.to_pixels(xy)).astype(int).T
        height, width = self.frame.shape
        row, col = np.clip(row, 1, height - 2), np.clip(col, 1, width - 2)
        around = np.stack([self.log_odds[row + a, col + b] for a in (-1, 0, 1) for b in (-1, 0, 1)])
        return (around[4] <= SURELY_FREE) & (around <= 0).all(axis=0)

    def window(self, row: float, col: float, reach: float) -> Window:
        """The part of a square around a point that lies in the map [px]."""
        height, width = self.frame.shape
        top, left = int(np.clip(row - reach, 0, height)), int(np.clip(col - reach, 0, width))
        bottom, right = int(np.clip(row + reach + 1, 0, height)), int(np.clip(col + reach + 1, 0, width))
        return Window(top, left, bottom, right)

    def mount(self, pose: Pose) -> tuple[float, float]:
        """Where the laser is (x, y) [m, map frame]."""
        cos, sin = math.cos(pose.yaw), math.sin(pose.yaw)
        x, y = self.lidar.x, self.lidar.y
        return pose.x + cos * x - sin * y, pose.y + sin * x + cos * y

    def _rays(
        self, scan: Scan, pose: Pose, masks: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
        """Length of each ray [px], negative where it says nothing; whether it has hit; angle of the first."""
        ranges = scan.ranges.astype(np.float64)
        limit = self.lidar.max_range
        near = max(scan.range_min, self.lidar.robot_hides)
        nothing = np.isnan(ranges) | (ranges < near) | (ranges <= 0)
        no_return = ranges >= scan.range_max
        beyond = no_return | (ranges > limit)
        hits = ~nothing & ~beyond
        farthest = min(limit, scan.range_max)
        lengths = np.where(beyond, farthest if self.clear_infinite else -1.0, ranges)
        lengths = np.where(beyond & ~no_return, limit, lengths)  # It returned, from further than is used.
        angle = pose.yaw + self.lidar.yaw + scan.angle_min
        if len(masks) and hits.any():
            x, y = self.mount(pose)
            angles = angle + scan.angle_increment * np.arange(len(ranges))
            ends = np.stack([x + lengths * np.cos(angles), y + lengths * np.sin(angles)], axis=1)
            apart = np.hypot(*np.moveaxis(ends[:, None] - masks[None, :, :2], -1, 0))
            robot = hits & (apart <= masks[:, 2]).any(axis=1)
            hits &= ~robot
            lengths = np.where(robot, np.maximum(lengths - self.frame.resolution, 0.0), lengths)
        lengths = np.where(nothing, -1.0, lengths)
        return np.where(lengths < 0, -1.0, lengths / self.frame.resolution), hits, angle


_PERCENT = np.rint(100 / (1 + np.exp(-np.arange(-128, 128) / 20))).astype(np.int8)
"""Of log odds -128..127 [1/20]."""


def percent(
    pixels: NDArray[np.uint8], log_odds: NDArray[np.int8], blocked: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """A map as ROS has them: int8 [H, W], 0..100 for how surely a pixel is occupied, -1 for unknown.

    FREE pixels are below 50, OCCUPIED ones not; what others told counts as sure.

    Args:
        pixels: uint8 [H, W] of a belief.
        log_odds: int8 [H, W] own evidence.
        blocked: bool [H, W] pixels that are in truth free.
    """
    free = (pixels == FREE) | blocked
    own = _PERCENT[log_odds.astype(np.int16) + 128]
    sure = np.where(free, np.int8(0), np.int8(100))
    value = np.where(log_odds == 0, sure, np.where(free, np.minimum(own, 49), np.maximum(own, 50)))
    return np.where(pixels == UNKNOWN, np.int8(-1), value.astype(np.int8))

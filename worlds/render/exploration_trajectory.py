"""What an exploring team did and believed over time: the one form that its pictures and videos are made from.

No ROS and no simulator: a recording fills it (``exploration_recording``), and so does an episode of the
fast simulator (``worlds.exploration.film``).
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import UNKNOWN
from pilotfish.worlds.exploration.radio import components
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.trajectory import between, poses_at, row_at


class MapHistory:
    """One robot's map over time, packed: a map of 1000x1000 px takes a few kilobytes.

    Args:
        shape: height and width [px].
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.times: list[float] = []
        self._packed: list[bytes] = []
        self._open: tuple[int, NDArray[np.uint8]] = (-1, np.full(shape, UNKNOWN, np.uint8))

    def __len__(self) -> int:
        return len(self.times)

    def add(self, time: float, pixels: NDArray[np.uint8]) -> None:
        """The map from ``time`` [s] on: uint8 [H, W] UNKNOWN, FREE or OCCUPIED.

        Raises:
            ValueError: another shape, or a time that is not after the last one.
        """
        if pixels.shape != self.shape:
            raise ValueError(f"a map of shape {self.shape} cannot become one of {pixels.shape}")
        if self.times and time <= self.times[-1]:
            raise ValueError(f"maps must be added in order of time, got {time} after {self.times[-1]}")
        self.times.append(time)
        self._packed.append(zlib.compress(pixels.astype(np.uint8).tobytes(), 1))

    def at(self, time: float) -> NDArray[np.uint8]:
        """The map at a time [s]; all UNKNOWN before the first. Not to be written to."""
        return self.entry(bisect_right(self.times, time) - 1)

    def entry(self, index: int) -> NDArray[np.uint8]:
        """Map number ``index``; -1 is the one before all: UNKNOWN."""
        if index < 0:
            return np.full(self.shape, UNKNOWN, np.uint8)
        if self._open[0] != index:
            pixels = np.frombuffer(zlib.decompress(self._packed[index]), np.uint8).reshape(self.shape)
            self._open = (index, pixels)
        return self._open[1]


@dataclass(frozen=True, eq=False)
class ExplorationTrajectory:
    """N robots at T moments, and what each of them believes.

    Attributes:
        grid: the true map.
        times: float64 [T] rising [s].
        poses: float32 [T, N, 3] x [m], y [m], yaw [rad], map frame.
        links: float32 [T, N, N] by how much the signal is stronger than needed [dB]; linked where above 0.
        maps: each robot's own map, of the size of the grid and in its rows and columns.
        believed: float32 [T, N, N, 2] where robot n believes robot m to be: x, y [m, map frame]; NaN where
            it has no idea.
        targets: float32 [T, N, 2] where each robot drives to: x, y [m, map frame]; NaN for nowhere.
        radius: footprint of a robot [m].
    """

    grid: GridMap
    times: NDArray[np.float64]
    poses: NDArray[np.float32]
    links: NDArray[np.float32]
    maps: Sequence[MapHistory]
    believed: NDArray[np.float32]
    targets: NDArray[np.float32]
    radius: float = 0.2

    def __post_init__(self) -> None:
        if self.poses.ndim != 3 or self.poses.shape[2] != 3 or not self.poses.size:
            raise ValueError(f"poses must be [T, N, 3] and not empty, got shape {self.poses.shape}")
        steps, robots = self.poses.shape[:2]
        if self.times.shape != (steps,) or (np.diff(self.times) <= 0).any():
            raise ValueError(f"times must be {steps} rising moments, got shape {self.times.shape}")
        wanted = {
            "links": (steps, robots, robots),
            "believed": (steps, robots, robots, 2),
            "targets": (steps, robots, 2),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")
        if len(self.maps) != robots:
            raise ValueError(f"there must be one map history a robot ({robots}), got {len(self.maps)}")
        shapes = {history.shape for history in self.maps} - {self.grid.walls.shape}
        if shapes:
            raise ValueError(f"maps must have the shape of the grid {self.grid.walls.shape}, got {shapes}")

    @property
    def n_robots(self) -> int:
        return self.poses.shape[1]

    @property
    def duration(self) -> float:
        """[s]"""
        return float(self.times[-1] - self.times[0])

    def row_at(self, time: float) -> int:
        """Row in force at a time [s]: the last one not after it."""
        return int(row_at(self.times, np.array([time]))[0])

    def poses_at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Poses [K, N, 3] at times [K] [s], in between the rows; yaw turns the short way round."""
        return poses_at(self.times, self.poses, times)

    def component_at(self, time: float) -> NDArray[np.int64]:
        """int64 [N] radio component of each robot, over several hops: the lowest robot in it."""
        return components(self.links[self.row_at(time)] > 0)

    def between(self, start: float, end: float) -> ExplorationTrajectory:
        """The part between two times [s], a row at least; the maps keep their past."""
        return between(self, start, end, ("poses", "links", "believed", "targets"))


def last_contacts(poses: NDArray, links: NDArray) -> NDArray[np.float32]:
    """Where each robot last heard of each other, from the links alone: float32 [T, N, N, 2].

    What ``ExplorationTrajectory.believed`` is where the robots' own word for it was not recorded.

    Args:
        poses: [T, N, 3] x [m], y [m], yaw.
        links: [T, N, N] margins [dB].
    """
    steps, robots = poses.shape[:2]
    believed = np.full((steps, robots, robots, 2), np.nan, np.float32)
    stamp = np.full((robots, robots), -1)
    np.fill_diagonal(stamp, 0)
    for step in range(steps):
        np.fill_diagonal(stamp, step)
        label = components(links[step] > 0)
        for part in np.unique(label):
            members = np.flatnonzero(label == part)
            stamp[members] = stamp[members].max(axis=0)  # whoever meets tells of the others, too
        known = stamp >= 0
        believed[step][known] = poses[stamp, np.arange(robots)[None, :], :2][known]
    return believed

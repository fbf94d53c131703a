"""What a fleet did over time, in the one form that every picture and video is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True, eq=False)
class FleetTrajectory:
    """N robots at T moments.

    Attributes:
        grid: where they drive.
        times: float64 [T] rising [s].
        poses: float32 [T, N, 3] x [m], y [m], yaw [rad], map frame.
        goals: int32 [T, N] goal cell of each robot, -1 for none.
        delivered_before: goals that the fleet had reached before the first moment.
        radius: footprint of a robot [cells].
    """

    grid: GridMap
    times: NDArray[np.float64]
    poses: NDArray[np.float32]
    goals: NDArray[np.int32]
    delivered_before: int = 0
    radius: float = 0.36

    def __post_init__(self) -> None:
        if self.poses.ndim != 3 or self.poses.shape[2] != 3 or not self.poses.size:
            raise ValueError(f"poses must be [T, N, 3] and not empty, got shape {self.poses.shape}")
        steps, robots = self.poses.shape[:2]
        if self.times.shape != (steps,) or (np.diff(self.times) <= 0).any():
            raise ValueError(f"times must be {steps} rising moments, got shape {self.times.shape}")
        if self.goals.shape != (steps, robots):
            raise ValueError(f"goals must have shape {(steps, robots)}, got {self.goals.shape}")

    @classmethod
    def from_cells(
        cls, grid: GridMap, cells: NDArray[np.integer], goals: NDArray[np.integer], step_seconds: float = 1.0
    ) -> FleetTrajectory:
        """From a grid episode: cells and goals int [T, N], one row a step."""
        xy = grid.cell_centre(cells)
        move = np.diff(xy, axis=0, append=xy[-1:])
        # Robots look where they go next, and keep looking there while they wait.
        moment = np.arange(len(xy))[:, None] * np.ones(xy.shape[1], dtype=int)
        last_move = np.maximum.accumulate(np.where(np.abs(move).sum(axis=-1) > 0, moment, 0))
        heading = np.take_along_axis(np.arctan2(move[..., 1], move[..., 0]), last_move, axis=0)
        return cls(
            grid=grid,
            times=step_seconds * np.arange(len(xy), dtype=np.float64),
            poses=np.concatenate([xy, heading[..., None]], axis=-1).astype(np.float32),
            goals=np.asarray(goals, dtype=np.int32),
        )

    def between(self, start: float, end: float) -> FleetTrajectory:
        """The part between two times [s], a row at least; times and deliveries go on counting."""
        part = between(self, start, end, ("poses", "goals"))
        return replace(part, delivered_before=int(self.delivered[self.times == part.times[0]][0]))

    @property
    def n_robots(self) -> int:
        return self.poses.shape[1]

    @property
    def duration(self) -> float:
        """[s]"""
        return float(self.times[-1] - self.times[0])

    @property
    def footprint(self) -> float:
        """Radius of a robot [m]."""
        return self.radius * self.grid.resolution

    @cached_property
    def delivered(self) -> NDArray[np.int32]:
        """int32 [T] goals reached by the whole fleet so far."""
        return (self.delivered_before + self.arrivals.sum(axis=1).cumsum()).astype(np.int32)

    @cached_property
    def arrivals(self) -> NDArray[np.bool_]:
        """bool [T, N]: the robot was given a new goal at this moment, having had another before."""
        changed = np.zeros(self.goals.shape, dtype=bool)
        changed[1:] = (self.goals[1:] != self.goals[:-1]) & (self.goals[:-1] >= 0) & (self.goals[1:] >= 0)
        return changed

    def index_at(self, moments: NDArray[np.float64]) -> NDArray[np.intp]:
        """Row in force at each moment [K] [s]: the last one not after it."""
        return row_at(self.times, moments)

    def poses_at(self, moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """Poses [K, N, 3] in between the rows; yaw turns the short way round."""
        return poses_at(self.times, self.poses, moments)


def row_at(times: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.intp]:
    """Row in force at each moment [K] [s], of rising times [T]: the last one not after it."""
    return np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 1)


def poses_at(times: NDArray[np.float64], poses: NDArray, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poses [K, N, 3] at moments [K] [s], between rows [T, N, 3]; yaw turns the short way round."""
    before = row_at(times, moments)
    after = np.minimum(before + 1, len(times) - 1)
    gap = np.where(after > before, times[after] - times[before], 1.0)
    share = np.clip((moments - times[before]) / gap, 0.0, 1.0)[:, None, None]
    change = poses[after].astype(np.float64) - poses[before]
    change[..., 2] = (change[..., 2] + np.pi) % (2 * np.pi) - np.pi
    return poses[before] + share * change


def between(whole: Any, start: float, end: float, rows: Sequence[str]) -> Any:
    """The part of a trajectory between two times [s], at least the row in force at ``start``.

    Args:
        whole: a dataclass with ``times``.
        rows: its other fields that have a row for each time.
    """
    kept = (whole.times >= start) & (whole.times <= end)
    kept[row_at(whole.times, np.array([start]))] = True
    return replace(whole, times=whole.times[kept], **{name: getattr(whole, name)[kept] for name in rows})

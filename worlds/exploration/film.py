"""An episode of the fast simulator as a trajectory, for pictures and videos.

film = EpisodeFilm(world)          # after world.reset(seed)
while not done:
    paths = [policy.act() for policy in policies]
    done = world.step(paths).done
    film.add(paths)
animate_exploration(film.trajectory(), "episode.mp4")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.exploration.radio import NEEDED
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory, MapHistory

PIECES = 5
"""Moments of a step: robots drive round corners, not through them."""


class EpisodeFilm:
    """Collects what happens in a world.

    Args:
        world: just reset; not stepped meanwhile without ``add``.
        radius: of the discs that stand for robots [px].
    """

    def __init__(self, world: ExplorationWorld, radius: float = 4.0) -> None:
        self._world = world
        self._radius = radius
        self._size = world.grid.walls.shape
        self._maps = [MapHistory(self._size) for _ in range(world.robots)]
        self._position = world.position.copy()
        self._rows: dict[str, list[Any]] = {
            name: [] for name in ("times", "positions", "links", "believed", "targets")
        }
        self._append(self._world.time, self._position)
        self._snapshot()

    def add(self, paths: Sequence[NDArray]) -> None:
        """Take in a step, after it was made.

        Args:
            paths: what ``world.step`` was given.
        """
        world = self._world
        before = world.time - world.stride
        ways = [
            _along(start, np.asarray(path, float), world.stride)
            for start, path in zip(self._position, paths, strict=True)
        ]
        # On the way the others are where they were believed to be; news comes at the end of a step.
        last = {name: rows[-1] for name, rows in self._rows.items()}
        for piece in range(PIECES - 1):
            row = last | {
                "times": np.float64(before + world.stride * (piece + 1) / PIECES),
                "positions": np.stack([way[piece] for way in ways]),
            }
            for name, value in row.items():
                self._rows[name].append(value)
        self._append(world.time, world.position)
        self._snapshot()
        self._position = world.position.copy()

    def trajectory(self) -> ExplorationTrajectory:
        """What has happened so far."""
        rows = {name: np.stack(values) for name, values in self._rows.items()}
        positions = rows["positions"]
        move = np.diff(positions, axis=0, append=positions[-1:])
        moment = np.arange(len(move))[:, None] * np.ones(move.shape[1], dtype=int)
        moved = np.maximum.accumulate(np.where(np.abs(move).sum(axis=-1) > 1e-6, moment, 0))
        yaw = np.take_along_axis(np.arctan2(-move[..., 0], move[..., 1]), moved, axis=0)
        return ExplorationTrajectory(
            grid=self._world.grid,
            times=rows["times"].astype(np.float64),
            poses=np.concatenate([self._metres(positions), yaw[..., None]], axis=-1).astype(np.float32),
            links=rows["links"].astype(np.float32),
            maps=self._maps,
            believed=self._metres(rows["believed"]).astype(np.float32),
            targets=self._metres(rows["targets"]).astype(np.float32),
            radius=self._radius * self._world.grid.resolution,
        )

    def _append(self, time: float, positions: NDArray) -> None:
        world = self._world
        own = np.arange(world.robots)
        row = {
            "times": np.float64(time),
            "positions": positions.copy(),
            "links": world.strength - NEEDED,
            "believed": np.stack([belief.position for belief in world.beliefs]),
            "targets": np.stack([belief.target for belief in world.beliefs])[own, own],
        }
        for name, value in row.items():
            self._rows[name].append(value)

    def _snapshot(self) -> None:
        height, width = self._size
        for history, belief in zip(self._maps, self._world.beliefs, strict=True):
            history.add(self._world.time, belief.pixels[:height, :width])

    def _metres(self, positions: NDArray) -> NDArray[np.float64]:
        """x, y [m, map frame] of (row, col) [px]."""
        grid = self._world.grid
        x = grid.origin[0] + (positions[..., 1] + 0.5) * grid.resolution
        y = grid.origin[1] + (grid.height - positions[..., 0] - 0.5) * grid.resolution
        return np.stack([x, y], axis=-1)


def _along(start: NDArray, path: NDArray, stride: float) -> NDArray[np.float64]:
    """Positions [PIECES, 2] along a path of corners, as ``ExplorationWorld`` drives it."""
    corners = np.concatenate([start[None], path.reshape(-1, 2)])
    way = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T).cumsum()])
    asked = stride * (np.arange(PIECES) + 1) / PIECES
    return np.stack([np.interp(asked, way, corners[:, axis]) for axis in (0, 1)], axis=-1)

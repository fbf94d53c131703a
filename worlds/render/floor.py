"""The floor as seen from above: the map, the goals, and where the robots have been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pilotfish.worlds.draw import agent_colours, draw_map
from pilotfish.worlds.render.trajectory import FleetTrajectory

TRAIL_SECONDS = 2.5
TRAIL_PIECES = 8
FLASH_SECONDS = 0.7


class FloorPainter:
    """Draws everything flat of one trajectory; the 2D and the 3D video put the robots on top.

    Args:
        trajectory: what to draw.
        cell_px: edge of a cell [px].
    """

    def __init__(self, trajectory: FleetTrajectory, cell_px: int) -> None:
        self.trajectory = trajectory
        self._cell = cell_px
        self._colours = agent_colours(trajectory.n_robots)
        self._background = draw_map(trajectory.grid, cell_px)
        self._arrival_row, self._arrival_robot = np.nonzero(trajectory.arrivals)
        self._arrival_time = trajectory.times[self._arrival_row]

    def draw(self, moment: float) -> Image.Image:
        """The floor ``moment`` seconds after the start."""
        trajectory = self.trajectory
        now = trajectory.times[0] + moment
        row = int(trajectory.index_at(np.array([now]))[0])
        canvas = self._background.copy()
        pen = ImageDraw.Draw(canvas, "RGBA")
        centres = self.pixels(trajectory.poses_at(np.array([now]))[0, :, :2])
        self._draw_goals(pen, centres, trajectory.goals[row])
        self._draw_trails(pen, now)
        self._draw_flashes(pen, now)
        return canvas

    def pixels(self, xy: NDArray) -> NDArray[np.float64]:
        """Pixels (column, row) [..., 2] of points [..., 2] [m, map frame]."""
        grid = self.trajectory.grid
        scale = self.length(1.0)
        x = (xy[..., 0] - grid.origin[0]) * scale
        y = grid.height * self._cell - (xy[..., 1] - grid.origin[1]) * scale
        return np.stack([x, y], axis=-1)

    def length(self, metres: float) -> float:
        """[px]"""
        return metres / self.trajectory.grid.resolution * self._cell

    def _draw_goals(self, pen: ImageDraw.ImageDraw, centres: NDArray, goals: NDArray[np.int32]) -> None:
        targets = self.pixels(self.trajectory.grid.cell_centre(np.maximum(goals, 0)))
        thin, half = max(1, round(0.05 * self._cell)), 0.26 * self._cell
        for robot, goal in enumerate(goals.tolist()):
            if goal < 0:
                continue
            (x, y), (goal_x, goal_y) = centres[robot].tolist(), targets[robot].tolist()
            colour = self._colours[robot]
            pen.line((x, y, goal_x, goal_y), fill=(*colour, 70), width=thin)
            diamond = [(goal_x, goal_y - half), (goal_x + half, goal_y), (goal_x, goal_y + half)]
            pen.polygon([*diamond, (goal_x - half, goal_y)], fill=(*colour, 90), outline=colour, width=2)

    def _draw_trails(self, pen: ImageDraw.ImageDraw, now: float) -> None:
        start = max(self.trajectory.times[0], now - TRAIL_SECONDS)
        moments = np.linspace(start, now, TRAIL_PIECES + 1)
        trail = self.pixels(self.trajectory.poses_at(moments)[..., :2])
        width = max(2, round(0.3 * self._cell))
        for piece in range(TRAIL_PIECES):
            alpha = round(110 * (piece + 1) / TRAIL_PIECES)
            for robot, colour in enumerate(self._colours):
                (x0, y0), (x1, y1) = trail[piece, robot].tolist(), trail[piece + 1, robot].tolist()
                if abs(x1 - x0) + abs(y1 - y0) > 0.5:
                    pen.line((x0, y0, x1, y1), fill=(*colour, alpha), width=width)

    def _draw_flashes(self, pen: ImageDraw.ImageDraw, now: float) -> None:
        """A ring that widens and fades where a goal has just been reached."""
        age = now - self._arrival_time
        for k in np.flatnonzero((age >= 0) & (age < FLASH_SECONDS)).tolist():
            robot = int(self._arrival_robot[k])
            reached = self.trajectory.goals[self._arrival_row[k] - 1, robot]
            x, y = self.pixels(self.trajectory.grid.cell_centre(int(reached))).tolist()
            share = age[k] / FLASH_SECONDS
            radius = (0.3 + 0.6 * share) * self._cell
            box = (x - radius, y - radius, x + radius, y + radius)
            ring = (*self._colours[robot], round(220 * (1 - share)))
            pen.ellipse(box, outline=ring, width=max(2, round(0.12 * self._cell)))

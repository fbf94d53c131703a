"""The fleet from above: pictures and videos of a trajectory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pilotfish.worlds.draw import PALETTE, agent_colours
from pilotfish.worlds.render import look
from pilotfish.worlds.render.floor import FloorPainter
from pilotfish.worlds.render.trajectory import FleetTrajectory
from pilotfish.worlds.render.video import write_video

SUPERSAMPLE = 2
"""Frames are drawn this much larger and then averaged: smooth edges at little cost."""
MARGIN = 8
"""Around the map [px]."""
SMALLEST_WIDTH = 420
"""Narrower than this, the title bar has no room [px]."""


class FleetPainter:
    """Draws moments of one trajectory from above.

    Args:
        trajectory: what to draw.
        title: to the left of the bar on top.
        width: of the frame at most [px]; the height follows from the map, up to ``max_height``.
    """

    def __init__(
        self, trajectory: FleetTrajectory, title: str = "", width: int = 960, max_height: int = 720
    ) -> None:
        self.trajectory = trajectory
        self.title = title
        grid = trajectory.grid
        inner_height = max_height - look.BAR_HEIGHT - 2 * MARGIN
        cell = min((width - 2 * MARGIN) / grid.width, inner_height / grid.height)
        cell_px = max(2, int(SUPERSAMPLE * cell))
        self._floor = FloorPainter(trajectory, cell_px)
        map_width, map_height = (-(-edge * cell_px // SUPERSAMPLE) for edge in (grid.width, grid.height))
        frame_width = max(map_width + 2 * MARGIN, min(width, SMALLEST_WIDTH))
        # Video codecs want even sizes.
        self._size = (2 * -(-frame_width // 2), 2 * -(-(map_height + 2 * MARGIN + look.BAR_HEIGHT) // 2))
        self._corner = ((self._size[0] - map_width) // 2, look.BAR_HEIGHT + MARGIN)

    def frame(self, moment: float) -> NDArray[np.uint8]:
        """The scene ``moment`` seconds after the start, uint8 [H, W, 3]."""
        trajectory = self.trajectory
        now = np.array([trajectory.times[0] + moment])
        canvas = self._floor.draw(moment)
        self._draw_robots(canvas, trajectory.poses_at(now)[0])
        picture = Image.new("RGB", self._size, PALETTE["wall_side"])
        picture.paste(canvas.reduce(SUPERSAMPLE), self._corner)
        delivered = int(trajectory.delivered[trajectory.index_at(now)[0]])
        look.draw_bar(picture, self.title, look.counters(float(now[0]), delivered))
        return np.asarray(picture)

    def _draw_robots(self, canvas: Image.Image, poses: NDArray[np.float64]) -> None:
        pen = ImageDraw.Draw(canvas)
        radius = self._floor.length(self.trajectory.footprint)
        centres, yaw = self._floor.pixels(poses[:, :2]), poses[:, 2]
        nose = centres + 0.55 * radius * np.stack([np.cos(yaw), -np.sin(yaw)], axis=-1)
        dot, rim = max(1.5, 0.26 * radius), max(1, round(0.12 * radius))
        for (x, y), (nose_x, nose_y), colour in zip(
            centres.tolist(), nose.tolist(), agent_colours(len(poses)), strict=True
        ):
            dark = tuple(round(0.6 * channel) for channel in colour)
            box = (x - radius, y - radius, x + radius, y + radius)
            pen.ellipse(box, fill=colour, outline=dark, width=rim)
            pen.ellipse((nose_x - dot, nose_y - dot, nose_x + dot, nose_y + dot), fill=(255, 255, 255))


def animate_fleet(
    trajectory: FleetTrajectory,
    path: Path | str,
    *,
    title: str = "",
    fps: float = 25.0,
    seconds: float | None = None,
    width: int = 960,
    max_height: int = 720,
    progress: bool = True,
) -> Path:
    """Video of a trajectory from above, to an .mp4 or .gif; returns its path.

    ``seconds`` is the length of the video: the trajectory is played faster or slower to fit; None
    plays in real time.
    """
    painter = FleetPainter(trajectory, title, width, max_height)
    moments = frame_moments(trajectory.duration, fps, seconds)
    total = len(moments) if progress else None
    return write_video(map(painter.frame, moments.tolist()), path, fps, total)


def picture_fleet(
    trajectory: FleetTrajectory,
    path: Path | str,
    *,
    moment: float | None = None,
    title: str = "",
    width: int = 960,
) -> Path:
    """PNG of one moment [s after the start]; None takes the end. Returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = FleetPainter(trajectory, title, width).frame(trajectory.duration if moment is None else moment)
    Image.fromarray(frame).save(path, optimize=True)
    return path


def frame_moments(duration: float, fps: float, seconds: float | None) -> NDArray[np.floating]:
    """Seconds after the start at which the frames of a video of ``duration`` [s] are taken."""
    length = duration if seconds is None else seconds
    return np.linspace(0.0, duration, max(2, round(length * fps)))

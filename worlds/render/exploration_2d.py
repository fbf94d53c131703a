"""An exploring team from above: the true map with robots and links, and what each of them believes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pilotfish.worlds.draw import PALETTE, agent_colours
from pilotfish.worlds.render import look
from pilotfish.worlds.render.coverage import Coverage
from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory
from pilotfish.worlds.render.fleet_2d import frame_moments
from pilotfish.worlds.render.video import write_video

Colour = tuple[int, int, int]

MARGIN = 10
"""Between panels [px]."""
CAPTION = 26
"""Height of the line under a belief [px]."""
SUPERSAMPLE = 2
"""What is drawn with a pen is drawn this much larger and then averaged."""
TRAIL_SECONDS_SHARE = 0.12
"""Length of the trails, as a share of the trajectory."""
TRAIL_PIECES = 60
WAY_PIECES = 600
"""Corners of a robot's whole way, which is drawn thinly."""
SURE_LINK = 15.0
"""A link with this much more than is needed is drawn as strong as any [dB]."""
GIF_FPS, GIF_WIDTH, GIF_HEIGHT = 10.0, 900, 540
"""Frames a second and size [px] of a GIF."""

UNKNOWN_COLOUR: Colour = (196, 203, 213)
LINK_COLOUR: Colour = (38, 166, 91)
BELIEF_COLOURS = np.array([UNKNOWN_COLOUR, PALETTE["floor"], PALETTE["wall"]], np.uint8)


class ExplorationPainter:
    """Draws moments of one trajectory.

    Args:
        trajectory: what to draw.
        title: to the left of the bar on top.
        width: of the frame [px]; the height follows from the map, up to ``max_height``.
    """

    def __init__(
        self, trajectory: ExplorationTrajectory, title: str = "", width: int = 1280, max_height: int = 760
    ) -> None:
        self.trajectory = trajectory
        self.title = title
        self._colours = agent_colours(trajectory.n_robots)
        self._coverage = Coverage(trajectory)
        self._arrange(width, max_height)
        self._track_moments = np.linspace(0.0, 1.0, TRAIL_PIECES + 1)

    def _arrange(self, width: int, max_height: int) -> None:
        """Decide where the panels stand: the truth to the left, beliefs in columns to the right of it."""
        grid, robots = self.trajectory.grid, self.trajectory.n_robots
        aspect = grid.height / grid.width
        inner = max_height - look.BAR_HEIGHT - 2 * MARGIN
        best: tuple[float, tuple] = (-1.0, ())
        for columns in range(1, robots + 1):
            rows = -(-robots // columns)
            # A belief is as wide as the height of its rows allows, the truth takes what is left.
            small = min((inner - (rows - 1) * MARGIN) / rows - CAPTION, 0.62 * inner) / aspect
            small = min(small, (0.5 * width - columns * MARGIN) / columns)
            big = min(width - 2 * MARGIN - columns * (small + MARGIN), inner / aspect)
            if small < 24 or big < 48:
                continue
            score = big + columns * small * 0.6
            if score > best[0]:
                best = (score, (columns, int(small), int(big)))
        if not best[1]:
            raise ValueError(f"{robots} robots on {grid.name!r} do not fit into a frame {width} px wide")
        self._columns, small, big = best[1]
        rows = -(-robots // self._columns)
        self._small = (small, round(small * aspect))
        self._big = (big, round(big * aspect))
        beliefs = rows * (self._small[1] + CAPTION) + (rows - 1) * MARGIN
        panels = max(self._big[1], beliefs)
        used = 2 * MARGIN + big + self._columns * (small + MARGIN)
        self._size = (2 * -(-used // 2), 2 * -(-(panels + 2 * MARGIN + look.BAR_HEIGHT) // 2))
        top = look.BAR_HEIGHT + MARGIN
        self._corner = (MARGIN, top + (panels - self._big[1]) // 2)
        self._corners = [
            (
                2 * MARGIN + big + (robot % self._columns) * (small + MARGIN),
                top + (panels - beliefs) // 2 + robot // self._columns * (self._small[1] + CAPTION + MARGIN),
            )
            for robot in range(robots)
        ]

    def frame(self, moment: float) -> NDArray[np.uint8]:
        """The scene ``moment`` seconds after the start, uint8 [H, W, 3]."""
        trajectory = self.trajectory
        now = float(trajectory.times[0]) + moment
        component = trajectory.component_at(now)
        picture = Image.new("RGB", self._size, PALETTE["wall_side"])
        picture.paste(self._truth(now), self._corner)
        for robot, corner in enumerate(self._corners):
            picture.paste(self._belief(robot, now, component), corner)
            self._caption(picture, robot, corner, now)
        look.draw_bar(picture, self.title, self._facts(now, component))
        return np.asarray(picture)

    def _facts(self, now: float, component: NDArray[np.int64]) -> str:
        teams = len(np.unique(component))
        together = "all connected" if teams == 1 else f"{teams} groups out of contact"
        return f"t {now:6.1f} s   explored {self._coverage.team(now):4.0%}   {together}"

    def _truth(self, now: float) -> Image.Image:
        """The true map, lighter where somebody has been looking, with robots and links."""
        canvas = _fit(self._coverage.picture(now), self._big, SUPERSAMPLE)
        pen = ImageDraw.Draw(canvas, "RGBA")
        scale = SUPERSAMPLE * self._big[0] / self.trajectory.grid.width
        radius = max(self.trajectory.radius / self.trajectory.grid.resolution * scale, 5.0 * SUPERSAMPLE)
        poses = self.trajectory.poses_at(np.array([now]))[0]
        row = self.trajectory.row_at(now)
        self._draw_trails(pen, now, scale)
        centres = self._pixels(poses[:, :2], scale)
        self._draw_links(pen, centres, self.trajectory.links[row], radius)
        targets = self._pixels(self.trajectory.targets[row], scale)
        for robot, colour in enumerate(self._colours):
            _draw_target(pen, centres[robot], targets[robot], colour, radius)
        for robot, colour in enumerate(self._colours):
            _draw_robot(pen, centres[robot], float(poses[robot, 2]), colour, radius)
        return canvas.reduce(SUPERSAMPLE)

    def _belief(self, robot: int, now: float, component: NDArray[np.int64]) -> Image.Image:
        """A robot's map, itself, and the others where it believes them: rings when out of contact."""
        trajectory = self.trajectory
        pixels = BELIEF_COLOURS[trajectory.maps[robot].at(now)]
        canvas = _fit(pixels, self._small, SUPERSAMPLE)
        pen = ImageDraw.Draw(canvas, "RGBA")
        scale = SUPERSAMPLE * self._small[0] / trajectory.grid.width
        radius = max(trajectory.radius / trajectory.grid.resolution * scale, 3.5 * SUPERSAMPLE)
        poses = trajectory.poses_at(np.array([now]))[0]
        row = trajectory.row_at(now)
        places = self._pixels(trajectory.believed[row, robot], scale)
        truth = self._pixels(poses[:, :2], scale)
        for peer, colour in enumerate(self._colours):
            if peer == robot or not np.isfinite(places[peer]).all():
                continue
            if component[peer] == component[robot]:
                _draw_robot(pen, truth[peer], float(poses[peer, 2]), colour, 0.8 * radius)
            else:
                x, y = places[peer].tolist()
                box = (x - radius, y - radius, x + radius, y + radius)
                pen.ellipse(box, outline=(*colour, 210), width=max(2, round(0.35 * radius)))
        target = self._pixels(trajectory.targets[row, robot], scale)
        _draw_target(pen, truth[robot], target, self._colours[robot], radius)
        _draw_robot(pen, truth[robot], float(poses[robot, 2]), self._colours[robot], radius)
        return canvas.reduce(SUPERSAMPLE)

    def _caption(self, picture: Image.Image, robot: int, corner: tuple[int, int], now: float) -> None:
        """Whose belief it is, and how much of the free space it holds."""
        pen = ImageDraw.Draw(picture)
        (x, y), (width, height) = corner, self._small
        share = self._coverage.share(robot, now)
        colour = self._colours[robot]
        middle, font = y + height + CAPTION // 2, look.font(13 if width >= 150 else 10)
        pen.rectangle((x, y + height, x + width - 1, y + height + CAPTION - 1), fill=PALETTE["ink"])
        pen.rectangle((x, y + height, x + round(share * (width - 1)), y + height + 3), fill=colour)
        pen.ellipse((x + 6, middle - 4, x + 16, middle + 6), fill=colour)
        pen.text((x + 22, middle + 2), f"robot {robot}", font=font, fill=(255, 255, 255), anchor="lm")
        pen.text((x + width - 6, middle + 2), f"{share:.0%}", font=font, fill=(178, 190, 206), anchor="rm")

    def _draw_trails(self, pen: ImageDraw.ImageDraw, now: float, scale: float) -> None:
        """The way so far thinly, its last part strongly."""
        trajectory = self.trajectory
        rows = np.linspace(0, trajectory.row_at(now), WAY_PIECES).astype(int)
        ways = self._pixels(trajectory.poses[rows, :, :2], scale)
        for robot, colour in enumerate(self._colours):
            pen.line(list(map(tuple, ways[:, robot].tolist())), fill=(*colour, 90), width=SUPERSAMPLE)
        start = max(trajectory.times[0], now - TRAIL_SECONDS_SHARE * trajectory.duration)
        moments = start + (now - start) * self._track_moments
        trail = self._pixels(trajectory.poses_at(moments)[..., :2], scale)
        width = max(2, round(1.6 * SUPERSAMPLE))
        for piece in range(TRAIL_PIECES):
            alpha = round(230 * (piece + 1) / TRAIL_PIECES)
            for robot, colour in enumerate(self._colours):
                (x0, y0), (x1, y1) = trail[piece, robot].tolist(), trail[piece + 1, robot].tolist()
                if abs(x1 - x0) + abs(y1 - y0) > 0.1:
                    pen.line((x0, y0, x1, y1), fill=(*colour, alpha), width=width)

    def _draw_links(
        self, pen: ImageDraw.ImageDraw, centres: NDArray, margins: NDArray[np.float32], radius: float
    ) -> None:
        for a in range(len(centres)):
            for b in range(a + 1, len(centres)):
                margin = float(margins[a, b])
                if margin > 0:
                    strength = min(margin / SURE_LINK, 1.0)
                    width = max(2, round((0.16 + 0.22 * strength) * radius))
                    line = (*centres[a].tolist(), *centres[b].tolist())
                    pen.line(line, fill=(*LINK_COLOUR, round(130 + 110 * strength)), width=width)

    def _pixels(self, xy: NDArray, scale: float) -> NDArray[np.float64]:
        """Pixels (column, row) [..., 2] at ``scale`` pixels a cell, of points [..., 2] [m, map frame]."""
        grid = self.trajectory.grid
        x = (xy[..., 0] - grid.origin[0]) / grid.resolution * scale
        y = (grid.height - (xy[..., 1] - grid.origin[1]) / grid.resolution) * scale
        return np.stack([x, y], axis=-1).astype(np.float64)


def _fit(pixels: NDArray[np.uint8], size: tuple[int, int], factor: int) -> Image.Image:
    """A map's colours uint8 [H, W, 3], enlarged or averaged to ``factor`` times a panel's size."""
    wanted = (factor * size[0], factor * size[1])
    kind = Image.Resampling.BOX if pixels.shape[1] > wanted[0] else Image.Resampling.NEAREST
    return Image.fromarray(pixels).resize(wanted, kind)


def _draw_robot(pen: ImageDraw.ImageDraw, centre: NDArray, yaw: float, colour: Colour, radius: float) -> None:
    x, y = centre.tolist()
    dark = tuple(round(0.55 * channel) for channel in colour)
    rim = max(1, round(0.18 * radius))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=dark, width=rim)
    nose_x, nose_y, dot = x + 0.5 * radius * np.cos(yaw), y - 0.5 * radius * np.sin(yaw), 0.28 * radius
    pen.ellipse((nose_x - dot, nose_y - dot, nose_x + dot, nose_y + dot), fill=(255, 255, 255))


def _draw_target(
    pen: ImageDraw.ImageDraw, centre: NDArray, target: NDArray, colour: Colour, radius: float
) -> None:
    """A cross where a robot wants to be."""
    if not np.isfinite(target).all() or np.hypot(*(target - centre)) < radius:
        return
    x, y = target.tolist()
    arm, width = 0.6 * radius, max(2, round(0.22 * radius))
    for slope in (-1, 1):
        pen.line((x - arm, y - slope * arm, x + arm, y + slope * arm), fill=(*colour, 230), width=width)


def animate_exploration(
    trajectory: ExplorationTrajectory,
    path: Path | str,
    *,
    title: str = "",
    fps: float = 25.0,
    seconds: float | None = None,
    width: int = 1280,
    max_height: int = 760,
    progress: bool = True,
) -> Path:
    """Video of a trajectory, to an .mp4 or .gif; returns its path.

    ``seconds`` is the length of the video: the trajectory is played faster or slower to fit; None
    plays in real time.
    """
    painter = ExplorationPainter(trajectory, title, width, max_height)
    moments = frame_moments(trajectory.duration, fps, seconds)
    total = len(moments) if progress else None
    return write_video(map(painter.frame, moments.tolist()), path, fps, total)


def film_exploration(
    trajectory: ExplorationTrajectory,
    path: Path | str,
    *,
    title: str = "",
    seconds: float = 24.0,
    progress: bool = True,
) -> Path:
    """A trajectory in a video of ``seconds``; where ``path`` is a .gif, a third shorter and small
    enough to stand in a web page. Returns its path."""
    if Path(path).suffix == ".gif":
        form: dict = {"seconds": seconds / 1.5, "fps": GIF_FPS, "width": GIF_WIDTH, "max_height": GIF_HEIGHT}
    else:
        form = {"seconds": seconds, "fps": 16.0}
    return animate_exploration(trajectory, path, title=title, progress=progress, **form)


def picture_exploration(
    trajectory: ExplorationTrajectory,
    path: Path | str,
    *,
    moment: float | None = None,
    title: str = "",
    width: int = 1280,
    max_height: int = 760,
) -> Path:
    """PNG of one moment [s after the start]; None takes the end. Returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    painter = ExplorationPainter(trajectory, title, width, max_height)
    Image.fromarray(painter.frame(trajectory.duration if moment is None else moment)).save(
        path, optimize=True
    )
    return path

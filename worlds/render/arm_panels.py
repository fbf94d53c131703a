"""Parts of an arm's pictures: its hand's paths seen straight on, and commands and episodes over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pilotfish.worlds.draw import PALETTE, agent_colours
from pilotfish.worlds.render import look
from pilotfish.worlds.render.arm_trajectory import ArmTrajectory, Episode

Colour = tuple[int, int, int]

SUPERSAMPLE = 2
"""What is drawn with a pen is drawn this much larger and then averaged."""
LINE = 0.1
"""Between the lines of a plane [m]."""
SMALLEST_VIEW = 0.2
"""A plane shows at least this much of each axis [m]."""
BORDER = (34, 22, 10, 26)
"""Of a plane: left, top, right, bottom [px]; the numbers stand there."""
EPISODE_BAND, LANE = 26, 70
"""Heights in the timeline [px]."""
LABEL_WIDTH = 128
"""Of the names of the lanes [px]."""
NAMED_EPISODE = 22
"""An episode this wide in the timeline shows its number [px]."""

OUTCOME_COLOURS: dict[bool | None, Colour] = {
    True: (38, 166, 91),
    False: (214, 69, 65),
    None: (150, 160, 174),
}
THIN, THICK = 3, 5
"""Paths of earlier episodes and of the current one, in the enlarged panel [px]."""
HAND_COLOUR: Colour = PALETTE["ink"]
TEXT_COLOUR: Colour = (96, 106, 122)
LANES = (
    ("hand [m/s]", ((1, "x"), (2, "y"), (3, "z"))),
    ("turn [rad/s]", ((4, "about z"),)),
)
"""Name of a lane -> the columns of ``twists`` that it shows, and what they are called."""
CURVE_COLOURS = tuple(agent_colours(6)[k] for k in (0, 4, 5))
THING_COLOURS = tuple(agent_colours(6)[k] for k in (0, 1, 5, 3))


@dataclass(frozen=True)
class View:
    """From where a plane is seen: the axes of the table that go to the right and up."""

    title: str
    right: int
    up: int


ABOVE, SIDE = View("from above", 0, 1), View("from the side", 0, 2)


class Plane:
    """A view of the table in which the hand leaves its path; all axes have the same scale.

    Args:
        trajectory: what to draw; its whole motion fits in.
        view: from where.
        size: of the panel [px].
    """

    def __init__(self, trajectory: ArmTrajectory, view: View, size: tuple[int, int]) -> None:
        self._trajectory = trajectory
        self._axes = [view.right, view.up]
        self._places = _places(trajectory)
        left, top, right, bottom = BORDER
        room = np.array([size[0] - left - right, size[1] - top - bottom], float)
        low, high = self._bounds()
        scale = float((room / (high - low)).min())
        middle = (low + high) / 2
        self._low, self._high = middle - room / scale / 2, middle + room / scale / 2
        self._scale, self._corner = SUPERSAMPLE * scale, SUPERSAMPLE * np.array([left, top], float)
        self._base = self._empty(view, size)

    def draw(self, now: float, current: Episode | None) -> Image.Image:
        """The paths of the episodes that are over thinly, that of the ``current`` one strongly."""
        trajectory, canvas = self._trajectory, self._base.copy()
        pen = ImageDraw.Draw(canvas, "RGBA")
        # Failures, mostly the fewer, over successes and stronger.
        for episode in sorted(trajectory.episodes, key=lambda one: one.success is False):
            if episode is not current and episode.end <= now:
                path = trajectory.hands[trajectory.rows_of(episode), :3]
                colour = (*OUTCOME_COLOURS[episode.success], 230 if episode.success is False else 130)
                self._line(pen, path, colour, THIN)
        row = trajectory.row_at(now)
        self._draw_things(pen, row)
        if current is not None:
            path = trajectory.hands[trajectory.rows_of(current, now), :3]
            over = current.success if current.end <= now else None
            strong = OUTCOME_COLOURS[over] if over is not None else HAND_COLOUR
            self._line(pen, path, (*strong, 255), THICK)
        x, y = self._pixels(trajectory.hands[row, :3]).tolist()
        radius = 6 * SUPERSAMPLE
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=HAND_COLOUR)
        pen.ellipse((x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), fill=(255, 255, 255))
        return canvas.reduce(SUPERSAMPLE)

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Corners of what is to be seen, in this plane [m]."""
        hands = self._trajectory.hands[:, :3]
        points = np.concatenate([hands, *(places for places in self._places.values())])[:, self._axes]
        low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
        if self._axes[1] == 2:
            low[1] = min(low[1], 0.0)  # the table's top
        lack = np.maximum(SMALLEST_VIEW - (high - low), 0) / 2
        return low - lack - 0.02, high + lack + 0.02

    def _pixels(self, points: NDArray) -> NDArray[np.float64]:
        """Pixels [..., 2] of the enlarged panel, of points [..., 3] [m, table frame]."""
        flat = points[..., self._axes]
        right = self._corner[0] + (flat[..., 0] - self._low[0]) * self._scale
        down = self._corner[1] + (self._high[1] - flat[..., 1]) * self._scale
        return np.stack([right, down], axis=-1)

    def _empty(self, view: View, size: tuple[int, int]) -> Image.Image:
        """The panel with its lines and numbers."""
        canvas = Image.new("RGB", (SUPERSAMPLE * size[0], SUPERSAMPLE * size[1]), PALETTE["paper"])
        pen = ImageDraw.Draw(canvas)
        font = look.font(12 * SUPERSAMPLE)
        corner = np.zeros(3)
        corner[self._axes] = self._low
        left, bottom = self._pixels(corner).tolist()
        corner[self._axes] = self._high
        right, top = self._pixels(corner).tolist()
        pen.rectangle((left, top, right, bottom), fill=PALETTE["floor"])
        for axis in (0, 1):
            for number in np.arange(np.ceil(self._low[axis] / LINE), self._high[axis] / LINE + 1e-9):
                point = np.zeros(3)
                point[self._axes[axis]] = number * LINE
                x, y = self._pixels(point).tolist()
                ends = (x, top, x, bottom) if axis == 0 else (left, y, right, y)
                table = axis == 1 and view.up == 2 and number == 0
                pen.line(ends, fill=TEXT_COLOUR if table else (221, 217, 207), width=SUPERSAMPLE)
                text = f"{number * LINE + 0.0:.1f}"
                if axis == 0:
                    place, anchor = (x, bottom + 4 * SUPERSAMPLE), "mt"
                else:
                    place, anchor = (left - 4 * SUPERSAMPLE, y), "rm"
                pen.text(place, text, font=font, fill=TEXT_COLOUR, anchor=anchor)
        names = "xyz"
        title, above = (
            f"{view.title}: {names[view.right]} right, {names[view.up]} up [m]",
            top - 5 * SUPERSAMPLE,
        )
        pen.text((left, above), title, font=font, fill=TEXT_COLOUR, anchor="ls")
        seen = [not np.isnan(places[:, self._axes]).any() for places in self._places.values()]
        named = list(zip(self._places, cycle(THING_COLOURS), seen))
        for name, colour, is_seen in reversed(named):
            if is_seen:
                pen.text((right, above), name, font=font, fill=colour, anchor="rs")
                right -= pen.textlength(name, font=font) + 9 * SUPERSAMPLE
        return canvas

    def _draw_things(self, pen: ImageDraw.ImageDraw, row: int) -> None:
        """A square where each thing is; one of unknown height is not seen from the side."""
        half = 4 * SUPERSAMPLE
        for places, colour in zip(self._places.values(), cycle(THING_COLOURS)):
            x, y = self._pixels(places[row]).tolist()
            if np.isfinite([x, y]).all():
                pen.rectangle((x - half, y - half, x + half, y + half), fill=colour)

    def _line(self, pen: ImageDraw.ImageDraw, path: NDArray, colour: tuple[int, ...], width: int) -> None:
        if len(path) > 1:
            corners = list(map(tuple, self._pixels(path).tolist()))
            pen.line(corners, fill=colour, width=width, joint="curve")


def _places(trajectory: ArmTrajectory) -> dict[str, NDArray[np.float64]]:
    """Thing -> float64 [T, 3] where it is [m]; NaN where that was not recorded."""
    columns = {name: k for k, name in enumerate(trajectory.thing_names)}
    places: dict[str, NDArray[np.float64]] = {}
    for name in columns:
        thing = name.removesuffix("_x")
        if thing != name and f"{thing}_y" in columns:
            place = np.full((len(trajectory.times), 3), np.nan)
            for axis, letter in enumerate("xyz"):
                if f"{thing}_{letter}" in columns:
                    place[:, axis] = trajectory.things[:, columns[f"{thing}_{letter}"]]
            places[thing] = place
    return places


class Timeline:
    """Episodes by how they ended, and what was commanded, over the whole of a trajectory.

    Args:
        trajectory: what to draw.
        width: of the panel [px]; the height follows from what was commanded.
    """

    def __init__(self, trajectory: ArmTrajectory, width: int) -> None:
        self._trajectory = trajectory
        self._lanes = _lanes(trajectory)
        self.size = (width, EPISODE_BAND + len(self._lanes) * LANE + 22)
        self._base = self._whole()

    def draw(self, now: float) -> Image.Image:
        """All of it, what has not happened yet faintly."""
        picture = self._base.copy()
        x, bottom = self._x(now), self.size[1] - 22
        veil = Image.new("RGB", (max(self.size[0] - int(x), 1), bottom), PALETTE["paper"])
        mask = Image.new("L", veil.size, 170)
        picture.paste(veil, (int(x), 0), mask)
        ImageDraw.Draw(picture).line((x, 0, x, bottom), fill=HAND_COLOUR, width=2)
        return picture

    def _x(self, time: float) -> float:
        share = time / max(self._trajectory.duration, 1e-9)
        return LABEL_WIDTH + share * (self.size[0] - LABEL_WIDTH - 12)

    def _whole(self) -> Image.Image:
        canvas = Image.new("RGB", (SUPERSAMPLE * self.size[0], SUPERSAMPLE * self.size[1]), PALETTE["paper"])
        pen = ImageDraw.Draw(canvas)
        self._draw_episodes(pen)
        for place, lane in enumerate(self._lanes):
            self._draw_lane(pen, lane, EPISODE_BAND + place * LANE)
        self._draw_seconds(pen)
        return canvas.reduce(SUPERSAMPLE)

    def _draw_episodes(self, pen: ImageDraw.ImageDraw) -> None:
        font = look.font(12 * SUPERSAMPLE)
        middle = SUPERSAMPLE * EPISODE_BAND / 2
        pen.text((SUPERSAMPLE * 10, middle), "episodes", font=font, fill=TEXT_COLOUR, anchor="lm")
        for episode in self._trajectory.episodes:
            left, right = self._x(max(episode.start, 0.0)), self._x(episode.end)
            box = [SUPERSAMPLE * edge for edge in (left, 4, max(right, left + 1), EPISODE_BAND - 4)]
            pen.rectangle(box, fill=OUTCOME_COLOURS[episode.success])
            if right - left >= NAMED_EPISODE:
                place = (SUPERSAMPLE * (left + right) / 2, middle)
                pen.text(place, str(episode.number), font=font, fill=(255, 255, 255), anchor="mm")

    def _draw_lane(self, pen: ImageDraw.ImageDraw, lane: _Lane, top: int) -> None:
        """Commands hold until the next one: steps."""
        font, (low, high) = look.font(12 * SUPERSAMPLE), lane.limits
        upper, lower = SUPERSAMPLE * (top + 6), SUPERSAMPLE * (top + LANE - 6)

        def height(value: NDArray[np.float64]) -> NDArray[np.float64]:
            return lower - (np.clip(value, low, high) - low) / (high - low) * (lower - upper)

        left, right = SUPERSAMPLE * self._x(0.0), SUPERSAMPLE * self._x(self._trajectory.duration)
        pen.rectangle((left, upper, right, lower), fill=PALETTE["floor"])
        zero = float(height(np.zeros(1))[0])
        pen.line((left, zero, right, zero), fill=(205, 200, 188), width=SUPERSAMPLE)
        pen.text((SUPERSAMPLE * 10, upper), lane.name, font=font, fill=TEXT_COLOUR, anchor="lt")
        for value, anchor in ((low, "rs"), (high, "rt")):
            place = (left - 4 * SUPERSAMPLE, upper if value == high else lower)
            pen.text(place, f"{value:g}", font=font, fill=TEXT_COLOUR, anchor=anchor)
        x_of_name = 10.0 * SUPERSAMPLE
        for (name, values), colour in zip(lane.curves, CURVE_COLOURS, strict=False):
            x = SUPERSAMPLE * np.array([self._x(time) for time in lane.times.clip(0.0).tolist()])
            corners = np.stack([np.repeat(x, 2)[1:], np.repeat(height(values), 2)[:-1]], axis=-1)
            if len(corners) > 1:
                pen.line(list(map(tuple, corners.tolist())), fill=colour, width=SUPERSAMPLE)
            pen.text((x_of_name, lower), name, font=font, fill=colour, anchor="ls")
            x_of_name += pen.textlength(name, font=font) + 9 * SUPERSAMPLE

    def _draw_seconds(self, pen: ImageDraw.ImageDraw) -> None:
        font, duration = look.font(12 * SUPERSAMPLE), self._trajectory.duration
        step = next((s for s in (1, 2, 5, 10, 20, 60, 120, 300) if duration / s <= 16), 600)
        top = SUPERSAMPLE * (self.size[1] - 18)
        for second in range(0, int(duration) + 1, step):
            text = f"{second} s"
            pen.text((SUPERSAMPLE * self._x(second), top), text, font=font, fill=TEXT_COLOUR, anchor="mt")


@dataclass(frozen=True)
class _Lane:
    """One diagram of the timeline.

    Attributes:
        name: with the unit.
        times: float64 [K] of the commands [s].
        curves: (what it is called, float64 [K] values) of each.
        limits: lowest and highest value that is shown.
    """

    name: str
    times: NDArray[np.float64]
    curves: Sequence[tuple[str, NDArray[np.float64]]]
    limits: tuple[float, float]


def _lanes(trajectory: ArmTrajectory) -> list[_Lane]:
    """Lanes of what was commanded at all."""
    twists, grips, lanes = trajectory.twists, trajectory.grips, []
    for name, columns in LANES:
        values = twists[:, [column for column, _ in columns]]
        most = float(np.abs(values).max(initial=0.0))
        if most > 0:
            curves = [(called, twists[:, column]) for column, called in columns]
            limit = float(np.ceil(10 * most) / 10)
            lanes.append(_Lane(name, twists[:, 0], curves, (-limit, limit)))
    if len(grips):
        limit = max(float(np.ceil(100 * grips[:, 1].max()) / 100), 0.01)
        lanes.append(_Lane("gripper [m]", grips[:, 0], [("width", grips[:, 1])], (0.0, limit)))
    return lanes

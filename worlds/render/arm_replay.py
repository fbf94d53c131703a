"""A recorded arm at work: the scene, the hand's path from above and from the side, episodes and commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilotfish.worlds.draw import PALETTE
from pilotfish.worlds.registry import MANIPULATION_TASKS
from pilotfish.worlds.render import look
from pilotfish.worlds.render.arm_panels import ABOVE, SIDE, Plane, Timeline
from pilotfish.worlds.render.arm_trajectory import SAME_MOMENT, ArmTrajectory, Episode
from pilotfish.worlds.render.fleet_2d import frame_moments
from pilotfish.worlds.render.video import write_video

if TYPE_CHECKING:
    from pilotfish.worlds.render.arm_scene import ArmScene

MARGIN = 10
"""Between panels [px]."""
SMALLEST_WIDTH = 480
"""Narrower than this, the panels have no room [px]."""
SCENE_SHARE = 0.52
"""Of the width, for the scene."""
ABOVE_SHARE = 0.58
"""Of the height beside the scene, for the path from above."""
GIF_FPS, GIF_WIDTH, GIF_SPEED = 8.0, 800, 2.0
"""Of a film that is a GIF: frames a second, width [px], and seconds of the trajectory in one of the film."""
FILM_FPS = 10.0
PAUSE = 5
"""Frames that a film shows the end of an episode for."""


class ArmPainter:
    """Draws moments of one trajectory.

    The scene is drawn in 3-D where joints and things of one of this package's tasks were recorded; elsewhere
    the path from above takes its place.

    Args:
        trajectory: what to draw.
        title: to the left of the bar on top.
        width: of the frame [px]; the height follows.

    Raises:
        ValueError: the frame is too narrow.
    """

    def __init__(self, trajectory: ArmTrajectory, title: str = "", width: int = 1280) -> None:
        if width < SMALLEST_WIDTH:
            raise ValueError(f"a picture of an arm is at least {SMALLEST_WIDTH} px wide, not {width}")
        self.trajectory, self.title = trajectory, title
        self.scene = _scene(trajectory)
        wide = round(SCENE_SHARE * width)
        narrow, high = width - wide - 3 * MARGIN, wide * 3 // 4
        self._scene_size = (wide, high)
        upper = round(ABOVE_SHARE * (high - MARGIN))
        if self.scene is None:
            self._planes = [Plane(trajectory, ABOVE, (wide, high)), Plane(trajectory, SIDE, (narrow, high))]
        else:
            sizes = ((narrow, upper), (narrow, high - MARGIN - upper))
            self._planes = [
                Plane(trajectory, view, size) for view, size in zip((ABOVE, SIDE), sizes, strict=True)
            ]
        top, beside = look.BAR_HEIGHT + MARGIN, wide + 2 * MARGIN
        self._corner = (MARGIN, top)
        self._corners = [(MARGIN, top), (beside, top)]
        if self.scene is not None:
            self._corners = [(beside, top), (beside, top + upper + MARGIN)]
        self._timeline = Timeline(trajectory, width - 2 * MARGIN)
        self._below = top + high + MARGIN
        height = self._below + self._timeline.size[1] + MARGIN
        self._size = (2 * (width // 2), 2 * -(-height // 2))

    def frame(self, moment: float) -> NDArray[np.uint8]:
        """The scene ``moment`` seconds after the start, uint8 [H, W, 3]."""
        current = self._current(moment)
        picture = Image.new("RGB", self._size, PALETTE["wall_side"])
        if self.scene is not None:
            wide, high = self._scene_size
            pixels = self.scene.picture(self.trajectory.row_at(moment), high, wide)
            picture.paste(Image.fromarray(pixels), self._corner)
        for plane, corner in zip(self._planes, self._corners, strict=True):
            picture.paste(plane.draw(moment, current), corner)
        picture.paste(self._timeline.draw(moment), (MARGIN, self._below))
        look.draw_bar(picture, self.title, self._facts(moment, current))
        return np.asarray(picture)

    def close(self) -> None:
        """Free the scene's physics."""
        if self.scene is not None:
            self.scene.close()

    def _current(self, moment: float) -> Episode | None:
        """The newest episode that has begun."""
        begun = [episode for episode in self.trajectory.episodes if episode.start <= moment]
        return begun[-1] if begun else None

    def _facts(self, moment: float, current: Episode | None) -> str:
        over = [episode for episode in self.trajectory.decided if episode.end <= moment]
        parts = [f"t {moment:5.1f} s"]
        if current is not None and (over or self.trajectory.decided):
            parts.append(f"episode {current.number}")
            parts.append(f"{sum(bool(one.success) for one in over)} of {len(over)} succeeded")
        return "   ".join(parts)


def _scene(trajectory: ArmTrajectory) -> ArmScene | None:
    """What draws the scene, if all that it needs was recorded."""
    if trajectory.task not in MANIPULATION_TASKS or not trajectory.joints.size or not trajectory.things.size:
        return None
    from pilotfish.worlds.render.arm_scene import ArmScene

    return ArmScene(trajectory) if ArmScene.knows(trajectory) else None


def animate_arm(
    trajectory: ArmTrajectory,
    path: Path | str,
    *,
    title: str = "",
    fps: float = 25.0,
    seconds: float | None = None,
    width: int = 1280,
    progress: bool = True,
) -> Path:
    """Video of a trajectory, to an .mp4 or .gif; returns its path.

    ``seconds`` is the length of the video: the trajectory is played faster or slower to fit; None
    plays in real time.
    """
    moments = frame_moments(trajectory.duration, fps, seconds)
    return _write(ArmPainter(trajectory, title, width), moments, path, fps, progress)


def film_arm(
    trajectory: ArmTrajectory, path: Path | str, *, title: str = "", longest: float, progress: bool = True
) -> Path:
    """The decided episodes one after the other, each until it is over; returns the video's path.

    Args:
        path: .mp4, or .gif: twice as fast and small enough to stand in a web page.
        longest: more than this much of the trajectory is played faster, to fit into this time [s].
    """
    gif = Path(path).suffix == ".gif"
    fps = GIF_FPS if gif else FILM_FPS
    speed = max(sum(one.end - one.start for one in trajectory.decided) / longest, 1.0)
    step = speed * (GIF_SPEED if gif else 1.0) / fps
    moments = [
        np.append(np.arange(one.start + SAME_MOMENT, one.end, step), [one.end + SAME_MOMENT] * (1 + PAUSE))
        for one in trajectory.decided
    ]
    painter = ArmPainter(trajectory, title, GIF_WIDTH if gif else 1280)
    return _write(painter, np.concatenate(moments), path, fps, progress)


def _write(
    painter: ArmPainter, moments: NDArray[np.floating], path: Path | str, fps: float, progress: bool
) -> Path:
    """A video of frames at moments [s after the start]; the painter is used up."""
    try:
        total = len(moments) if progress else None
        return write_video(_frames(painter, moments.tolist()), path, fps, total)
    finally:
        painter.close()


def _frames(painter: ArmPainter, moments: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """A frame a moment, uint8 [H, W, 3]; one that lasts is drawn once."""
    for moment, lasting in groupby(moments):
        frame = painter.frame(moment)
        for _ in lasting:
            yield frame


def picture_arm(
    trajectory: ArmTrajectory,
    path: Path | str,
    *,
    moment: float | None = None,
    title: str = "",
    width: int = 1280,
) -> Path:
    """PNG of one moment [s after the start]; None takes the end of the last episode. Returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if moment is None:
        # The pose that decided an episode may be recorded just after the word about it.
        moment = trajectory.decided[-1].end + SAME_MOMENT if trajectory.decided else trajectory.duration
    painter = ArmPainter(trajectory, title, width)
    try:
        Image.fromarray(painter.frame(moment)).save(path, optimize=True)
    finally:
        painter.close()
    return path

"""The fleet in 3D: a slow camera flight over the warehouse, drawn on the CPU.

PyBullet's own TinyRenderer takes twelve times as long for a frame with edges as smooth (0.41 s; 0.034 s here,
640x360, 64 robots); this also draws any trajectory, whatever simulator or robot it came from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from pilotfish.worlds.draw import agent_colours
from pilotfish.worlds.render import look
from pilotfish.worlds.render.fleet_2d import frame_moments
from pilotfish.worlds.render.floor import FloorPainter
from pilotfish.worlds.render.meshes import Mesh, boxes_mesh, cartons_mesh, goals_mesh, robots_mesh, walls_mesh
from pilotfish.worlds.render.raster import SUN, Camera, render
from pilotfish.worlds.render.trajectory import FleetTrajectory
from pilotfish.worlds.render.video import write_video
from pilotfish.worlds.spec import WorldSpec

SUPERSAMPLE = 2
VIEW = np.radians(26.0)
"""Vertical opening angle of the camera."""
ELEVATION = np.radians(56.0)
SWING = np.radians(30.0)
"""The camera flies this far around the middle, half of it to either side."""
HORIZON = ((206, 217, 229), (236, 240, 244))
"""Backdrop colours, from the top of the picture to its bottom."""
SHADE = (92, 98, 116)
"""Colour that shadows pull the floor towards."""
FLOOR_PX = 30
"""Pixels of the floor's texture along a cell, at most."""
TEXTURE_PX = 1600
"""Pixels of the floor's texture along its longer side, at most."""


class FleetScene:
    """Draws moments of one trajectory in 3D.

    Args:
        trajectory: what to draw.
        title: to the left of the bar on top.
        size: (width, height) of the frame [px], even.
        zoom: magnification at the end; the video begins with a view of the whole map.
        still: the camera stays at the middle of its flight, which makes small GIFs.
    """

    def __init__(
        self,
        trajectory: FleetTrajectory,
        title: str = "",
        size: tuple[int, int] = (640, 360),
        zoom: float = 1.7,
        still: bool = False,
    ) -> None:
        self.trajectory = trajectory
        self.title = title
        self._size = size
        self._zoom = zoom
        self._still = still
        grid = trajectory.grid
        edge = grid.resolution
        is_warehouse = grid.starts is not None
        wall_height = (0.3 if is_warehouse else 0.6) * edge
        spec = WorldSpec.from_grid(grid, wall_height=wall_height, border=False)
        solids = [walls_mesh(spec)]
        if is_warehouse and grid.walls.any():
            wall_cells = np.flatnonzero(grid.walls)
            solids.append(cartons_mesh(grid.cell_centre(wall_cells), edge, wall_height))
        low = np.array(spec.origin)
        high = low + spec.size
        self._floor_box = (*low.tolist(), *high.tolist())
        slab = np.array([[*((low + high) / 2), -0.26 * edge]])
        solids.append(boxes_mesh(slab, np.array([[*spec.size, 0.5 * edge]]), np.array([[168, 174, 184]])))
        self._solids = tuple(np.concatenate(parts) for parts in zip(*solids, strict=True))
        self._middle = np.array([*((low + high) / 2), 0.0])
        self._corners = np.array([[x, y, 0.0] for x in (low[0], high[0]) for y in (low[1], high[1])])
        texture_px = max(4, min(FLOOR_PX, TEXTURE_PX // max(grid.width, grid.height)))
        self._painter = FloorPainter(trajectory, texture_px)
        self._shade = Image.new("RGB", (grid.width * texture_px, grid.height * texture_px), SHADE)
        self._sunlight = self._wall_shadows(texture_px, wall_height / edge)
        rows = np.linspace(0.0, 1.0, SUPERSAMPLE * (size[1] - look.BAR_HEIGHT))[:, None]
        sky = (1 - rows) * np.array(HORIZON[0]) + rows * np.array(HORIZON[1])
        self._backdrop = np.repeat(sky[:, None].astype(np.uint8), SUPERSAMPLE * size[0], axis=1)
        self._distance = self._fitting_distance()

    def frame(self, moment: float) -> NDArray[np.uint8]:
        """The scene ``moment`` seconds after the start, uint8 [H, W, 3]."""
        trajectory = self.trajectory
        now = trajectory.times[0] + moment
        poses = trajectory.poses_at(np.array([now]))[0]
        row = int(trajectory.index_at(np.array([now]))[0])
        meshes = (self._solids, robots_mesh(poses, trajectory.footprint), self._goals(trajectory.goals[row]))
        triangles, colours = (np.concatenate(parts) for parts in zip(*meshes, strict=True))
        share = 0.5 if self._still or not trajectory.duration else moment / trajectory.duration
        ease = share * share * (3 - 2 * share)  # starts and stops gently
        picture = render(
            self._camera(ease, self._distance, 1 + (self._zoom - 1) * ease),
            self._backdrop,
            self._floor(moment, poses),
            self._floor_box,
            triangles,
            colours,
        )
        image = Image.new("RGB", self._size)
        image.paste(Image.fromarray(picture).reduce(SUPERSAMPLE), (0, look.BAR_HEIGHT))
        look.draw_bar(image, self.title, look.counters(now, int(trajectory.delivered[row])))
        return np.asarray(image)

    def _goals(self, goals: NDArray[np.int32]) -> Mesh:
        grid = self.trajectory.grid
        has_goal = goals >= 0
        colours = np.array(agent_colours(len(goals)), dtype=np.float64)[has_goal]
        return goals_mesh(grid.cell_centre(goals[has_goal]), 0.38 * grid.resolution, colours)

    def _floor(self, moment: float, poses: NDArray[np.float64]) -> NDArray[np.uint8]:
        canvas = self._painter.draw(moment)
        pen = ImageDraw.Draw(canvas, "RGBA")
        radius = self.trajectory.footprint
        shift = -0.45 * radius * SUN[:2] / SUN[2]
        for reach, alpha in ((1.12, 40), (1.0, 60)):
            for x, y in self._painter.pixels(poses[:, :2] + shift).tolist():
                r = reach * self._painter.length(radius)
                pen.ellipse((x - r, y - r, x + r, y + r), fill=(25, 30, 45, alpha))
        return np.asarray(
            Image.composite(canvas, Image.new("RGB", canvas.size, (92, 98, 116)), self._sunlight)
        )

    def _wall_shadows(self, cell_px: int, height: float) -> Image.Image:
        """How much sun reaches each pixel of the floor, 8 bit: walls ``height`` cells tall throw shadows."""
        walls = np.kron(self.trajectory.grid.walls, np.ones((cell_px, cell_px), dtype=np.uint8))
        shade = np.zeros_like(walls)
        reach = -SUN[:2] / SUN[2] * height * cell_px
        for share in np.linspace(0.0, 1.0, 12):
            columns, rows = np.round(share * reach * (1, -1)).astype(int)
            shifted = np.roll(walls, (rows, columns), axis=(0, 1))
            shade |= shifted
        light = Image.fromarray((255 * (1 - 0.42 * shade)).astype(np.uint8))
        return light.filter(ImageFilter.GaussianBlur(cell_px / 12))

    def _camera(self, share: float, distance: float, zoom: float = 1.0) -> Camera:
        """The camera after a ``share`` of its flight around the floor, whose image stays centred."""
        height, width = self._backdrop.shape[:2]
        azimuth = (share - 0.5) * SWING
        camera = Camera.orbiting(self._middle, azimuth, ELEVATION, distance, (width, height), VIEW)
        corners = camera.project(self._corners)[:, :2]
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
        return camera.shifted(np.array([width, height]) / 2 - zoom * middle, zoom)

    def _fitting_distance(self) -> float:
        """Smallest distance [m] from which the camera sees all of the floor, the whole flight long."""
        room = 0.95 * np.array(self._backdrop.shape[1::-1])
        near, far = 0.1, 40.0 * float(np.ptp(self._corners, axis=0).max())
        for _ in range(40):
            distance = (near + far) / 2
            seen = np.array(
                [self._camera(share, distance).project(self._corners) for share in (0.0, 0.5, 1.0)]
            )
            fits = (seen[..., 2] > 0).all() and (np.ptp(seen[..., :2], axis=1) < room).all()
            near, far = (near, distance) if fits else (distance, far)
        return far


def film_fleet(
    trajectory: FleetTrajectory,
    path: Path | str,
    *,
    title: str = "",
    fps: float = 25.0,
    seconds: float | None = None,
    size: tuple[int, int] = (640, 360),
    zoom: float = 1.7,
    still: bool = False,
    progress: bool = True,
) -> Path:
    """3D video of a trajectory to an .mp4 or .gif; returns its path. ``seconds`` as in ``animate_fleet``."""
    scene = FleetScene(trajectory, title, size, zoom, still)
    moments = frame_moments(trajectory.duration, fps, seconds)
    total = len(moments) if progress else None
    return write_video(map(scene.frame, moments.tolist()), path, fps, total)


def photograph_fleet(
    trajectory: FleetTrajectory,
    path: Path | str,
    *,
    moment: float | None = None,
    title: str = "",
    size: tuple[int, int] = (1280, 720),
) -> Path:
    """3D picture (PNG) of one moment [s after the start]; None takes the end. Returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scene = FleetScene(trajectory, title, size, still=True)
    frame = scene.frame(trajectory.duration if moment is None else moment)
    Image.fromarray(frame).save(path, optimize=True)
    return path

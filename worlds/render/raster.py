"""A small z-buffer rasteriser on the CPU: flat coloured triangles above one textured floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. ``matrix`` float64 [3, 4] takes (x, y, z, 1) [m] to (column w, row w, w)."""

    matrix: NDArray[np.float64]
    position: NDArray[np.float64]

    @classmethod
    def orbiting(
        cls,
        target: NDArray[np.float64],
        azimuth: float,
        elevation: float,
        distance: float,
        size: tuple[int, int],
        view: float,
    ) -> Camera:
        """Looks at ``target`` [3] from ``distance`` [m] and two angles [rad]; azimuth 0 is from -y.

        ``size`` is (width, height) [px], ``view`` the vertical opening angle [rad].
        """
        away = np.array(
            [
                np.sin(azimuth) * np.cos(elevation),
                -np.cos(azimuth) * np.cos(elevation),
                np.sin(elevation),
            ]
        )
        position = np.asarray(target) + distance * away
        right = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        down = -np.cross(away, right)
        rotation = np.stack([right, down, -away])
        focal = size[1] / 2 / np.tan(view / 2)
        lens = np.array([[focal, 0.0, size[0] / 2], [0.0, focal, size[1] / 2], [0.0, 0.0, 1.0]])
        matrix = lens @ np.concatenate([rotation, -(rotation @ position)[:, None]], axis=1)
        return cls(matrix, position)

    def shifted(self, pixels: NDArray[np.float64], zoom: float = 1.0) -> Camera:
        """With its picture moved by (columns, rows) [px] and magnified, without moving or turning."""
        matrix = self.matrix.copy()
        matrix[:2] = zoom * matrix[:2] + np.asarray(pixels)[:, None] * matrix[2]
        return Camera(matrix, self.position)

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [..., 3] [m] as [..., 3]: column [px], row [px], 1 / depth [1/m]."""
        image = points @ self.matrix[:, :3].T + self.matrix[:, 3]
        inverse = 1.0 / image[..., 2:]
        return np.concatenate([image[..., :2] * inverse, inverse], axis=-1)


def render(
    camera: Camera,
    backdrop: NDArray[np.uint8],
    floor: NDArray[np.uint8],
    floor_box: tuple[float, float, float, float],
    triangles: NDArray[np.float64],
    colours: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """A picture uint8 [H, W, 3], without anti-aliasing: draw it too large and average.

    Args:
        backdrop: uint8 [H, W, 3] where there is nothing.
        floor: uint8 [A, B, 3] picture lying on z = 0, row 0 at the largest y.
        floor_box: x and y of its lower left and upper right corner [m].
        triangles: float64 [T, 3, 3] corners [m], counter-clockwise seen from outside; those that turn
            their back to the camera are left out.
        colours: float64 [T, 3] in 0..255, before shading.
    """
    edge_a, edge_b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    normals = np.cross(edge_a, edge_b)
    seen = np.einsum("ij,ij->i", normals, camera.position - triangles[:, 0]) > 0
    triangles, normals = triangles[seen], normals[seen]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    light = AMBIENT + (1 - AMBIENT) * np.maximum(normals @ SUN, 0.0)
    shaded = np.clip(colours[seen] * light[:, None], 0, 255).astype(np.uint8)

    image = backdrop.copy()
    depth = np.zeros(image.shape[:2])
    _draw_floor(image, depth, np.linalg.inv(camera.matrix[:, [0, 1, 3]]), floor, np.array(floor_box))
    _draw_triangles(image, depth, camera.project(triangles), shaded)
    return image


AMBIENT = 0.52
"""Light that reaches every side."""
SUN = np.array([-0.35, -0.45, 0.82]) / np.linalg.norm([-0.35, -0.45, 0.82])
"""Towards the light."""


@njit(cache=True, error_model="numpy")
def _draw_floor(image, depth, to_floor, texture, box):
    rows, columns = texture.shape[:2]
    across, along = columns / (box[2] - box[0]), rows / (box[3] - box[1])
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            x, y = j + 0.5, i + 0.5
            nearness = to_floor[2, 0] * x + to_floor[2, 1] * y + to_floor[2, 2]
            if nearness <= 0:
                continue  # above the horizon
            distance = 1.0 / nearness
            floor_x = (to_floor[0, 0] * x + to_floor[0, 1] * y + to_floor[0, 2]) * distance
            floor_y = (to_floor[1, 0] * x + to_floor[1, 1] * y + to_floor[1, 2]) * distance
            column, row = (floor_x - box[0]) * across, (box[3] - floor_y) * along
            if 0 <= column < columns and 0 <= row < rows:
                depth[i, j] = nearness
                image[i, j, 0] = texture[int(row), int(column), 0]
                image[i, j, 1] = texture[int(row), int(column), 1]
                image[i, j, 2] = texture[int(row), int(column), 2]


@njit(cache=True, error_model="numpy")
def _draw_triangles(image, depth, corners, colours):
    height, width = depth.shape
    for t in range(corners.shape[0]):
        ax, ay, az = corners[t, 0]
        bx, by, bz = corners[t, 1]
        cx, cy, cz = corners[t, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if min(az, bz, cz) <= 0 or area == 0:
            continue  # behind the camera, or seen edge on
        left, right = max(0, int(min(ax, bx, cx))), min(width - 1, int(max(ax, bx, cx)))
        top, bottom = max(0, int(min(ay, by, cy))), min(height - 1, int(max(ay, by, cy)))
        for i in range(top, bottom + 1):
            y = i + 0.5
            for j in range(left, right + 1):
                x = j + 0.5
                wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
                wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
                wc = 1.0 - wa - wb
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                nearness = wa * az + wb * bz + wc * cz
                if nearness > depth[i, j]:
                    depth[i, j] = nearness
                    image[i, j, 0] = colours[t, 0]
                    image[i, j, 1] = colours[t, 1]
                    image[i, j, 2] = colours[t, 2]

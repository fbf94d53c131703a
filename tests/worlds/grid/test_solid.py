"""The compiled laser against a slow one, and the solid robots' limits."""

import numpy as np
import pytest

from pilotfish.worlds.grid.laser import cast
from pilotfish.worlds.grid.solid import SolidFleetWorld
from pilotfish.worlds.laser_world import Laser
from pilotfish.worlds.maps.grid_map import GridMap


def by_small_steps(grid, poses, radius, laser, step=1e-3):
    ranges = np.full((len(poses), laser.rays), np.inf)
    way = np.arange(0, laser.reach, step)
    for robot, (x, y, yaw) in enumerate(poses.tolist()):
        others = np.delete(poses[:, :2], robot, axis=0)
        for k, angle in enumerate(laser.angles + yaw):
            points = np.stack([x + way * np.cos(angle), y + way * np.sin(angle)], axis=-1)
            cells = grid.cell_at(points)
            hit = (cells < 0) | grid.walls.ravel()[cells]
            hit |= (np.hypot(*(points[:, None] - others[None]).transpose(2, 0, 1)) < radius).any(axis=1)
            if hit.any():
                ranges[robot, k] = way[hit.argmax()]
    return ranges


def test_the_laser_agrees_with_a_slow_one():
    rng = np.random.default_rng(0)
    walls = rng.random((20, 30)) < 0.15
    grid = GridMap("random", walls, resolution=0.25, origin=(-2.0, 1.0))
    poses = np.column_stack(
        [grid.cell_centre(rng.choice(grid.free_cells, 6, replace=False)), rng.uniform(-3, 3, 6)]
    )
    laser = Laser(50, 3.0)
    fast, slow = cast(grid, poses, 0.1, laser), by_small_steps(grid, poses, 0.1, laser)
    assert (np.isinf(fast) == np.isinf(slow)).mean() > 0.99
    both = np.isfinite(fast) & np.isfinite(slow)
    assert np.quantile(np.abs(fast[both] - slow[both]), 0.99) < 0.01  # a step may jump over a corner


def test_rays_along_the_axes_of_the_map_find_the_walls():
    grid = GridMap("hall", np.zeros((4, 4), bool))
    scan = cast(grid, np.array([[1.5, 1.5, 0.0]]), 0.1, Laser(4, 9.0))
    np.testing.assert_allclose(scan[0], [1.5, 1.5, 2.5, 2.5], atol=1e-6)  # back, right, ahead, left


def test_nobody_tunnels_through_a_thin_wall_at_any_speed():
    walls = np.zeros((10, 40), bool)
    walls[:, 20] = True
    world = SolidFleetWorld(GridMap("thin", walls, resolution=0.1), np.array([5 * 40 + 5]), 0.2)
    yaw = world.reset(0)[0, 2]
    world.step(np.array([[0.0, -yaw / 0.05]]), 0.05)
    poses = world.step(np.array([[60.0, 0.0]]), 0.05)
    assert poses[0, 0] < 2.0 - 0.19
    assert world.overlaps() == 1


def test_arcs_are_exact():
    world = SolidFleetWorld(GridMap("hall", np.zeros((80, 80), bool), resolution=0.1), np.array([3240]), 0.2)
    x, y, yaw = world.reset(0)[0]
    for _ in range(40):
        after = world.step(np.array([[0.5, 0.5]]), 0.05)[0]
    # Radius 1 m, one radian further on a circle.
    expected = [x + np.sin(yaw + 1.0) - np.sin(yaw), y - np.cos(yaw + 1.0) + np.cos(yaw)]
    assert after[:2] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("cells", "message"), [([0], r"\[0\] are not free"), ([5, 5], "two robots"), ([99], r"\[99\]")]
)
def test_starts_must_be_free(cells, message):
    walls = np.zeros((3, 4), bool)
    walls[0, 0] = True
    with pytest.raises(ValueError, match=message):
        SolidFleetWorld(GridMap("small", walls), np.array(cells), 0.2)

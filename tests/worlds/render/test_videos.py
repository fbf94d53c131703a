import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from pilotfish.worlds.draw import agent_colours
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.fleet_2d import FleetPainter, animate_fleet, picture_fleet
from pilotfish.worlds.render.fleet_3d import FleetScene, film_fleet
from pilotfish.worlds.render.trajectory import FleetTrajectory
from pilotfish.worlds.render.video import write_video


@pytest.fixture
def trajectory() -> FleetTrajectory:
    """Two robots in a small warehouse; one drives along the top aisle, the other waits."""
    walls = np.zeros((7, 9), dtype=bool)
    walls[2:5, 3:6] = True
    free = np.flatnonzero(~walls).astype(np.int32)
    grid = GridMap("little", walls, starts=free, goals=free)
    cells = np.stack([9 + np.arange(7), np.full(7, 56)], axis=1)
    return FleetTrajectory.from_cells(grid, cells, np.tile([16, 0], (7, 1)))


@pytest.mark.parametrize("painter_class", [FleetPainter, FleetScene])
def test_what_moves_is_what_changes(trajectory, painter_class):
    painter = painter_class(trajectory, "little")
    first, again, later = painter.frame(0.0), painter.frame(0.0), painter.frame(4.0)
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8 and first.shape[0] % 2 == 0 and first.shape[1] % 2 == 0
    assert (first != later).any()


def test_robots_are_drawn_where_they_are_in_their_colours(trajectory):
    painter = FleetPainter(trajectory)
    frame = painter.frame(3.0).astype(int)
    for robot, colour in enumerate(agent_colours(2)):
        rows, columns = np.nonzero((np.abs(frame - colour) < 12).all(axis=-1))
        x, y = painter._floor.pixels(trajectory.poses[3, robot, :2]) / 2
        expected = np.array([x + painter._corner[0], y + painter._corner[1]])
        # The robot is the largest blob of its colour; its goal marker pulls the median only a little.
        found = np.array([np.median(columns), np.median(rows)])
        assert np.abs(found - expected).max() < painter._floor.length(0.5)


def test_a_wall_hides_the_robot_behind_it(trajectory):
    open_floor = GridMap("open", np.zeros((7, 9), dtype=bool))
    cells = np.full((2, 1), 1 * 9 + 4)  # just behind the block, seen from the front
    colour = np.array(agent_colours(1)[0])

    def robot_pixels(grid: GridMap) -> int:
        scene = FleetScene(FleetTrajectory.from_cells(grid, cells, np.full((2, 1), -1)))
        hue = scene.frame(0.0).astype(int)
        ratio = np.abs(hue / np.maximum(hue.max(axis=-1, keepdims=True), 1) - colour / colour.max())
        return int((ratio.max(axis=-1) < 0.08).sum())

    assert 0 < robot_pixels(GridMap("block", trajectory.grid.walls)) < robot_pixels(open_floor)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.parametrize("make", [animate_fleet, film_fleet])
def test_videos_have_the_length_asked_for(trajectory, tmp_path, make, suffix):
    path = make(trajectory, tmp_path / "new" / f"video{suffix}", seconds=1.0, fps=10, progress=False)
    frames = imageio.imread(path)
    assert len(frames) == 10 and frames[0].std() > 10


def test_picture(trajectory, tmp_path):
    path = picture_fleet(trajectory, tmp_path / "picture.png", width=500)
    assert Image.open(path).width <= 500


def test_bad_videos_say_why(tmp_path):
    frame = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"\.mp4 or \.gif"):
        write_video([frame], tmp_path / "film.avi", 10)
    with pytest.raises(ValueError, match="no frame"):
        write_video([], tmp_path / "film.mp4", 10)
    with pytest.raises(ValueError, match="even"):
        write_video([frame[:3]], tmp_path / "film.mp4", 10)
    with pytest.raises(ValueError, match="all have shape"):
        write_video([frame, frame[:2]], tmp_path / "film.mp4", 10)

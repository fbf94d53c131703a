"""Trajectories, pictures and videos of exploring teams, made from the fast simulator."""

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image

from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.worlds.draw import agent_colours
from pilotfish.worlds.exploration.film import EpisodeFilm
from pilotfish.worlds.exploration.radio import Radio
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.coverage import Coverage
from pilotfish.worlds.render.exploration_2d import (
    ExplorationPainter,
    animate_exploration,
    picture_exploration,
)
from pilotfish.worlds.render.exploration_trajectory import (
    ExplorationTrajectory,
    MapHistory,
    last_contacts,
)


def corridor() -> GridMap:
    """Two corridors of 8 px with a wall of 8 px between them, open at both ends; 120 x 24 px."""
    walls = np.ones((24, 240), bool)
    walls[2:10, 2:238] = False
    walls[14:22, 2:238] = False
    walls[2:22, 2:10] = False
    cells = np.flatnonzero(~walls).astype(np.int32)
    starts = np.array([5 * 240 + 5], np.int32)
    return GridMap("corridors", walls, starts=starts, goals=cells)


@pytest.fixture(scope="module")
def trajectory() -> ExplorationTrajectory:
    """Robot 0 drives along the upper corridor, robot 1 along the lower one, robot 2 stays."""
    world = ExplorationWorld(corridor(), 3, Radio(13.0, 13.0))
    world.reset(0)
    film = EpisodeFilm(world)
    for _ in range(12):
        paths = [[(5, 5), (5, 230)], [(18, 5), (18, 230)], np.empty((0, 2))]
        here = world.position[1]
        if here[0] > 17:
            paths[1] = [(18, 230)]
        if world.time:
            paths[0] = [(5, 230)]
        for belief, path in zip(world.beliefs, paths, strict=True):
            belief.target[belief.me] = path[-1] if len(path) else world.position[belief.me]
        world.step(paths)
        film.add(paths)
    return film.trajectory()


def test_an_episode_of_the_fast_simulator_is_a_trajectory_in_metres(trajectory):
    assert trajectory.n_robots == 3 and trajectory.duration == 180.0
    assert (np.diff(trajectory.times) > 0).all()
    x, y, yaw = trajectory.poses[-1, 0].tolist()
    assert (x, y) == pytest.approx((185.5, 18.5)) and yaw == pytest.approx(0.0)
    # Robot 1 first goes down the map, which is along -y, and does not cut the corner.
    assert trajectory.poses[0, 1, 2] == pytest.approx(-np.pi / 2)
    cells = trajectory.grid.cell_at(trajectory.poses[..., :2])
    assert not trajectory.grid.walls.ravel()[cells].any()


def test_links_break_and_beliefs_stay_behind(trajectory):
    assert trajectory.component_at(trajectory.times[0]).tolist() == [0, 0, 0]
    assert trajectory.component_at(trajectory.times[-1]).tolist() == [0, 1, 2]
    believed = trajectory.believed[-1]
    assert believed[0, 1] != pytest.approx(trajectory.poses[-1, 1, :2], abs=30.0)
    assert believed[0, 0] == pytest.approx(trajectory.poses[-1, 0, :2])


def test_each_map_is_its_robots_own(trajectory):
    coverage = Coverage(trajectory)
    end = float(trajectory.times[-1])
    alone = [coverage.share(robot, end) for robot in range(3)]
    assert coverage.team(end) > max(alone) > 0.3
    assert coverage.share(0, end) > coverage.share(0, float(trajectory.times[0]))
    assert trajectory.maps[0].at(-1.0).max() == UNKNOWN


def test_a_history_gives_back_what_it_was_given():
    history = MapHistory((2, 3))
    first = np.full((2, 3), FREE, np.uint8)
    history.add(1.0, first)
    second = first.copy()
    second[1, 2] = OCCUPIED
    history.add(2.5, second)
    first[:] = UNKNOWN  # the caller goes on writing into its map
    assert (history.at(0.5) == UNKNOWN).all()
    assert (history.at(1.0) == FREE).all() and (history.at(2.4) == FREE).all()
    np.testing.assert_array_equal(history.at(99.0), second)
    with pytest.raises(ValueError, match="after 2.5"):
        history.add(2.5, second)
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 3\)"):
        history.add(3.0, np.zeros((3, 3), np.uint8))


def test_a_part_keeps_the_maps_that_were_made_before_it(trajectory):
    part = trajectory.between(60.0, 90.0)
    assert part.times[0] == 60.0 and part.times[-1] == 90.0
    assert Coverage(part).share(0, 90.0) == Coverage(trajectory).share(0, 90.0)


def test_who_was_met_told_of_third_robots():
    poses = np.zeros((3, 3, 3))
    poses[:, :, 0] = np.arange(3)[:, None] * 10 + np.arange(3)
    links = np.full((3, 3, 3), -1.0)
    links[0, 0, 1] = links[0, 1, 0] = 1.0  # 0 and 1 meet, then 1 and 2
    links[1, 1, 2] = links[1, 2, 1] = 1.0
    believed = last_contacts(poses, links)
    assert np.isnan(believed[0, 2, 0]).all()
    assert believed[1, 2, 0, 0] == 0.0, "robot 1 told robot 2 where robot 0 was when they met"
    assert believed[2, 2, 1, 0] == 11.0 and believed[2, 0, 1, 0] == 1.0
    assert believed[2, 0, 0, 0] == 20.0


def test_robots_and_beliefs_are_drawn(trajectory):
    painter = ExplorationPainter(trajectory, "corridors", width=900)
    first, again, later = painter.frame(0.0), painter.frame(0.0), painter.frame(150.0)
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8 and first.shape[0] % 2 == 0 and first.shape[1] % 2 == 0
    assert (first != later).any()
    for colour in agent_colours(3):
        assert (np.abs(later.astype(int) - colour) < 12).all(axis=-1).sum() > 20


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_videos_have_the_length_asked_for(trajectory, tmp_path, suffix):
    path = tmp_path / "new" / f"video{suffix}"
    animate_exploration(trajectory, path, seconds=1.0, fps=10, width=640, progress=False)
    frames = imageio.imread(path)
    assert len(frames) == 10 and frames[0].std() > 10


def test_picture(trajectory, tmp_path):
    path = picture_exploration(trajectory, tmp_path / "picture.png", width=640, moment=30.0)
    assert Image.open(path).width <= 640


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": np.zeros((0, 1, 3), np.float32)}, "not empty"),
        ({"times": np.array([1.0, 1.0])}, "rising"),
        ({"links": np.zeros((2, 3, 3), np.float32)}, r"links.*\(2, 1, 1\)"),
        ({"targets": np.zeros((2, 1, 3), np.float32)}, r"targets.*\(2, 1, 2\)"),
        ({"maps": []}, "one map history a robot"),
        ({"maps": [MapHistory((3, 3))]}, "shape of the grid"),
    ],
)
def test_shapes_are_checked(change, message):
    good = {
        "times": np.array([0.0, 1.0]),
        "poses": np.zeros((2, 1, 3), np.float32),
        "links": np.zeros((2, 1, 1), np.float32),
        "maps": [MapHistory((4, 5))],
        "believed": np.zeros((2, 1, 1, 2), np.float32),
        "targets": np.zeros((2, 1, 2), np.float32),
    }
    grid = GridMap("hall", np.zeros((4, 5), bool))
    ExplorationTrajectory(grid, **good)
    with pytest.raises(ValueError, match=message):
        ExplorationTrajectory(grid, **{**good, **change})

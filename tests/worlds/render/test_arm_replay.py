"""Pictures of a recorded arm: the scene is the one that was, the panels show what was recorded."""

from dataclasses import replace

import imageio.v3 as imageio
import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from pilotfish.worlds.registry import MANIPULATION_TASKS, make_task
from pilotfish.worlds.render.arm_panels import ABOVE, HAND_COLOUR, OUTCOME_COLOURS, Plane, Timeline
from pilotfish.worlds.render.arm_replay import FILM_FPS, PAUSE, ArmPainter, film_arm, picture_arm
from pilotfish.worlds.render.arm_scene import ArmScene
from pilotfish.worlds.render.arm_trajectory import ArmTrajectory, Episode


def worked(name: str, starts=(3, 4), steps: int = 6) -> tuple[ArmTrajectory, list[np.ndarray]]:
    """An arm that moves at random, an episode a start; and what the camera saw at each row."""
    task, random = make_task(name), np.random.default_rng(0)
    hands, joints, things, pictures, episodes = [], [], [], [], []

    def see() -> None:
        hand = task.arm.hand()
        hands.append([*hand.position, hand.yaw])
        joints.append(task.arm.joints()[0])
        things.append(task.environment_state())
        pictures.append(task.picture(90, 120))

    for number, start in enumerate(starts):
        task.reset(seed=start)
        begin = 0.1 * len(hands)
        see()
        for _ in range(steps):
            task.step(random.uniform(-0.4, 0.4, len(task.ACTIONS)).astype(np.float32))
            see()
        episodes.append(Episode(number, begin, 0.1 * (len(hands) - 1), number % 2 == 0))
    names = tuple(task.arm.joint_names)
    task.close()
    times = 0.1 * np.arange(len(hands))
    trajectory = ArmTrajectory(
        times=times,
        hands=np.array(hands, np.float32),
        joints=np.array(joints, np.float32),
        joint_names=names,
        things=np.array(things, np.float32),
        thing_names=task.ENVIRONMENT_NAMES,
        twists=np.column_stack([times, *np.random.default_rng(1).uniform(-0.5, 0.5, (4, len(times)))]),
        grips=np.zeros((0, 2)),
        episodes=tuple(episodes),
        task=name,
        policy="dsrl",
    )
    return trajectory, pictures


@pytest.mark.parametrize("name", MANIPULATION_TASKS)
def test_the_scene_is_what_the_camera_saw(name):
    trajectory, pictures = worked(name)
    assert ArmScene.knows(trajectory)
    scene = ArmScene(trajectory)
    for row, seen in enumerate(pictures):
        differs = np.abs(scene.picture(row, 90, 120).astype(int) - seen.astype(int)).max(axis=-1) > 40
        assert differs.mean() < 0.004, f"row {row}"
    scene.close()


def test_tasks_with_other_things_are_drawn_flat():
    trajectory, _ = worked("push")
    other = replace(trajectory, thing_names=("nut_x", "nut_y", *trajectory.thing_names[2:]))
    assert not ArmScene.knows(other)
    for unknown in (other, replace(trajectory, task="knit"), replace(trajectory, joints=np.zeros((14, 0)))):
        painter = ArmPainter(unknown, "flat")
        assert painter.scene is None and painter.frame(0.5).std() > 10


def pixels_of(picture, colour) -> np.ndarray:
    """(row, column) of the pixels that have a colour."""
    return np.argwhere((np.abs(np.asarray(picture).astype(int) - colour) < 12).all(axis=-1))


def test_the_hand_is_drawn_where_it_was():
    trajectory, _ = worked("detour")
    bare = replace(trajectory, things=np.zeros((14, 0), np.float32), thing_names=(), episodes=())
    plane = Plane(bare, ABOVE, (400, 300))

    def marker(row: int) -> np.ndarray:
        return pixels_of(plane.draw(bare.times[row], None), HAND_COLOUR).mean(axis=0)

    (x0, y0), (x1, y1) = bare.hands[0, :2], bare.hands[5, :2]
    down, right = marker(5) - marker(0)
    scale = right / (x1 - x0)
    assert scale > 100 and -down == pytest.approx(scale * (y1 - y0), abs=2.0)


def test_paths_and_episodes_have_the_colour_of_how_they_ended():
    trajectory, _ = worked("detour")
    plane, timeline = Plane(trajectory, ABOVE, (400, 300)), Timeline(trajectory, 600)
    first, second = trajectory.episodes
    succeeded, failed = OUTCOME_COLOURS[True], OUTCOME_COLOURS[False]
    assert not len(pixels_of(plane.draw(0.3, first), succeeded))
    assert len(pixels_of(plane.draw(first.end, first), succeeded)) > 5
    assert len(pixels_of(plane.draw(second.end, second), failed)) > 5
    whole = timeline.draw(trajectory.duration)
    assert pixels_of(whole, succeeded)[:, 1].max() < pixels_of(whole, failed)[:, 1].min()
    # What has not happened yet is faint.
    assert not len(pixels_of(timeline.draw(0.3), failed))


def test_a_film_shows_every_episode_and_its_end(tmp_path):
    trajectory, _ = worked("push")
    path = film_arm(trajectory, tmp_path / "film.mp4", title="push", longest=10.0, progress=False)
    frames = imageio.imread(path)
    each = round((0.6 - 0.05) * FILM_FPS + 0.49) + 1 + PAUSE
    assert len(frames) == 2 * each
    hurried = film_arm(trajectory, tmp_path / "film.gif", longest=0.3, progress=False)
    assert len(imageio.imread(hurried)) < len(frames)
    assert picture_arm(trajectory, tmp_path / "new" / "arm.png").stat().st_size > 10_000


def test_a_frame_has_the_width_asked_for():
    trajectory, _ = worked("stack")
    painter = ArmPainter(trajectory, "stack", width=640)
    frame = painter.frame(0.2)
    painter.close()
    assert frame.shape[1] == 640 and frame.shape[0] % 2 == 0 and frame.dtype == np.uint8
    with pytest.raises(ValueError, match="at least 480 px wide, not 479"):
        ArmPainter(trajectory, width=479)

"""Recordings of an arm, written as the recorder does, become trajectories, pictures and films."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from typer.testing import CliRunner

from pilotfish.cli.view import app
from pilotfish.worlds.render.arm_recording import holds_arm, load_arm
from pilotfish.worlds.render.arm_trajectory import Episode

STORE = get_typestore(Stores.ROS2_KILTED)
T = STORE.types
START = 1000.0
HEADER = T["std_msgs/msg/Header"](stamp=T["builtin_interfaces/msg/Time"](sec=0, nanosec=0), frame_id="table")
SECONDS = 6.0

# The episodes: of the first nothing was led, the second succeeds, the third too late, the fourth goes on.
BEGINS = (0.0, 1.5, 3.0, 4.5)
JUDGED = ((1.0, False), (2.2, True), (4.0, False), (4.3, True))


def vector(x: float, y: float, z: float):
    return T["geometry_msgs/msg/Vector3"](x=x, y=y, z=z)


def hand_pose(x: float, y: float, z: float, yaw: float):
    pose = T["geometry_msgs/msg/Pose"](
        position=T["geometry_msgs/msg/Point"](x=x, y=y, z=z),
        # Pointing down, as the simulator says it.
        orientation=T["geometry_msgs/msg/Quaternion"](x=np.cos(yaw / 2), y=np.sin(yaw / 2), z=0.0, w=0.0),
    )
    return T["geometry_msgs/msg/PoseStamped"](header=HEADER, pose=pose)


def twist(x: float):
    kind = T["geometry_msgs/msg/Twist"](linear=vector(x, 0.0, 0.0), angular=vector(0.0, 0.0, 0.5 * x))
    return T["geometry_msgs/msg/TwistStamped"](header=HEADER, twist=kind)


def gripper(finger: float):
    none = np.zeros(0)
    point = T["trajectory_msgs/msg/JointTrajectoryPoint"](
        positions=np.array([finger, finger]),
        velocities=none,
        accelerations=none,
        effort=none,
        time_from_start=T["builtin_interfaces/msg/Duration"](sec=0, nanosec=0),
    )
    return T["trajectory_msgs/msg/JointTrajectory"](header=HEADER, joint_names=["a", "b"], points=[point])


def things(names: str, values):
    dimension = T["std_msgs/msg/MultiArrayDimension"](label=names, size=len(values), stride=1)
    layout = T["std_msgs/msg/MultiArrayLayout"](dim=[dimension], data_offset=0)
    return T["std_msgs/msg/Float32MultiArray"](layout=layout, data=np.array(values, np.float32))


def joints(angle: float):
    none = np.zeros(0)
    return T["sensor_msgs/msg/JointState"](
        header=HEADER, name=["j"], position=np.array([angle]), velocity=none, effort=none
    )


def record(folder, leave_out=()):
    """The hand goes along x at 0.01 m/s; commands begin at 1.6 s."""
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}

        def add(topic, message, time):
            kind = message.__msgtype__
            if topic in leave_out:
                return
            if topic not in connections:
                connections[topic] = writer.add_connection(f"/{topic}", kind, typestore=STORE)
            at = round((START + time) * 1e9)
            writer.write(connections[topic], at, STORE.serialize_cdr(message, kind))

        said = {"state": "running", "policy": "dsrl", "task": "sort"}
        add("policy/status", T["std_msgs/msg/String"](data=json.dumps(said)), 0.0)
        for step in range(round(SECONDS * 10) + 1):
            time = step / 10
            for number, begin in enumerate(BEGINS):
                if time == begin:
                    # Of one moment, and in the order that is the worse one for each of them.
                    add("success", T["std_msgs/msg/Bool"](data=False), time - 0.002 if number % 2 else time)
                    add("episode", T["std_msgs/msg/Int64"](data=number), time)
            for when, done in JUDGED:
                if time == when:
                    add("success", T["std_msgs/msg/Bool"](data=done), time)
            add("hand_pose", hand_pose(0.01 * time, 0.1, 0.2, 0.3), time)
            add("joint_states", joints(time), time + 0.004)
            add("things", things("cube_x,cube_y,cube_z,lid", [time, 0.0, 0.05, 1.0]), time - 0.003)
            add("hand_twist", twist(0.2 if time >= 1.6 else 0.0), time + 0.01)
            if step % 10 == 0:
                add("gripper", gripper(0.02), time)
    return folder


def test_it_becomes_a_trajectory(tmp_path):
    bag = record(tmp_path / "bag")
    assert holds_arm(bag)
    trajectory = load_arm(bag)
    assert (trajectory.task, trajectory.policy) == ("sort", "dsrl")
    assert trajectory.duration == pytest.approx(SECONDS)
    times = trajectory.times
    np.testing.assert_allclose(trajectory.hands[:, 0], 0.01 * times, atol=1e-6)
    np.testing.assert_allclose(trajectory.hands[0, 1:], [0.1, 0.2, 0.3], atol=1e-6)
    # What was said with a pose belongs to it, whichever was recorded first.
    np.testing.assert_allclose(trajectory.joints[:, 0], times, atol=1e-5)
    np.testing.assert_allclose(trajectory.things[:, 0], times, atol=1e-5)
    assert trajectory.thing_names == ("cube_x", "cube_y", "cube_z", "lid")
    assert trajectory.twists[-1].tolist() == pytest.approx([SECONDS + 0.01, 0.2, 0.0, 0.0, 0.1], abs=1e-6)
    assert trajectory.grips[:, 1].tolist() == pytest.approx([0.04] * 7)


def test_episodes_are_judged_by_what_was_said_in_them(tmp_path):
    trajectory = load_arm(record(tmp_path / "bag"))
    facts = [(one.number, one.success) for one in trajectory.episodes]
    assert facts == [(0, False), (1, True), (2, False), (3, None)]
    ends = [one.end for one in trajectory.episodes]
    assert ends == pytest.approx([1.0, 2.2, 4.0, SECONDS], abs=1e-6)
    # Nobody led the first one.
    assert [one.number for one in trajectory.led()] == [1, 2]


def test_a_part_begins_with_time_0(tmp_path):
    part = load_arm(record(tmp_path / "bag")).between(1.5, 3.5)
    assert part.duration == pytest.approx(2.0) and part.hands[0, 0] == pytest.approx(0.015)
    assert part.twists[0, 0] == pytest.approx(0.01, abs=1e-6)
    first, second = part.episodes
    assert (first.number, first.success, second.number, second.success) == (1, True, 2, None)
    assert (first.start, first.end, second.end) == pytest.approx((0.0, 0.7, 2.0), abs=1e-6)
    with pytest.raises(ValueError, match="from 9 s to 10 s"):
        part.between(9.0, 10.0)


def test_a_robots_recording_is_one_episode_that_nobody_judged(tmp_path):
    bag = record(tmp_path / "bag", leave_out=("episode", "success", "things", "joint_states", "gripper"))
    trajectory = load_arm(bag)
    assert trajectory.episodes == (Episode(0, 0.0, pytest.approx(SECONDS), None),)
    assert trajectory.things.shape == trajectory.joints.shape == (len(trajectory.times), 0)
    assert trajectory.led() == ()


def test_without_the_hand_the_topics_are_named(tmp_path):
    bag = record(tmp_path / "bag", leave_out=("hand_pose",))
    assert holds_arm(bag)
    with pytest.raises(ValueError, match="no hand_pose with messages; it holds /episode, /gripper"):
        load_arm(bag)


@pytest.mark.parametrize("leave_out", [(), ("episode", "success", "things", "joint_states")])
def test_view_knows_what_it_is(tmp_path, leave_out):
    output = tmp_path / "film.gif"
    words = [str(record(tmp_path / "bag", leave_out)), "-o", str(output), "--seconds", "0.6", "--fps", "10"]
    result = CliRunner().invoke(app, [*words, "--width", "600"])
    assert result.exit_code == 0, result.output
    told = "61 commands, no episode" if leave_out else "1 of 3 episodes succeeded"
    assert f"an arm, 6.0 s, {told}" in result.output
    assert Image.open(output).n_frames == 6
    assert Image.open(output.with_suffix(".png")).width == 600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--3d"], "--3d shows fleets.* is of an arm"),
        (["--map", "warehouse"], "leave out --map"),
        (["--robot", "scout"], "leave out --robot"),
        (["--width", "300"], "at least 480 px wide, not 300"),
        (["--from", "7"], "nothing of 6.0 s"),
        (["-o", "film.avi"], "ends with .mp4 or .gif"),
    ],
)
def test_what_does_not_suit_an_arm_is_named(tmp_path, words, message):
    result = CliRunner().invoke(app, [str(record(tmp_path / "bag")), *words])
    assert isinstance(result.exception, ValueError) and re.search(message, str(result.exception))


def test_the_pose_that_decided_an_episode_belongs_to_it(tmp_path):
    whole = load_arm(record(tmp_path / "bag"))
    # The last pose of the second episode was recorded 20 ms after the word of its success.
    late = replace(whole, times=whole.times + 0.02)
    part = late.between(1.5, 2.2)
    assert part.times[-1] == pytest.approx(0.72) and part.hands[-1, 0] == pytest.approx(0.022)
    assert part.hands[part.rows_of(part.episodes[0])][-1, 0] == pytest.approx(0.022)

"""Recordings into datasets and back."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest

pytest.importorskip("lerobot")

from rosbags.rosbag2 import StoragePlugin, Writer

from pilotfish.ros_nodes.conversions import bags
from pilotfish.ros_nodes.conversions.bag_streams import SECOND, STORE, STRING, new_bag_message, raw_messages
from pilotfish.ros_nodes.conversions.bags import bag_to_dataset, dataset_to_bag
from pilotfish.ros_nodes.conversions.feature_files import load_feature_map, parse_feature_map
from pilotfish.ros_nodes.conversions.images import write_image
from pilotfish.ros_nodes.conversions.messages import set_header

BASE = load_feature_map("policy_base")
T0 = 1_000 * SECOND


def open_dataset(root):
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset(f"local/{root.name}", root=root)


def columns(root):
    frames = open_dataset(root).hf_dataset.with_format("numpy")
    return {name: np.asarray(frames[name][:]) for name in frames.column_names}


def make_dataset(root, mapping, lengths, fps, make_frame):
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    features = {
        name: {
            "dtype": "image" if sources[0].is_image else "float32",
            "shape": mapping.shape(name),
            "names": mapping.names(name),
        }
        for name, sources in mapping.features.items()
    }
    features["action"] = {"dtype": "float32", "shape": (len(mapping.action),), "names": list(mapping.action)}
    dataset = LeRobotDataset.create("local/made", fps, features, root=root, use_videos=False)
    for episode, length in enumerate(lengths):
        for k in range(length):
            dataset.add_frame(make_frame(episode, k) | {"task": f"task {episode % 2}"})
        dataset.save_episode()
    dataset.finalize()


class Recording:
    """A bag of a base: odometry and commands at chosen times [s]."""

    def __init__(self, path, plugin=StoragePlugin.MCAP):
        self.writer = Writer(path, version=9, storage_plugin=plugin)
        self.writer.open()
        self.connections = {}

    def write(self, topic, kind, message, logged):
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, kind, typestore=STORE)
        self.writer.write(
            self.connections[topic], T0 + round(logged * SECOND), STORE.serialize_cdr(message, kind)
        )

    def odom(self, stamp, x, logged=None, topic="/odom"):
        message = new_bag_message("nav_msgs/msg/Odometry")
        set_header(message, T0 + round(stamp * SECOND))
        message.pose.pose.position.x = x
        message.pose.pose.orientation.w = 1.0
        self.write(topic, "nav_msgs/msg/Odometry", message, stamp if logged is None else logged)

    def command(self, stamp, forward, topic="/cmd_vel"):
        message = new_bag_message("geometry_msgs/msg/TwistStamped")
        set_header(message, T0 + round(stamp * SECOND))
        message.twist.linear.x = forward
        self.write(topic, "geometry_msgs/msg/TwistStamped", message, stamp)

    def status(self, stamp, state, task=""):
        data = json.dumps({"state": state, "task": task})
        self.write("/policy/status", STRING, STORE.types[STRING](data=data), stamp)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.close()


def test_a_dataset_comes_back_from_its_recording_the_same(tmp_path):
    mapping, random = load_feature_map("policy_arm"), np.random.default_rng(0)

    def frame(episode, k):
        yaw, other = random.uniform(-1.5, 1.5, 2)
        state = [*random.normal(size=3), np.sin(2 * yaw), np.cos(2 * yaw), random.uniform(0, 0.08)]
        things = [*random.normal(size=3), np.sin(2 * other), np.cos(2 * other), *random.normal(size=2)]
        return {
            "observation.state": np.array(state, np.float32),
            "observation.environment_state": np.array(things, np.float32),
            "action": random.uniform(-1, 1, 5).astype(np.float32),
        }

    make_dataset(tmp_path / "made", mapping, [12, 1, 30], 30, frame)
    report = dataset_to_bag(tmp_path / "made", tmp_path / "bag", mapping, namespace="arm")
    assert (report.episodes, report.frames, report.clamped) == (3, 43, 0)
    topics = {topic for topic, *_ in raw_messages(tmp_path / "bag")}
    assert "/arm/joint_states" in topics
    back = bag_to_dataset(tmp_path / "bag", tmp_path / "again", mapping, 30, namespace="arm", min_frames=1)
    assert back.lengths == [12, 1, 30]
    assert not back.gaps and not back.out_of_order and not back.rejected
    first, second = columns(tmp_path / "made"), columns(tmp_path / "again")
    assert set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_allclose(second[name], values, atol=1e-6, err_msg=name)
    tasks = [open_dataset(tmp_path / name).meta.tasks.index.tolist() for name in ("made", "again")]
    assert tasks[0] == tasks[1] == ["task 0", "task 1"]
    assert open_dataset(tmp_path / "again").fps == 30
    assert open_dataset(tmp_path / "again").features["action"]["names"] == list(mapping.action)


def test_pictures_make_the_way_there_and_back(tmp_path):
    mapping = parse_feature_map(
        {
            "features": {
                "observation.image": [{"topic": "image", "type": "sensor_msgs/Image", "resize": [8, 10]}],
                "observation.state": [{"topic": "v", "type": "std_msgs/Float32MultiArray", "fields": [0, 2]}],
            },
            "action": ["go"],
            "outputs": [
                {"topic": "to", "type": "geometry_msgs/PoseStamped", "fields": {"pose.position.x": "go"}}
            ],
        }
    )
    random = np.random.default_rng(1)

    def frame(episode, k):
        return {
            "observation.image": random.integers(0, 255, (8, 10, 3), np.uint8),
            "observation.state": random.normal(size=2).astype(np.float32),
            "action": random.normal(size=1).astype(np.float32),
        }

    make_dataset(tmp_path / "made", mapping, [4], 10, frame)
    dataset_to_bag(tmp_path / "made", tmp_path / "bag", mapping)
    bag_to_dataset(tmp_path / "bag", tmp_path / "again", mapping, 10)
    first, second = (open_dataset(tmp_path / name) for name in ("made", "again"))
    for k in range(4):
        for name in (*mapping.features, "action"):
            np.testing.assert_allclose(second[k][name], first[k][name], atol=1e-6)


def test_frames_take_the_newest_observation_and_the_command_in_answer_to_it(tmp_path):
    with Recording(tmp_path / "bag") as bag:
        for k in range(21):
            bag.odom(0.04 * k, float(k))
            bag.command(0.04 * k + 0.03, 0.01 * k)
    report = bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10, task="drive")
    found = columns(tmp_path / "data")
    assert report.lengths == [9]
    # Samples at 0.0, 0.1, 0.2 ...; odometry every 0.04 s, its commands 0.03 s later.
    assert found["observation.state"][:4, 0].tolist() == [0.0, 2.0, 5.0, 7.0]
    np.testing.assert_allclose(found["action"][:4, 0], [0.0, 0.04, 0.1, 0.14], atol=1e-6)
    assert open_dataset(tmp_path / "data").meta.tasks.index.tolist() == ["drive"]


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_gap_splits_episodes_and_is_reported(tmp_path, plugin):
    with Recording(tmp_path / "bag", plugin) as bag:
        for k in range(100):
            if not 30 <= k < 60:
                bag.odom(0.1 * k, float(k))
            bag.command(0.1 * k, 0.1)
    report = bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10, max_age=0.25)
    assert report.lengths == [32, 40]  # 0.25 s old odometry is still used
    (gap,) = report.gaps
    assert (gap.start, gap.end, gap.topics) == (3.2, 5.9, ["odom"])
    assert "gap from 3.20 to 5.90 s: odom" in report.lines()
    assert columns(tmp_path / "data")["observation.state"][32, 0] == 60.0


def test_stamps_out_of_order_are_sorted_and_counted_and_bad_messages_left_out(tmp_path):
    order = [0, 1, 2, 4, 3, 5, 8, 7, 6, 9, 10]
    with Recording(tmp_path / "bag") as bag:
        for k, stamp in enumerate(order):
            bag.odom(0.1 * stamp, float(stamp), logged=0.1 * k + 0.02)
            bag.command(0.1 * k, 0.1)
        bag.odom(0.55, np.nan)
    report = bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10)
    assert columns(tmp_path / "data")["observation.state"][:, 0].tolist() == list(range(11))
    assert report.out_of_order == {"/odom": 3}
    assert report.rejected == {"/odom: not_finite": 1}
    assert "/odom: 3 stamps out of order, sorted" in report.lines()
    logged = bag_to_dataset(tmp_path / "bag", tmp_path / "logged", BASE, 10, use_stamps=False)
    assert "/odom" not in logged.out_of_order
    assert columns(tmp_path / "logged")["observation.state"][3, 0] == 4.0


def test_episodes_are_where_the_policy_ran(tmp_path):
    with Recording(tmp_path / "bag") as bag:
        bag.status(0.0, "idle")
        for k in range(60):
            bag.odom(0.1 * k, float(k))
            bag.command(0.1 * k, 0.1)
            if k in (10, 30):
                bag.status(0.1 * k, "running", f"from {k}")
            if k in (19, 34):
                bag.status(0.1 * k + 0.05, "done")
    report = bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10)
    assert report.lengths == [10, 5]
    found = columns(tmp_path / "data")
    assert found["observation.state"][:, 0].tolist() == [*range(10, 20), *range(30, 35)]
    assert open_dataset(tmp_path / "data").meta.tasks.index.tolist() == ["from 10", "from 30"]
    whole = bag_to_dataset(tmp_path / "bag", tmp_path / "whole", BASE, 10, episodes="no_such_topic")
    assert whole.lengths == [60]


def test_a_recorder_that_was_killed_leaves_something_to_convert(tmp_path):
    with Recording(tmp_path / "bag") as bag:
        for k in range(20):
            bag.odom(0.1 * k, float(k))
            bag.command(0.1 * k, 0.1)
    (tmp_path / "bag" / "metadata.yaml").unlink()
    assert bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10).lengths == [20]


def test_what_is_missing_is_named_and_nothing_is_left_behind(tmp_path, monkeypatch):
    with Recording(tmp_path / "bag") as bag:
        for k in range(20):
            bag.odom(0.1 * k, float(k))
            bag.command(0.1 * k, 0.1, topic="/other")
    with pytest.raises(ValueError, match=r"has no /cmd_vel .*; it holds /odom, /other"):
        bag_to_dataset(tmp_path / "bag", tmp_path / "data", BASE, 10)
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="there exists already"):
        bag_to_dataset(tmp_path / "bag", tmp_path / "there", BASE, 10)
    with pytest.raises(FileNotFoundError, match="no LeRobotDataset at"):
        dataset_to_bag(tmp_path / "bag", tmp_path / "data", BASE)
    with Recording(tmp_path / "good") as bag:
        bag.odom(0.0, 1.0)
        bag.command(0.0, 0.1)
        bag.odom(0.1, 1.0)

    def breaks(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(bags, "_frame", breaks)
    with pytest.raises(RuntimeError, match="disk full"):
        bag_to_dataset(tmp_path / "good", tmp_path / "data", BASE, 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag", "good", "there"]


def test_a_dataset_that_does_not_fit_the_mapping_is_named(tmp_path):
    def frame(episode, k):
        return {"observation.state": np.zeros(6, np.float32), "action": np.zeros(2, np.float32)}

    make_dataset(tmp_path / "made", BASE, [3], 10, frame)
    with pytest.raises(ValueError, match="observation.state has shape .6,., the mapping makes it .3,."):
        fields = ["pose.position.x", "pose.position.y", "pose.yaw"]
        source = {"topic": "pose", "type": "geometry_msgs/PoseStamped", "fields": fields}
        output = {"topic": "go", "type": "geometry_msgs/TwistStamped", "fields": {"twist.linear.x": 0}}
        mapping = {"features": {"observation.state": [source]}, "action": ["a"], "outputs": [output]}
        dataset_to_bag(tmp_path / "made", tmp_path / "bag", parse_feature_map(mapping))


def test_pictures_of_several_sizes_want_a_resize(tmp_path):
    image = {"topic": "image", "type": "sensor_msgs/Image"}
    output = {"topic": "cmd_vel", "type": "geometry_msgs/TwistStamped", "fields": {"twist.linear.x": "a"}}
    mapping = {"features": {"observation.image": [image]}, "action": ["a"], "outputs": [output]}
    with Recording(tmp_path / "bag") as bag:
        for k, size in enumerate([4, 4, 6]):
            message = new_bag_message("sensor_msgs/msg/Image")
            set_header(message, T0 + k * SECOND // 10)
            write_image(message, np.zeros((size, size, 3), np.uint8))
            bag.write("/image", "sensor_msgs/msg/Image", message, 0.1 * k)
            bag.command(0.1 * k, 0.1)
    with pytest.raises(ValueError, match="several sizes: give the mapping a resize"):
        bag_to_dataset(tmp_path / "bag", tmp_path / "data", parse_feature_map(mapping), 10)
    image["resize"] = [5, 7]
    bag_to_dataset(tmp_path / "bag", tmp_path / "data", parse_feature_map(mapping), 10)
    assert open_dataset(tmp_path / "data").features["observation.image"]["shape"] == (5, 7, 3)

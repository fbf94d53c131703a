"""Mappings of topics to features and of actions to messages, and the files they stand in."""

import copy
import math

import numpy as np
import pytest

pytest.importorskip("rclpy")

from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float32MultiArray, Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from pilotfish.ros_nodes.conversions.bag_streams import STORE, new_bag_message
from pilotfish.ros_nodes.conversions.feature_files import load_feature_map, parse_feature_map
from pilotfish.ros_nodes.conversions.feature_inputs import FeatureInputs
from pilotfish.ros_nodes.conversions.features import Source
from pilotfish.ros_nodes.conversions.images import write_image
from pilotfish.ros_nodes.conversions.messages import (
    INPUTS,
    KINDS,
    RejectedError,
    full_name,
    new_ros_message,
)

GOOD = {
    "features": {
        "observation.state": [
            {
                "topic": "joint_states",
                "type": "sensor_msgs/JointState",
                "fields": ["position.b", "velocity.a"],
                "scale": 2.0,
                "offset": 1.0,
            },
            {
                "topic": "tool",
                "type": "geometry_msgs/msg/PoseStamped",
                "fields": ["pose.position.z", "pose.yaw"],
            },
        ],
        "observation.image": [{"topic": "image", "type": "sensor_msgs/Image", "resize": [4, 6]}],
    },
    "action": ["go", "turn", "grip", "spare"],
    "unused": ["spare"],
    "outputs": [
        {
            "topic": "cmd_vel",
            "type": "geometry_msgs/TwistStamped",
            "frame": "base_link",
            "fields": {
                "twist.linear.x": {"action": "go", "scale": 0.5, "offset": 0.1, "low": -0.2, "high": 0.3},
                "twist.angular.z": 1,
            },
        },
        {
            "topic": "gripper",
            "type": "trajectory_msgs/JointTrajectory",
            "duration": 0.25,
            "fields": {"position.left": "grip", "position.right": {"action": "grip", "scale": -1}},
        },
    ],
}
MAP = parse_feature_map(GOOD)


def source(kind, *fields, **options):
    return Source("topic", full_name(kind), fields, **options)


def joints(names=("a", "b"), position=(1.0, 2.0), velocity=(3.0, 4.0)):
    return JointState(name=list(names), position=list(position), velocity=list(velocity))


def pose(x=0.0, y=0.0, z=0.0, yaw=0.0):
    message = PoseStamped()
    message.pose.position.x, message.pose.position.y, message.pose.position.z = x, y, z
    message.pose.orientation.z, message.pose.orientation.w = math.sin(yaw / 2), math.cos(yaw / 2)
    return message


def image(pixels):
    height, width = pixels.shape[:2]
    return Image(height=height, width=width, encoding="rgb8", step=width * 3, data=pixels.tobytes())


def test_an_observation_is_its_sources_side_by_side():
    values = {
        MAP.sources[0]: MAP.sources[0].read(joints()),
        MAP.sources[1]: MAP.sources[1].read(pose(z=0.5, yaw=-1.0)),
        MAP.sources[2]: MAP.sources[2].read(image(np.full((8, 12, 3), 9, np.uint8))),
    }
    observation = MAP.observation(values)
    np.testing.assert_allclose(observation["observation.state"], [5.0, 7.0, 0.5, -1.0], atol=1e-6)
    assert observation["observation.state"].dtype == np.float32
    assert observation["observation.image"].shape == (4, 6, 3) == MAP.shape("observation.image")
    assert MAP.shape("observation.state") == (4,)
    assert MAP.names("observation.state")[:2] == ["joint_states:position.b", "joint_states:velocity.a"]


def test_joints_are_found_by_name_in_any_order():
    wanted = source("sensor_msgs/JointState", "position.b", "position.a")
    assert wanted.read(joints(("b", "x", "a"), (1.0, 9.0, 2.0), ())).tolist() == [1.0, 2.0]


def test_every_kind_of_number_is_read():
    odom = Odometry()
    odom.pose.pose.position.y, odom.twist.twist.angular.z, odom.pose.pose.orientation.w = 2.0, 0.5, 1.0
    fields = ("pose.pose.position.y", "twist.twist.angular.z", "pose.pose.cos_yaw")
    assert source("nav_msgs/Odometry", *fields).read(odom).tolist() == [2.0, 0.5, 1.0]
    angles = source(
        "geometry_msgs/PoseStamped", "pose.sin_yaw", "pose.cos_yaw", "pose.sin_2yaw", "pose.cos_2yaw"
    )
    expected = [math.sin(2.0), math.cos(2.0), math.sin(4.0), math.cos(4.0)]
    np.testing.assert_allclose(angles.read(pose(yaw=2.0)), expected, atol=1e-6)
    for kind in (Float32MultiArray, Float64MultiArray):
        name = f"std_msgs/{kind.__name__}"
        assert source(name, "2", "0").read(kind(data=[1.0, 2.0, 3.0])).tolist() == [3.0, 1.0]


@pytest.mark.parametrize(
    ("wanted", "message", "reason"),
    [
        (source("sensor_msgs/JointState", "position.c"), joints(), "missing"),
        (source("sensor_msgs/JointState", "effort.a"), joints(), "size"),
        (source("sensor_msgs/JointState", "position.a"), joints(position=(math.nan, 0.0)), "not_finite"),
        (source("geometry_msgs/PoseStamped", "pose.position.x"), pose(x=math.inf), "not_finite"),
        (source("geometry_msgs/PoseStamped", "pose.yaw"), PoseStamped(), None),
        (source("std_msgs/Float32MultiArray", "3"), Float32MultiArray(data=[0.0] * 3), "size"),
        (
            source("sensor_msgs/Image"),
            Image(height=2, width=2, encoding="rgb8", step=6, data=[0] * 11),
            "size",
        ),
        (source("sensor_msgs/Image"), Image(height=2, width=2, encoding="16UC1", step=4), "encoding"),
        (source("sensor_msgs/Image"), Image(encoding="rgb8"), "size"),
    ],
)
def test_what_must_not_be_used_is_rejected(wanted, message, reason):
    if reason is None:  # rclpy's empty orientation is a rotation; one of zeros is none
        message.pose.orientation.w = 0.0
        reason = "not_finite"
    with pytest.raises(RejectedError) as caught:
        wanted.read(message)
    assert caught.value.reason == reason


def test_a_joint_that_is_not_asked_for_may_be_anything():
    message = joints(position=(math.nan, 2.0))
    assert source("sensor_msgs/JointState", "position.b").read(message).tolist() == [2.0]


def test_an_action_becomes_messages_within_limits():
    messages = MAP.output_messages(
        np.array([0.2, 0.7, 0.03, 9.0], np.float32), 5_250_000_000, new_ros_message
    )
    twist, grip = messages["cmd_vel"], messages["gripper"]
    assert twist.twist.linear.x == pytest.approx(0.2)
    assert twist.twist.angular.z == pytest.approx(0.7)
    assert (twist.header.frame_id, twist.header.stamp.sec, twist.header.stamp.nanosec) == (
        "base_link",
        5,
        250_000_000,
    )
    assert grip.joint_names == ["left", "right"]
    assert list(grip.points[0].positions) == pytest.approx([0.03, -0.03])
    assert grip.points[0].time_from_start.nanosec == 250_000_000
    assert grip.header.stamp.sec == 0  # at once
    assert MAP.clamped(np.array([0.2, 0.7, 0.03, 0.0])) == 0
    for go, speed in ((9.0, 0.3), (-9.0, -0.2)):
        action = np.array([go, 0.0, 0.0, 0.0])
        assert MAP.output_messages(action, 0, new_ros_message)["cmd_vel"].twist.linear.x == speed
        assert MAP.clamped(action) == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("entry", range(4))
def test_an_action_that_is_not_finite_makes_no_message(bad, entry):
    action = np.zeros(4, np.float32)
    action[entry] = bad
    with pytest.raises(RejectedError, match="not finite"):
        MAP.output_messages(action, 0, new_ros_message)
    with pytest.raises(RejectedError, match="an action of 3 numbers, not 4"):
        MAP.output_messages(action[:3], 0, new_ros_message)


def test_stopping_is_zero_for_twists_and_silence_for_the_rest():
    messages = MAP.stop_messages(1, new_ros_message)
    assert list(messages) == ["cmd_vel"]
    assert messages["cmd_vel"] == TwistStamped(header=messages["cmd_vel"].header)


def test_poses_are_rotations():
    data = copy.deepcopy(GOOD)
    fields = {f"pose.orientation.{axis}": k for k, axis in enumerate("xyzw")}
    data["outputs"] = [{"topic": "to", "type": "geometry_msgs/PoseStamped", "fields": fields}]
    data["unused"] = []
    mapping = parse_feature_map(data)
    message = mapping.output_messages(np.array([0.0, 0.0, 3.0, 4.0]), 0, new_ros_message)["to"]
    assert (message.pose.orientation.z, message.pose.orientation.w) == pytest.approx((0.6, 0.8))
    with pytest.raises(RejectedError, match="no rotation"):
        mapping.output_messages(np.zeros(4), 0, new_ros_message)
    data["outputs"] = [{"topic": "to", "type": "geometry_msgs/PoseStamped", "fields": {"pose.yaw": "turn"}}]
    data["unused"] = ["go", "grip", "spare"]
    message = parse_feature_map(data).output_messages(np.array([0, 1.0, 0, 0]), 0, new_ros_message)["to"]
    assert 2 * math.atan2(message.pose.orientation.z, message.pose.orientation.w) == pytest.approx(1.0)


def test_messages_lead_back_to_their_observation_and_action():
    random = np.random.default_rng(0)
    observation = {
        "observation.state": np.float32([5.0, 7.0, 0.5, -1.0]),
        "observation.image": random.integers(0, 255, (4, 6, 3), np.uint8),
    }
    action = np.array([0.2, -0.5, 0.01, 0.0])
    for new in (new_ros_message, new_bag_message):
        messages = MAP.input_messages(observation, 123, new)
        values = {s: s.read(messages[s.topic]) for s in MAP.sources}
        for name, expected in MAP.observation(values).items():
            np.testing.assert_allclose(expected, observation[name], atol=1e-6)
        sent = MAP.output_messages(action, 123, new)
        entries = {}
        for output in MAP.outputs:
            entries |= output.read(sent[output.topic])
        assert [entries[k] for k in range(3)] == pytest.approx(action[:3])
    with pytest.raises(RejectedError):
        MAP.outputs[1].read(
            JointTrajectory(joint_names=["left", "right"], points=[JointTrajectoryPoint()] * 2)
        )


@pytest.mark.parametrize("name", sorted(KINDS))
def test_bags_and_rclpy_know_the_same_types(name):
    message = new_bag_message(name)
    data = STORE.serialize_cdr(message, name)
    from rclpy.serialization import deserialize_message

    back = deserialize_message(bytes(data), type(new_ros_message(name)))
    assert (
        back.get_fields_and_field_types().keys() == new_ros_message(name).get_fields_and_field_types().keys()
    )


@pytest.mark.parametrize(
    "preset", ["policy_arm", "policy_base", "arm_push", "arm_pick_place", "arm_stack", "arm_detour"]
)
def test_presets_load(preset):
    mapping = load_feature_map(preset)
    assert mapping.shape("observation.state") == (6,)
    stops = mapping.stop_messages(0, new_ros_message)
    assert all(topic in {output.topic for output in mapping.outputs} for topic in stops)


def broken(*path_and_value):
    *path, key, value = path_and_value
    data = copy.deepcopy(GOOD)
    place = data
    for step in path:
        place = place[step]
    if value is None:
        del place[key]
    else:
        place[key] = value
    return data


STATE = ("features", "observation.state", 0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "mapping None: write name: value pairs"),
        (broken("features", None), "mapping: features is missing"),
        (broken("inputs", 1), "unknown key 'inputs': there are features, action, unused, outputs"),
        (broken("features", "state", []), "features.state: names of features begin with 'observation.'"),
        (broken(*STATE, "type", "sensor_msgs/Joints"), "type 'sensor_msgs/Joints' is not one of sensor_msgs"),
        (broken(*STATE, "fields", ["angle.b"]), "no field 'angle.b': write position.NAME or velocity.NAME"),
        (broken(*STATE, "fields", []), r"fields \[\]: write a list, with at least one entry"),
        (broken(*STATE, "fields", None), "fields is missing: which numbers of sensor_msgs/msg/JointState"),
        (broken(*STATE, "scale", 0), "scale is 0: that would forget the numbers"),
        (broken(*STATE, "scale", "big"), "scale 'big': write a finite number"),
        (broken(*STATE, "max_age", -1), "max_age -1: seconds, more than 0"),
        (broken(*STATE, "topic", "a b"), "topic 'a b': write a name such as joint_states"),
        (broken(*STATE, "resize", [1, 2]), "resize is of images, and this is a sensor_msgs/msg/JointState"),
        (
            broken("features", "observation.image", 0, "resize", [1]),
            r"resize \[1\]: write \[height, width\] in pixels",
        ),
        (broken("features", "observation.image", 0, "channels", 4), "channels 4: write 3, or 1 for grey"),
        (broken("features", "observation.image", 0, "fields", ["r"]), "an image has no fields"),
        (
            broken("features", "observation.state", 1, "topic", "joint_states"),
            "topic 'joint_states' cannot be both",
        ),
        (broken("outputs", 1, "topic", "cmd_vel"), "topic 'cmd_vel' is named twice"),
        (broken("outputs", 0, "type", "geometry_msgs/Twist"), "type 'geometry_msgs/Twist' is not one of"),
        (
            broken("outputs", 0, "fields", "twist.linear.x", "action", "gas"),
            "no action entry 'gas': there are go, turn, grip, spare",
        ),
        (broken("outputs", 0, "fields", "twist.angular.z", 7), "no action entry 7"),
        (broken("outputs", 0, "fields", "twist.linear.x", "low", 2.0), "low 2 is above high 0.3"),
        (broken("outputs", 0, "fields", "twist.linear.x", "max", 2.0), "unknown key 'max'"),
        (
            broken("outputs", 0, "fields", {"twist.x": "go"}),
            "has no field 'twist.x': there are twist.linear.x",
        ),
        (broken("unused", []), "no output takes spare: add it to one, or list it under unused"),
        (broken("unused", ["spar"]), "unused: 'spar' is not in action"),
        (broken("action", ["go", "go"]), "a name stands there twice"),
        (broken("outputs", 1, "duration", 0), "duration 0: seconds, more than 0"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named(data, text):
    with pytest.raises(ValueError, match=text):
        parse_feature_map(data)


def test_files_are_named_in_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="no mapping 'nope': neither a file nor a preset"):
        load_feature_map("nope")
    path = tmp_path / "map.yaml"
    path.write_text("features: [")
    with pytest.raises(ValueError, match="map.yaml is no YAML"):
        load_feature_map(path)
    path.write_text("features: {}")
    with pytest.raises(ValueError, match="map.yaml: action is missing"):
        load_feature_map(path)


def test_inputs_keep_the_last_good_message_until_it_is_stale():
    inputs = FeatureInputs(MAP, max_age=0.5)
    assert inputs.stale(0.0) == [
        "joint_states has said nothing usable",
        "tool has said nothing usable",
        "image has said nothing usable",
    ]
    assert inputs.observation() is None
    inputs.see("joint_states", joints(), 1.0)
    inputs.see("tool", pose(), 1.0)
    inputs.see("image", image(np.zeros((4, 6, 3), np.uint8)), 1.0)
    assert inputs.stale(1.4) == []
    inputs.see("joint_states", joints(names=("x", "y")), 1.4)
    assert inputs.rejected == {"missing": 1}
    assert "no joint 'b' among x, y" in inputs.complaint
    assert inputs.observation()["observation.state"].shape == (1, 4)
    assert inputs.observation()["observation.image"].shape == (1, 4, 6, 3)
    assert inputs.stale(1.6) == [f"{topic} is 0.60 s old" for topic in ("joint_states", "tool", "image")]
    inputs.see("image", Image(height=1, width=1, encoding="yuv422"), 1.5)
    assert inputs.rejected["encoding"] == 1
    assert inputs.observation()["observation.image"].max() == 0
    assert "image is 0.60 s old" in inputs.stale(1.6)  # what cannot be used does not make it fresh


def test_an_image_of_another_size_than_the_policy_takes_is_rejected():
    data = broken("features", "observation.image", 0, "resize", None)
    inputs = FeatureInputs(parse_feature_map(data).expecting({"observation.image": (4, 6)}), 0.5)
    assert inputs.zeros()["observation.image"].shape == (1, 4, 6, 3)
    inputs.see("image", image(np.zeros((6, 4, 3), np.uint8)), 1.0)
    assert inputs.rejected == {"size": 1}
    assert inputs.complaint == "image: (6, 4) pixels, not (4, 6): give the mapping a resize"
    assert "image has said nothing usable" in inputs.stale(1.0)
    inputs.see("image", image(np.zeros((4, 6, 3), np.uint8)), 1.0)
    assert not any("image" in text for text in inputs.stale(1.0))
    resized = MAP.expecting({"observation.image": (9, 9)})
    assert resized.shape("observation.image") == (4, 6, 3)


def test_an_own_age_wins_and_zeros_have_the_shapes_of_observations():
    data = broken("features", "observation.state", 1, "max_age", 10.0)
    inputs = FeatureInputs(parse_feature_map(data), max_age=0.5)
    inputs.see("tool", pose(), 0.0)
    assert not any("tool" in text for text in inputs.stale(5.0))
    zeros = inputs.zeros()
    assert {name: (v.shape, v.dtype.name) for name, v in zeros.items()} == {
        "observation.state": ((1, 4), "float32"),
        "observation.image": ((1, 4, 6, 3), "uint8"),
    }
    data["features"]["observation.image"][0].pop("resize")
    assert FeatureInputs(parse_feature_map(data), 0.5).zeros() is None


def test_every_input_type_is_tried_here():
    assert len(INPUTS) == 6
    message = new_bag_message("sensor_msgs/msg/Image")
    write_image(message, np.zeros((2, 3, 1), np.uint8))
    assert (message.encoding, message.step) == ("mono8", 3)

"""The plan of the arm: the same nodes in simulation and, less the simulator, on a robot."""

import pytest

from pilotfish.ros_nodes.plan import plan_system


def names(*words):
    return [spec.name for spec in plan_system("manipulate", words)]


def test_simulation_and_policy():
    arm, policy = plan_system("manipulate", ["task:=stack", "policy:=vgps"])
    assert arm.parameters["task"] == policy.parameters["task"] == "stack"
    assert policy.parameters["mapping"].endswith("launch/params/arm_stack.yaml")
    assert policy.respawn and arm.required


def test_on_a_robot_only_the_policy_runs():
    assert names("backend:=hardware") == ["policy"]


def test_a_recording_holds_everything(tmp_path):
    *_, recorder = plan_system("manipulate", [f"record:={tmp_path / 'arm'}"])
    assert recorder.parameters["system"] == "manipulate" and recorder.parameters["rate"] == 0.0


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("backend:=gazebo", "gazebo is not there yet"),
        ("real_time_factor:=0", "positive"),
        ("policy:=nope", "policy:=nope: choose one of base"),
        ("task:=juggle", "pick_place, push, stack, detour"),
    ],
)
def test_bad_arguments_name_the_value(word, message):
    with pytest.raises(ValueError, match=message):
        plan_system("manipulate", [word])


def test_a_missing_mapping_is_named():
    with pytest.raises(FileNotFoundError, match="mapping:=nowhere.yaml"):
        plan_system("manipulate", ["mapping:=nowhere.yaml"])

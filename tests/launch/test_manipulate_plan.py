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


def test_own_models_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("actor", "mine"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text("{}")
    _, policy = plan_system("manipulate", ["policy:=dsrl=actor", "base:=mine"])
    assert policy.parameters["policy"] == f"dsrl={tmp_path / 'actor'}"
    assert policy.parameters["base"] == str(tmp_path / "mine")
    _, policy = plan_system("manipulate", ["policy:=vgps=vgps/stack", "base:=diffusion/push"])
    assert policy.parameters["policy"] == "vgps=vgps/stack"
    assert policy.parameters["base"] == "diffusion/push"


def test_on_a_robot_only_the_policy_runs():
    assert names("backend:=hardware") == ["policy"]


def test_all_follow_the_simulators_clock_and_hardware_the_time_of_day(tmp_path):
    record = f"record:={tmp_path / 'arm'}"
    arm, *others = plan_system("manipulate", ["real_time_factor:=2", record])
    assert not arm.parameters["wall_clock"]
    assert [spec.parameters["use_sim_time"] for spec in others] == [True, True]
    arm, policy = plan_system("manipulate", ["use_sim_time:=false"])
    assert arm.parameters["wall_clock"] and not policy.parameters["use_sim_time"]
    (policy,) = plan_system("manipulate", ["backend:=hardware"])
    assert not policy.parameters["use_sim_time"]


def test_a_recording_holds_everything(tmp_path):
    *_, recorder = plan_system("manipulate", [f"record:={tmp_path / 'arm'}"])
    assert recorder.parameters["system"] == "manipulate" and recorder.parameters["rate"] == 0.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("backend:=gazebo", "gazebo is not there yet"),
        ("real_time_factor:=0", "positive"),
        ("real_time_factor:=2 use_sim_time:=false", "needs use_sim_time:=true"),
        ("policy:=nope", "policy:=nope: choose one of base"),
        ("policy:=dsrl=nowhere", "no model 'nowhere'"),
        ("base:=nowhere", "no model 'nowhere'"),
        ("task:=juggle", "pick_place, push, stack, detour"),
    ],
)
def test_bad_arguments_name_the_value(words, message):
    with pytest.raises(ValueError, match=message):
        plan_system("manipulate", words.split())


def test_a_missing_mapping_is_named():
    with pytest.raises(FileNotFoundError, match="mapping:=nowhere.yaml"):
        plan_system("manipulate", ["mapping:=nowhere.yaml"])

import pytest

from pilotfish.ros_nodes.plan import plan_system


def hosts(*words):
    return [spec for spec in plan_system("fleet", words) if spec.executable == "follower_host"]


@pytest.mark.parametrize(("robots", "processes"), [(1, 0), (16, 0), (17, 0), (10, 3), (4, 9), (64, 1)])
def test_every_robot_is_in_exactly_one_host(robots, processes):
    ranges = [
        range(spec.parameters["first"], spec.parameters["first"] + spec.parameters["count"])
        for spec in hosts(f"robots:={robots}", f"processes:={processes}")
    ]
    assert [robot for part in ranges for robot in part] == list(range(robots))
    assert all(len(part) > 0 for part in ranges)


def test_a_recorder_comes_with_a_path_to_record_to(tmp_path):
    assert "recorder" not in [spec.name for spec in plan_system("fleet")]
    recorder = plan_system("fleet", [f"record:={tmp_path / 'a.mcap'}"])[-1]
    assert recorder.name == "recorder" and recorder.parameters["path"] == str(tmp_path / "a.mcap")


def test_the_simulator_is_required_and_the_others_come_back():
    simulator, *others = plan_system("fleet")
    assert simulator.required and not simulator.respawn
    assert all(spec.respawn for spec in others)


def test_everything_lives_under_the_namespace():
    assert {spec.namespace for spec in plan_system("fleet", ["namespace:=hall"])} == {"hall"}


def test_robots_on_the_wall_clock_need_a_simulator_at_its_pace():
    assert plan_system("fleet", ["use_sim_time:=false"])
    assert plan_system("fleet", ["real_time_factor:=2"])
    with pytest.raises(ValueError, match=r"real_time_factor:=0.0 needs use_sim_time:=true"):
        plan_system("fleet", ["use_sim_time:=false", "real_time_factor:=0"])

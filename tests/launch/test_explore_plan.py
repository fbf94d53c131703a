import pytest

from pilotfish.ros_nodes.plan import plan_system
from pilotfish.worlds.maps.load import load_map

WORLD = "gen:offices?size=80x100&seed=1"


def plan(*words):
    return plan_system("explore", [f"world:={WORLD}", *words])


@pytest.mark.parametrize(("robots", "processes"), [(1, 0), (3, 0), (4, 4), (5, 2), (2, 9)])
def test_every_robot_is_in_exactly_one_host(robots, processes):
    ranges = [
        range(spec.parameters["first"], spec.parameters["first"] + spec.parameters["count"])
        for spec in plan(f"robots:={robots}", f"processes:={processes}")
        if spec.executable == "explorer_host"
    ]
    assert [robot for part in ranges for robot in part] == list(range(robots))
    assert all(len(part) > 0 for part in ranges)


def test_explorers_know_a_rectangle_around_the_building_and_nothing_else():
    grid = load_map(WORLD)
    for spec in plan():
        if spec.executable == "explorer_host":
            assert "world" not in spec.parameters
            low, size = spec.parameters["map_origin"], spec.parameters["map_size"]
            assert low[0] < grid.origin[0] and low[1] < grid.origin[1]
            assert low[0] + size[0] > 10.0 and low[1] + size[1] > 8.0


def test_a_recorder_and_rviz_come_when_asked_for(tmp_path):
    assert {"recorder", "rviz2"}.isdisjoint(spec.name for spec in plan())
    *_, recorder, rviz = plan(f"record:={tmp_path / 'a.mcap'}", "rviz:=true")
    assert recorder.parameters["path"] == str(tmp_path / "a.mcap")
    assert recorder.parameters["system"] == "explore"
    assert rviz.program and rviz.package == "rviz2" and rviz.arguments[1].endswith("explore.rviz")


def test_the_simulator_is_required_and_the_others_come_back():
    simulator, *others = plan()
    assert simulator.required and not simulator.respawn
    assert all(spec.respawn for spec in others)


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (WORLD, ""),
        ("warehouse", "warehouse has cells of 1 m, and exploration policies expect about 0.1 m"),
    ],
)
def test_cells_that_are_far_too_large_are_warned_of(world, said, capsys):
    plan_system("explore", [f"world:={world}", "robots:=2"])
    warned = capsys.readouterr().err
    assert said in warned and bool(warned) == bool(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["robots:=0"], "robots:=0: a team"),
        (["robots:=33"], "robots:=33: a team has at most 32 robots"),
        (["processes:=-1"], "processes:=-1: write 0 or more"),
        (["real_time_factor:=-1"], "real_time_factor:=-1"),
        (["real_time_factor:=2", "use_sim_time:=false"], "needs use_sim_time:=true"),
        (["policy:=lost"], "no exploration policy 'lost'"),
        (["radio:=none"], "radio:=none: choose one of open"),
        (["backend:=gazebo"], "backend 'gazebo'"),
        (["backend:=hardware"], "backend 'hardware'"),
    ],
)
def test_what_cannot_be_planned_is_named(words, said):
    with pytest.raises(ValueError, match=said):
        plan(*words)


def test_a_missing_params_file_is_named():
    with pytest.raises(FileNotFoundError, match="params_file:=nope.yaml"):
        plan("params_file:=nope.yaml")

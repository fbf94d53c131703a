import pytest

from pilotfish.ros_nodes import plan
from pilotfish.ros_nodes.plan import PlanArgument, parse_arguments

DECLARED = [
    PlanArgument("robots", 16, "how many"),
    PlanArgument("backend", "grid", "who simulates", choices=("grid", "pybullet")),
    PlanArgument("speed", 1.0, "how fast"),
    PlanArgument("use_sim_time", True, "whose clock"),
]


def test_arguments_take_the_type_of_their_default():
    values = parse_arguments(["robots:=8", "use_sim_time:=false", "speed:=2"], DECLARED)
    assert values == {"robots": 8, "backend": "grid", "speed": 2.0, "use_sim_time": False}
    assert isinstance(values["speed"], float)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["robots=8"], "name:=value"),
        (["robot:=8"], "there are robots, backend, speed, use_sim_time"),
        (["robots:=many"], "robots:=many: write a whole number"),
        (["speed:=fast"], "speed:=fast: write a number"),
        (["speed:=nan"], "speed:=nan: write a number"),
        (["speed:=inf"], "speed:=inf: write a number"),
        (["backend:=unreal"], "backend:=unreal: choose one of grid, pybullet"),
        (["use_sim_time:=maybe"], "write true or false"),
        (["robots:=8", "robots:=9"], "given twice"),
    ],
)
def test_a_wrong_argument_is_named(words, said):
    with pytest.raises(ValueError, match=said):
        parse_arguments(words, DECLARED)


@pytest.mark.parametrize("argument", DECLARED, ids=lambda argument: argument.name)
def test_a_default_written_as_text_parses_to_itself(argument):
    assert argument.parse(argument.default_text) == argument.default


def test_an_unknown_system_names_those_there_are():
    with pytest.raises(ValueError, match="unknown system 'fleets': there are fleet"):
        plan.plan_system("fleets")


@pytest.mark.parametrize("system", plan.SYSTEMS)
def test_every_system_plans_with_its_defaults(system):
    module = plan.system_module(system)
    assert module.__doc__
    assert all(argument.description for argument in module.ARGUMENTS)
    specs = plan.plan_system(system)
    names = [(spec.namespace, spec.name) for spec in specs]
    assert len(names) == len(set(names)) > 0
    assert plan.plan_system(system) == specs, "the same arguments must give the same plan"


@pytest.mark.parametrize("system", plan.SYSTEMS)
def test_what_would_only_fail_in_the_nodes_is_refused(system, tmp_path):
    with pytest.raises(ValueError, match="seed:=-1: write 0 or more"):
        plan.plan_system(system, ["seed:=-1"])
    with pytest.raises(ValueError, match=f"{tmp_path} exists already: name another path"):
        plan.plan_system(system, [f"record:={tmp_path}"])


@pytest.mark.parametrize("system", plan.SYSTEMS)
def test_every_system_has_a_launch_file(system):
    assert plan.share_file(f"launch/{system}.launch.py").is_file()


def test_a_missing_share_file_names_the_places():
    with pytest.raises(FileNotFoundError, match="launch/nope.yaml is neither in"):
        plan.share_file("launch/nope.yaml")

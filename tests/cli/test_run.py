import pytest
from typer.testing import CliRunner

from pilotfish.cli.run import app
from pilotfish.policies.registry import EXPLORATION_POLICIES
from pilotfish.ros_nodes import plan


def invoke(*words):
    return CliRunner().invoke(app, words)


def test_without_a_system_the_systems_are_listed():
    output = invoke().output
    assert all(f"{system}: " in output for system in plan.SYSTEMS)


def test_show_args_lists_every_argument():
    output = invoke("fleet", "--show-args").output
    assert all(argument.name in output for argument in plan.system_module("fleet").ARGUMENTS)


def test_show_args_cuts_nothing_off_on_a_narrow_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    output = invoke("explore", "--show-args").output
    assert "…" not in output and all(len(line) <= 80 for line in output.splitlines())
    assert all(name in output for name in EXPLORATION_POLICIES)


def test_help_has_an_example_of_every_navigating_system():
    output = invoke("--help").output
    assert "pilotfish run fleet" in output and "pilotfish run explore" in output


def test_dry_run_prints_a_command_a_process():
    lines = invoke("fleet", "robots:=8", "processes:=2", "--dry-run").output.splitlines()
    assert len(lines) == len(plan.plan_system("fleet", ["robots:=8", "processes:=2"]))
    assert sum("pilotfish.ros_nodes.follower_host" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fleets"], "unknown system 'fleets'"),
        (["fleet", "robots:=0"], "robots:=0"),
        (["fleet", "backend:=gazebo"], "not built"),
        (["fleet", "policy:=folower"], "no fleet policy 'folower': choose one of follower"),
    ],
)
def test_mistakes_are_value_errors(words, said):
    result = invoke(*words)
    assert isinstance(result.exception, ValueError) and said in str(result.exception)


def test_a_missing_params_file_is_named():
    result = invoke("fleet", "params_file:=nope.yaml")
    assert isinstance(result.exception, FileNotFoundError) and "nope.yaml" in str(result.exception)

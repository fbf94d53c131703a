import importlib
import subprocess
import sys

import pytest
import typer

from pilotfish.cli import main as cli
from pilotfish.cli.lazy import lazy_group

HEAVY = ("numba", "scipy", "torch", "rclpy", "pybullet", "onnxruntime", "rosbags")


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pilotfish.cli.main", *words], capture_output=True, text=True, timeout=60
    )


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom pilotfish.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout
    assert "loaded: []" in shown
    assert all(f" {name} " in shown for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_a_typer_app_and_has_help(name, capsys):
    module, attribute = cli.COMMANDS[name][0].split(":")
    assert isinstance(getattr(importlib.import_module(module), attribute), typer.Typer)
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    assert f"pilotfish {name}" in capsys.readouterr().out


def test_a_mistake_of_the_user_is_one_line_and_code_2():
    result = run("models", "card", "no-such-model")
    assert result.returncode == 2
    assert "no-such-model" in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_where_the_error_came_from():
    result = run("models", "card", "no-such-model", "--debug")
    assert result.returncode != 0
    assert "Traceback" in result.stderr and "find_model" in result.stderr


@pytest.mark.parametrize(("module", "group"), [("torch", "train"), ("rclpy.node", "ros")])
def test_a_missing_module_names_its_install_group(module, group):
    said = cli.missing_module(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert f"pip install 'pilotfish[{group}]'" in said


def test_an_unknown_missing_module_keeps_its_name():
    assert "'pilotfish.nope'" in cli.missing_module(
        ModuleNotFoundError("No module named 'pilotfish.nope'", name="pilotfish.nope")
    )


def test_a_command_is_imported_only_when_called():
    group = lazy_group({"broken": ("no_such_module_anywhere:app", "Fails when loaded.")})(name="toy")
    assert group.commands["broken"].get_short_help_str() == "Fails when loaded."
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        group.commands["broken"].load()

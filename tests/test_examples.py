"""The examples run as a reader runs them, and do what they say."""

import subprocess
import sys
from pathlib import Path

import imageio.v3 as imageio
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "extending"


def output(script: Path, *arguments: str | Path) -> str:
    """What an example prints."""
    result = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def run(name: str) -> dict[str, list[float]]:
    """The table an example prints: first column -> numbers of the others."""
    said = output(EXAMPLES / name).splitlines()
    cells = [line.strip("│ ").split("│") for line in said if line.startswith("│")]
    return {first.strip(): [float(cell) for cell in rest] for first, *rest in cells}


def test_add_a_policy():
    table = run("add_a_policy.py")
    goals = {name: row[0] for name, row in table.items()}
    assert goals["random"] < goals["greedy"] < goals["follow"]


@pytest.mark.parametrize(
    ("script", "names"),
    [("add_a_world.py", ["grid", "slippery"]), ("add_a_robot.py", ["carrier", "tortoise"])],
)
def test_add_a_world_and_a_robot(script, names):
    table = run(script)
    assert list(table) == names
    for goals, overlaps in table.values():
        assert goals > 0
        assert overlaps == 0


def test_look_into_a_robot(tmp_path):
    picture = tmp_path / "belief.png"
    said = output(EXAMPLES.parent / "exploring" / "look_into_a_robot.py", picture, "--strides", "10")
    assert "1 component(s)" in said
    assert imageio.imread(picture).shape[0] > 300


def test_every_example_is_in_contributing():
    guide = (EXAMPLES.parents[1] / "CONTRIBUTING.md").read_text()
    assert all(f"examples/extending/{path.name}" in guide for path in EXAMPLES.glob("*.py"))

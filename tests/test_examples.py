"""The worked examples of CONTRIBUTING.md run as a reader runs them, and do what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "extending"


def run(name: str) -> dict[str, list[float]]:
    """The table an example prints: first column -> numbers of the others."""
    result = subprocess.run(
        [sys.executable, EXAMPLES / name], capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 0, result.stderr
    cells = [line.strip("│ ").split("│") for line in result.stdout.splitlines() if line.startswith("│")]
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


def test_every_example_is_in_contributing():
    guide = (EXAMPLES.parents[1] / "CONTRIBUTING.md").read_text()
    assert all(f"examples/extending/{path.name}" in guide for path in EXAMPLES.glob("*.py"))

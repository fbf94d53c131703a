import json
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

from pilotfish.cli.evaluate_explore import rows_of


def run(policy: str, world: str, whole_after: float, success: bool = True) -> dict:
    return {
        "policy": policy, "world": world, "robots": 2, "radio": "mid", "backend": "grid", "seed": 0,
        "success": success, "whole_after": whole_after, "overlaps": 1,
    }  # fmt: skip


def test_rows_compare_with_the_first_policy_and_keep_failures():
    runs = [run("a", "x", 10.0), run("b", "x", 14.0), run("a", "y", 20.0), run("b", "y", 60.0, success=False)]
    first, second = rows_of(runs)
    assert (first["whole_after"], first["success_rate"], first["overlaps"]) == (15.0, 1.0, 2)
    assert "later" not in first
    assert (second["whole_after"], second["success_rate"], second["later"]) == (37.0, 0.5, 22.0)
    low, high = second["later_ci95"]
    assert low < 4.0 and high > 40.0


@pytest.mark.system
def test_a_live_team_is_measured(tmp_path):
    words = ["--maps", "gen:offices?size=80x100&seed=5-6", "--robots", "2", "--policy", "nearest"]
    command = [sys.executable, "-m", "pilotfish.cli.main", "eval", "explore", *words]
    done = subprocess.run(
        [*command, "--seconds", "120", "--json", tmp_path / "live.json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "live.json").read_text())
    [row] = report["rows"]
    assert row["n"] == 2 and row["success_rate"] == 1.0
    for team in report["runs"]:
        assert team["known"] >= 0.99 and not team["trouble"]
        assert 5.0 < team["whole_after"] < 120.0 and team["longest_way"] > 1.0


@pytest.mark.parametrize(
    ("word", "value", "text"),
    [("--policy", "lost", "no exploration policy 'lost'"), ("--radio", "am", "radio:=am: choose one of")],
)
def test_what_cannot_run_is_refused_before_the_first_run(word, value, text):
    command = [sys.executable, "-m", "pilotfish.cli.main", "eval", "explore", "--maps", "gen:offices?seed=5"]
    done = subprocess.run([*command, word, value], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert text in done.stderr

import json

import pytest
from typer.testing import CliRunner

from pilotfish.ros_nodes.fleet_trial import app, trial_rows

WORLD = "gen:random?size=10&density=0.1&seed=0"


def test_rows_are_flat_and_name_their_case():
    rows = list(trial_rows(WORLD, 6, ["follow"], ["none", "kill"], [0, 1], seconds=15.0))
    assert [row["faults"] for row in rows] == ["none", "kill"]
    for row in rows:
        assert row["n"] == 2
        assert row["overlaps"] == 0
        low, high = row["throughput_ci95"]
        assert low <= row["throughput"] <= high


def test_an_unknown_fault_is_named():
    with pytest.raises(ValueError, match="no faults called fire: choose from none"):
        list(trial_rows(WORLD, 2, ["follow"], ["fire"], [0], 1.0))


def test_the_command_prints_and_writes(tmp_path):
    words = f"--world {WORLD} --robots 3 --policy follow --faults none --seeds 0 --seconds 8".split()
    result = CliRunner().invoke(app, [*words, "--json", str(tmp_path / "trial.json")])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "trial.json").read_text())
    assert report["rows"][0]["faults"] == "none"
    assert report["seeds"] == [0]


def test_every_policy_is_made_before_the_first_trial():
    with pytest.raises(ValueError, match="no_such_policy"):
        next(trial_rows(WORLD, 2, ["follow", "no_such_policy"], ["none"], [0], 1.0))


def test_names_may_have_spaces_around_them():
    row = next(trial_rows(WORLD, 2, [" follow"], ["none "], [0], 1.0))
    assert (row["policy"], row["faults"]) == ("follow", "none")

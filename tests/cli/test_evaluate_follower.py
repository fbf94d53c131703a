"""``pilotfish eval follower`` and ``bench follower`` as a user calls them."""

import json

import pytest
from typer.testing import CliRunner

from pilotfish.cli.bench_follower import app as bench
from pilotfish.cli.evaluate_follower import app
from pilotfish.cli.options import parse_counts, parse_seeds


def test_rows_and_raw_episodes(tmp_path):
    target = tmp_path / "out.json"
    words = "--maps warehouse-small --agents 4,500 --seeds 0-2 --steps 40 --policy follower,pibt --json"
    result = CliRunner().invoke(app, [*words.split(), str(target)])
    assert result.exit_code == 0, result.output
    assert "no room" in result.output
    report = json.loads(target.read_text())
    assert report["seeds"] == [0, 1, 2]
    row = report["rows"][0]
    assert (row["policy"], row["information"], row["agents"], row["n"]) == ("follower", "window", 4, 3)
    low, high = row["throughput_ci95"]
    assert low <= row["throughput"] <= high
    assert len(report["episodes"]) == 12
    mean = sum(e["throughput"] for e in report["episodes"][:3]) / 3
    assert mean == pytest.approx(row["throughput"])
    assert report["rows"][2]["no_room"] == 3


def test_workers_give_the_same_figures(tmp_path):
    reports = []
    for workers in "12":
        target = tmp_path / f"{workers}.json"
        words = f"--maps warehouse-small --agents 4 --seeds 0-1 --steps 30 --policy pibt --workers {workers}"
        assert CliRunner().invoke(app, [*words.split(), "--json", str(target)]).exit_code == 0
        reports.append([e["throughput"] for e in json.loads(target.read_text())["episodes"]])
    assert reports[0] == reports[1]


def test_a_typo_costs_no_episode():
    result = CliRunner().invoke(app, ["--maps", "warehouse", "--policy", "pibt,folower"])
    assert isinstance(result.exception, ValueError) and "folower" in str(result.exception)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-2"])
def test_bad_seeds_are_named(text):
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)


def test_seeds_and_counts():
    assert parse_seeds("0-2,7") == [0, 1, 2, 7]
    assert parse_counts("32,64", "agents") == [32, 64]
    with pytest.raises(ValueError, match="agents '0'"):
        parse_counts("0", "agents")


def test_bench_without_pogema_says_so(tmp_path):
    words = f"--rounds 3 --policy follow --pogema-python {tmp_path}/python"
    result = CliRunner().invoke(bench, words.split())
    assert isinstance(result.exception, ValueError) and "cannot run POGEMA" in str(result.exception)

import json
from pathlib import Path

import numpy as np
import pytest

from pilotfish.cli import report


def test_interval_is_students():
    mean, (low, high) = report.mean_ci95([1.0, 2.0, 3.0, 4.0, 5.0])
    # t(0.975, 4) = 2.776, s = 1.5811, s / sqrt(5) = 0.7071
    assert mean == 3.0
    assert high - mean == pytest.approx(2.776 * 0.7071, rel=1e-3)
    assert mean - low == pytest.approx(high - mean)


def test_one_value_has_no_interval():
    assert report.mean_ci95([2.5]) == (2.5, None)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_nothing_to_average_is_an_error(values):
    with pytest.raises(ValueError):
        report.mean_ci95(values)


def test_report_has_the_contracted_shape(tmp_path):
    rows = [{"policy": "a", "agents": np.int64(64), "n": 3, **report.summarise({"throughput": [1, 2, 3]})}]
    path = tmp_path / "new" / "out.json"
    report.write_report(path, rows, seeds=range(3), command=["pilotfish", "eval", "a b"])
    written = json.loads(path.read_text())
    assert written["command"] == "pilotfish eval 'a b'"
    assert written["seeds"] == [0, 1, 2]
    assert written["commit"] and "Python" in written["machine"]
    row = written["rows"][0]
    assert row["agents"] == 64 and row["throughput"] == 2.0
    assert row["throughput_ci95"][0] < 2.0 < row["throughput_ci95"][1]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "out.json"
    path.write_text("old")
    with pytest.raises(TypeError, match="does not go into a report"):
        report.write_json(path, {"bad": object()})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_table_shows_half_of_the_interval(capsys):
    rows = [{"policy": "a", **report.summarise({"throughput": [1.0, 2.0, 3.0]})}, {"policy": "b"}]
    report.print_rows(rows)
    shown = capsys.readouterr().out
    assert "2 ± 2.5" in shown and "ci95" not in shown
    assert "-" in next(line for line in shown.splitlines() if " b " in line)


@pytest.mark.parametrize(
    ("rate", "interval", "shown"),
    [
        (0.0, [0.0, 0.4345], "0 % [0, 43.5]"),
        (1.0, [0.7225, 1.0], "100 % [72.2, 100]"),
        (0.5, None, "50 %"),
    ],
)
def test_table_shows_both_ends_of_a_success_rate(rate, interval, shown, capsys):
    report.print_rows([{"policy": "a", "success_rate": rate, "success_rate_ci95": interval}])
    assert f" {shown} " in capsys.readouterr().out


def test_commit_is_that_of_this_checkout():
    if (Path(report.__file__).resolve().parents[1] / ".git").exists():
        assert len(report.commit().removesuffix("-dirty")) == 12

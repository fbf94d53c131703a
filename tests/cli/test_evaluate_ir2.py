"""``pilotfish eval ir2`` and ``bench ir2`` as a user calls them."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from pilotfish.cli.bench_ir2 import app as bench
from pilotfish.cli.evaluate_ir2 import app
from pilotfish.policies.ir2.episode import METRICS
from pilotfish.policies.registry import EXPLORATION_POLICIES

MAP = "gen:hybrid?size=120&seed=0-1"


def run(*words: str):
    return CliRunner().invoke(app, ["--maps", MAP, "--robots", "2", *words])


def report_of(path):
    return json.loads(path.read_text())


def test_help_names_every_policy_and_metric():
    said = CliRunner().invoke(app, ["--help"]).output
    assert all(name in said for name in (*EXPLORATION_POLICIES, *METRICS))
    assert "registry.py" not in said and "episode.py" not in said


def test_rows_pairs_and_episodes(tmp_path):
    target = tmp_path / "out.json"
    result = run(
        "--policy", "hungarian,full_comm", "--seeds", "0-1", "--radio", "closed", "--json", str(target)
    )
    assert result.exit_code == 0, result.output
    assert "radio closed" in result.output and "path_vs_baseline" in result.output
    assert "100 % [51, 100]" in result.output
    report = report_of(target)
    assert report["complete"] and report["seeds"] == [0, 1]
    row, bound = report["rows"]
    assert (row["policy"], row["set"], row["robots"], row["radio"], row["n"]) == (
        "hungarian", "gen:hybrid?size=120", 2, "closed", 4,
    )  # fmt: skip
    assert bound["radio"] == "closed" and bound["radio_used"] == "full"
    for metric in ("success_rate", "path_length", "makespan", "overlap", "path_ratio"):
        low, high = row[f"{metric}_ci95"]
        assert low <= row[metric] <= high
    assert len(report["episodes"]) == 8 and len(report["paired"]) == 2
    mean = sum(e["path_length"] for e in report["episodes"] if e["policy"] == "hungarian") / 4
    assert mean == pytest.approx(row["path_length"])


def test_a_killed_evaluation_goes_on(tmp_path, monkeypatch):
    from pilotfish.policies.ir2 import evaluation

    target = tmp_path / "out.json"
    words = ("--policy", "nearest,hungarian", "--seeds", "0-1", "--json", str(target))
    run_case, calls = evaluation.run_case, []

    def interrupted(case):
        calls.append(case)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return run_case(case)

    monkeypatch.setattr(evaluation, "run_case", interrupted)
    assert run(*words).exit_code != 0
    partial = report_of(target)
    assert not partial["complete"] and len(partial["episodes"]) == 3
    result = run(*words, "--resume")
    assert result.exit_code == 0, result.output
    assert "3 of 8 episodes are there already" in result.output
    assert len(calls) == 4 + 5
    whole = report_of(target)
    assert whole["complete"] and [row["n"] for row in whole["rows"]] == [4, 4]


def test_the_file_grows_while_it_runs(tmp_path, monkeypatch):
    from pilotfish.cli import evaluate_ir2
    from pilotfish.policies.ir2 import evaluation

    target = tmp_path / "out.json"
    monkeypatch.setattr(evaluate_ir2, "SAVED_EVERY", 0.0)
    run_case, there = evaluation.run_case, []

    def watched(case):
        there.append(len(report_of(target)["episodes"]) if target.exists() else 0)
        return run_case(case)

    monkeypatch.setattr(evaluation, "run_case", watched)
    assert run("--policy", "nearest", "--seeds", "0-1", "--json", str(target)).exit_code == 0
    assert there == [0, 1, 2, 3]


def test_policies_can_be_added_to_a_file(tmp_path):
    target = tmp_path / "out.json"
    assert run("--policy", "nearest", "--json", str(target)).exit_code == 0
    assert run("--policy", "hungarian", "--json", str(target), "--resume").exit_code == 0
    assert [row["policy"] for row in report_of(target)["rows"]] == ["nearest", "hungarian"]


def test_seeds_can_be_added_to_a_file_also_of_an_older_version(tmp_path):
    target = tmp_path / "out.json"
    assert run("--policy", "nearest", "--json", str(target)).exit_code == 0
    report = report_of(target)
    for row in report["episodes"]:
        row["set"] = MAP  # as it once was: with the seeds
    target.write_text(json.dumps(report))
    more = "gen:hybrid?seed=0-2&size=120"
    words = ("--maps", more, "--robots", "2", "--policy", "nearest", "--json", str(target), "--resume")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "2 of 3 episodes are there already" in result.output
    (row,) = report_of(target)["rows"]
    assert (row["set"], row["n"]) == ("gen:hybrid?size=120", 3)


def test_the_published_caps_and_pictures_of_failures(tmp_path):
    target, pictures = tmp_path / "out.json", tmp_path / "pictures"
    result = run(
        "--policy", "nearest", "--protocol", "published", "--cap", "2", "--json", str(target),
        "--pictures", str(pictures),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert {(e["decisions"], e["success"], e["cap"]) for e in report_of(target)["episodes"]} == {
        (2, False, 2)
    }
    assert len(list(pictures.glob("nearest-*.png"))) == 2


def test_the_first_episode_is_filmed(tmp_path):
    film = tmp_path / "films" / "team.gif"
    result = run(
        "--policy", "nearest,hungarian", "--protocol", "published", "--cap", "3", "--film", str(film)
    )
    assert result.exit_code == 0, result.output
    assert Image.open(film).n_frames > 50
    assert Image.open(film.with_suffix(".png")).width > 900
    assert "team.gif" in result.output and "team.png" in result.output


@pytest.mark.parametrize(
    "words, named",
    [
        (("--policy", "nearest,huntgarian"), "huntgarian"),
        (("--film", "team.avi"), "team.avi"),
        (("--radio", "loud"), "loud"),
        (("--protocol", "steps"), "steps"),
        (("--seeds", "3-1"), "3-1"),
        (("--robots", "0"), "robots '0'"),
        (("--cap", "-5"), "-5"),
        (("--policy", "nearest", "--baseline", "hungarian"), "hungarian"),
        (("--resume",), "--json"),
    ],
)
def test_a_mistake_costs_no_episode(words, named, monkeypatch):
    monkeypatch.setattr("pilotfish.policies.ir2.evaluation.run_case", lambda case: pytest.fail("has run"))
    result = run(*words)
    assert isinstance(result.exception, ValueError) and named in str(result.exception)


def test_a_file_of_something_else_is_refused(tmp_path):
    target = tmp_path / "out.json"
    for text in ("{}", '{"episodes": [{"policy": "follower"}]}', "not JSON"):
        target.write_text(text)
        result = run("--policy", "nearest", "--json", str(target), "--resume")
        assert isinstance(result.exception, ValueError) and "does not hold episodes" in str(result.exception)


def test_bench(tmp_path):
    target = tmp_path / "bench.json"
    words = ["--map", "gen:hybrid?size=120&seed=0", "--robots", "2", "--episodes", "1", "--policy", "nearest"]
    result = CliRunner().invoke(bench, [*words, "--json", str(target)])
    assert result.exit_code == 0, result.output
    rows = report_of(target)["rows"]
    assert [row["case"] for row in rows[:2]] == ["world_decision", "decision"]
    assert {"part: sensor", "part: radio_exchange", "part: navigation", "part: search", "part: network"} <= {
        row["case"] for row in rows
    }


@pytest.mark.parametrize(
    "words, sizes",
    [([], {4, 5}), (["--robots", "6"], {6}), (["--map", MAP], {4}), (["--map", MAP, "--robots", "2"], {2})],
)
def test_bench_takes_the_size_of_the_team_on_every_map(words, sizes, monkeypatch):
    asked = []
    monkeypatch.setattr("pilotfish.worlds.maps.load.load_map", lambda path: None)
    monkeypatch.setattr(
        "pilotfish.policies.ir2.benchmark.decision_rows",
        lambda policy, name, grid, robots, episodes: asked.append(robots) or [{"robots": robots}],
    )
    result = CliRunner().invoke(bench, ["--policy", "nearest", *words])
    assert result.exit_code == 0, result.output
    assert set(asked) == sizes

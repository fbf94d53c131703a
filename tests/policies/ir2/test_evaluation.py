"""Episodes and their metrics; comparisons of policies."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pilotfish.cli.report import mean_ci95
from pilotfish.policies.exploration.explorer import NO_PATH
from pilotfish.policies.ir2.benchmark import PARTS, Stopwatch, decision_rows
from pilotfish.policies.ir2.comparison import summarise, wilson
from pilotfish.policies.ir2.episode import METRICS, Cap, Contacts, Footprints, explore
from pilotfish.policies.ir2.evaluation import Case, run_case, run_cases
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:hybrid?size=120&seed=1")


class Waits:
    """Stays where it is."""

    name, needs_full_radio = "waits", False

    def reset(self, belief, seed, clearance=0) -> None:
        pass

    def act(self):
        return NO_PATH


def case(policy: str = "nearest", **changes) -> Case:
    values = dict(set="maps", grid=GRID, robots=2, radio="closed", seed=0, cap=Cap.of(GRID, "distance"))
    return Case(policy, **(values | changes))


@pytest.mark.parametrize(
    "edge, protocol, limit",
    [
        (640, "distance", 5000),
        (641, "distance", 12000),
        (1000, "distance", 12000),
        (2000, "distance", 24000),
        (640, "published", 196),
        (1000, "published", 384),
    ],
)
def test_caps_by_the_larger_edge(edge, protocol, limit):
    assert Cap.of(GridMap("m", np.zeros((10, edge), bool)), protocol) == Cap(protocol, limit)


def test_bad_caps_are_named():
    with pytest.raises(ValueError, match="protocol 'steps': choose one of distance, published"):
        Cap.of(GRID, "steps")
    with pytest.raises(ValueError, match="must be positive, got 0"):
        Cap("distance", 0)


def test_an_episode_that_is_done():
    row = run_case(case())
    assert row["success"] and row["explored"] >= 0.99
    assert row["path_length"] == pytest.approx(max(row["travelled"]), abs=0.1)
    assert row["makespan"] == 15 * row["decisions"] >= row["path_length"] >= row["path_to_team_99"]
    assert 1.0 <= row["overlap"] <= 2.0
    assert sum(row["coverage"]) == pytest.approx(row["overlap"] * row["team_explored"], abs=1e-3)
    assert row["decision_us"] > 0
    assert len(row["known"]) == 2 and min(row["known"]) == pytest.approx(row["explored"], abs=1e-5)


def test_a_failed_episode_counts_with_the_cap_or_what_was_driven():
    distance = run_case(case(cap=Cap("distance", 40.0)))
    assert not distance["success"] and distance["path_length"] == pytest.approx(45.0, abs=6.0)
    assert distance["path_to_team_99"] >= 40
    published = run_case(case(cap=Cap("published", 2)))
    assert (published["decisions"], published["success"]) == (2, False)
    assert published["path_length"] <= 30.0


def test_robots_that_only_wait_end_by_time_and_count_as_the_cap():
    result = explore(ExplorationWorld(GRID, 2), [Waits(), Waits()], 0, Cap("distance", 100.0))
    assert result["makespan"] == 210.0 and not result["success"]
    assert result["path_length"] == 100.0 and result["travelled"] == [0.0, 0.0]
    assert result["overlap"] == 2.0, "both have scanned the same"


def test_nothing_is_left_to_do_in_a_room_that_is_seen_at_once():
    room = np.ones((48, 48), bool)
    room[8:40, 8:40] = False
    result = explore(
        ExplorationWorld(GridMap("room", room), 2), [Waits(), Waits()], 0, Cap("distance", 100.0)
    )
    assert result["success"]
    assert (result["decisions"], result["path_length"], result["path_to_team_99"]) == (0, 0.0, 0.0)


def test_the_optimistic_bound_runs_with_a_full_radio_and_pairs_all_the_same():
    row = run_case(case("full_comm"))
    assert (row["radio"], row["radio_used"]) == ("closed", "full")
    assert row["connectivity"] == 1.0 and row["disconnect_longest"] == 0.0
    assert run_case(case())["radio_used"] == "closed"


def test_contacts():
    contacts = Contacts(3, 15.0)
    for component in ([0, 0, 0], [0, 1, 1], [0, 1, 2], [0, 0, 2]):
        contacts.add(np.array(component))
    measures = contacts.measures()
    assert measures["connectivity"] == 0.25
    assert measures["pairs_connected"] == pytest.approx((3 + 1 + 0 + 1) / 12)
    # Apart: 0-1 for two steps, 0-2 for three, 1-2 for two.
    assert measures["disconnect_mean"] == pytest.approx(15 * 7 / 3)
    assert measures["disconnect_longest"] == 45.0
    assert contacts.timeline() == [[15.0, "000"], [30.0, "011"], [45.0, "012"], [60.0, "002"]]


def test_a_lone_robot_is_connected():
    contacts = Contacts(1, 15.0)
    contacts.add(np.array([0]))
    assert contacts.measures()["connectivity"] == 1.0


def test_footprints_are_what_a_robot_scans_itself():
    world = ExplorationWorld(load_map("gen:hybrid?size=300&seed=1"), 2, "full")
    world.reset(0)
    prints = Footprints(world)
    assert prints.areas.tolist() == [prints.union] * 2
    world.position[0] = np.argwhere(~world.walls)[-1]
    prints.look()
    assert prints.areas[0] > prints.areas[1]
    assert prints.areas.max() <= prints.union <= prints.areas.sum()


def test_processes_give_the_same_episodes():
    cases = [case(policy, seed=seed) for policy in ("nearest", "hungarian") for seed in range(2)]

    def rows(workers):
        found = [{k: v for k, v in row.items() if k != "decision_us"} for row in run_cases(cases, workers)]
        return sorted(found, key=lambda row: (row["policy"], row["seed"]))

    assert rows(1) == rows(2)


KILLED = """
import multiprocessing, os, signal
from pilotfish.policies.ir2.episode import Cap
from pilotfish.policies.ir2.evaluation import Case, run_cases
from pilotfish.worlds.maps.load import load_map
if __name__ == "__main__":
    grid = load_map("gen:hybrid?size=120&seed=1")
    rows = run_cases([Case("nearest", "s", grid, 2, "mid", k, Cap("distance", 5000)) for k in range(4)], 2)
    next(rows)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    # The output is a file: a worker that goes on would hold a pipe open.
    with (tmp_path / "out").open("w") as out:
        assert subprocess.run([sys.executable, str(script)], stdout=out, timeout=120).returncode == -9
    workers = [Path(f"/proc/{pid}") for pid in (tmp_path / "out").read_text().split()]
    assert len(workers) == 2
    deadline = time.monotonic() + 20
    while any(worker.exists() for worker in workers):
        assert time.monotonic() < deadline, "workers have outlived their parent"
        time.sleep(0.1)


def test_a_policy_that_fails_names_its_episode(monkeypatch):
    def broken(self, situation):
        raise ZeroDivisionError("no reason")

    run_case(case("nearest"))  # its team is made
    monkeypatch.setattr("pilotfish.policies.ir2.planned.NearestFrontier.explore", broken)
    with pytest.raises(RuntimeError, match="nearest on hybrid.* seed 0: ZeroDivisionError: no reason"):
        run_case(case("nearest"))


# Comparisons.


def episodes(policy: str, paths, **changes):
    row = dict.fromkeys(METRICS, 1.0) | {"set": "s", "robots": 4, "radio": "random", "protocol": "distance"}
    row |= {"policy": policy, "map_hash": "", "cap": 5000.0, "success": True, "radio_used": "random"}
    return [row | {"map": f"m{k}", "seed": 0, "path_length": p} | changes for k, p in enumerate(paths)]


def test_wilson():
    assert wilson(0, 10) == [0.0, pytest.approx(0.2775, abs=1e-3)]
    assert wilson(10, 10) == [pytest.approx(0.7225, abs=1e-3), 1.0]
    assert wilson(95, 100) == [pytest.approx(0.8882, abs=1e-3), pytest.approx(0.9785, abs=1e-3)]


def test_pairs_see_differences_that_plain_intervals_do_not():
    base = np.random.default_rng(0).uniform(500, 3000, 40)
    rows, pairs = summarise(
        episodes("hungarian", base) + episodes("pursuit", 0.9 * base) + episodes("full_comm", 0.5 * base),
        mean_ci95,
    )
    by_name = {row["policy"]: row for row in rows}
    pursuit = by_name["pursuit"]
    assert pursuit["path_length_ci95"][1] > by_name["hungarian"]["path_length_ci95"][0]
    assert pursuit["path_vs_baseline"] == pytest.approx(-0.1)
    assert pursuit["path_vs_baseline_ci95"] == pytest.approx([-0.1, -0.1])
    assert pursuit["path_ratio"] == pytest.approx(1.8) and pursuit["baseline"] == "hungarian"
    assert "path_vs_baseline" not in by_name["hungarian"]
    assert len(pairs) == 6 and {row["n"] for row in pairs} == {40}


def test_the_baseline_is_the_better_hungarian_or_the_one_named():
    rows = (
        episodes("hungarian", [3, 5]) + episodes("hungarian_lastseen", [4, 2]) + episodes("nearest", [9, 9])
    )
    assert {row.get("baseline") for row in summarise(rows, mean_ci95)[0]} == {None, "hungarian_lastseen"}
    named = summarise(rows, mean_ci95, "nearest")[0]
    assert {row.get("baseline") for row in named} == {None, "nearest"}


def test_only_episodes_that_all_have_met_are_compared():
    rows, pairs = summarise(episodes("hungarian", [10, 20, 30]) + episodes("full_comm", [5, 5]), mean_ci95)
    assert rows[0]["n"] == 3 and rows[0]["n_paired"] == 2
    assert rows[0]["path_ratio"] == pytest.approx(3.0)
    none, pairs = summarise(episodes("hungarian", [10]) + episodes("full_comm", [5], map="other"), mean_ci95)
    assert "path_ratio" not in none[0] and pairs == []


def test_resampling_is_seeded_and_failures_are_in():
    rows = episodes("hungarian", [10, 20, 35]) + episodes("pursuit", [11, 15, 50], success=False)
    one, other = (summarise(rows, mean_ci95)[0] for _ in range(2))
    assert one == other
    assert one[1]["success_rate"] == 0.0 and one[1]["path_length"] == pytest.approx(76 / 3)


# The bench.


def test_inner_parts_count_once():
    watch = Stopwatch()
    inner = watch.timed("inner", lambda: sum(range(300_000)))
    with watch.part("outer"):
        inner()
    assert watch.seconds["inner"] > 5 * watch.seconds["outer"] > 0


def test_bench_rows_add_up_and_leave_everything_as_it_was():
    from pilotfish.worlds.exploration import world

    before = world.scan
    rows = {row["case"]: row for row in decision_rows("hungarian", "small", GRID, 2, 1)}
    assert world.scan is before
    assert rows["world_decision"]["decision_us"] == rows["decision"]["decision_us"] > 0
    parts = [row for case, row in rows.items() if case.startswith("part: ")]
    assert sum(row["share"] for row in parts) == pytest.approx(1.0)
    assert all(rows[f"part: {part}"]["decision_us"] > 0 for part in PARTS)

"""Exploring teams of live nodes on loopback: every robot's own map gets whole, whatever fails on the way."""

import pytest

pytest.importorskip("rclpy")

from pilotfish.ros_nodes.live_exploration import LiveExploration
from pilotfish.worlds.render.coverage import Coverage
from pilotfish.worlds.render.exploration_recording import holds_exploration, load_exploration

WORLD = "gen:offices?size=80x120&seed=1"
"""8 m x 12 m."""
WHOLE = 0.99


@pytest.mark.parametrize("backend", ["grid", "pybullet"])
def test_three_robots_explore_a_building_and_it_is_recorded(tmp_path, backend):
    path = tmp_path / "team"
    arguments = {"radio": "mid", "backend": backend, "real_time_factor": 0, "record": path}
    with LiveExploration(WORLD, 3, **arguments) as team:
        seconds = team.explore(WHOLE, 90.0)
        print(f"{backend}: {seconds:.0f} s, {team.world}")
        assert int(team.world["overlaps"]) == 0
        if backend == "grid":  # PyBullet keeps up, too, but not where others use the processor
            assert float(team.world["recent_real_time_factor"]) > 1.0
    assert holds_exploration(path)
    trajectory = load_exploration(path)
    coverage, end = Coverage(trajectory), float(trajectory.times[-1])
    assert trajectory.n_robots == 3
    # The last seconds may be missing: maps are recorded now and then.
    assert all(coverage.share(robot, end) > 0.9 for robot in range(3))
    assert (trajectory.links > 0).any() and (trajectory.links <= 0).any()


def test_a_killed_explorer_comes_back_and_the_team_finishes():
    with LiveExploration(WORLD, 3, radio="mid", real_time_factor=0, processes=3) as team:
        victim = team.hosts[1]
        team.wait_for(lambda: max(team.known) > 0.5, 60.0, "half of the building")
        team.system.kill(victim)
        before = float(team.world["simulated_seconds"])
        team.wait_for(
            lambda: float(team.world["simulated_seconds"]) > before + 5.0, 30.0, "5 s of the team's time"
        )
        assert not team.system.running(victim)
        team.system.restart(victim)
        print(f"whole {team.explore(WHOLE, 90.0):.0f} s after the restart, {team.world}")
        assert int(team.world["overlaps"]) == 0


def test_maps_that_grew_apart_while_the_radio_was_cut_reconcile():
    with LiveExploration(WORLD, 3, radio="full", real_time_factor=0) as team:
        team.cut_radio(True)
        team.wait_for(lambda: team.radio.get("components") == "3", 10.0, "the links to be cut")

        def connected() -> list[str]:
            said = [team.status.explorers.get(f"robot_{robot}: explorer") for robot in range(team.robots)]
            return [values["connected"] for _, values in filter(None, said)]

        team.wait_for(lambda: connected() == ["[]"] * 3, 60.0, "the robots to notice")
        team.wait_for(lambda: max(team.known) > 0.6, 60.0, "somebody to explore alone")
        team.wait_for(lambda: max(team.known) - min(team.known) > 0.02, 30.0, "the maps to grow apart")
        team.cut_radio(False)
        team.wait_for(lambda: "[]" not in connected(), 30.0, "the robots to hear each other again")
        print(f"whole {team.explore(WHOLE, 90.0):.0f} s after the cut, {team.world}")
        known = team.known
        assert max(known) - min(known) < 0.01

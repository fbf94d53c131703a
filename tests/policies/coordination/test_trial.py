"""Whole agents, driving, under every fault; and the standoffs that they have to get out of."""

import numpy as np
import pytest

from pilotfish.policies.coordination.faults import FAULTS, Faults
from pilotfish.policies.coordination.trial import FleetTrial
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.maps.grid_map import GridMap


def grid(*rows: str) -> GridMap:
    return GridMap("test", np.array([[character == "#" for character in row] for row in rows]))


YARD = GridMap("yard", np.random.default_rng(3).random((10, 10)) < 0.15)


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_touches_and_goals_are_reached_under_every_fault(name, shortest_path):
    trial = FleetTrial(YARD, 10, shortest_path, seed=1, faults=FAULTS[name])
    result = trial.run(30.0)
    assert result.overlaps == 0
    assert result.double_claims == 0
    assert result.strays == 0
    assert result.goals >= 8


@pytest.mark.parametrize("policy", ["follow", "planner_pibt"])
def test_registered_policies_drive_the_fleet(policy):
    result = FleetTrial(YARD, 10, lambda: make_fleet_policy(policy), seed=2).run(30.0)
    assert (result.overlaps, result.double_claims) == (0, 0)
    assert result.goals >= 4


def test_the_same_seed_gives_the_same_trial(shortest_path):
    first, second = (FleetTrial(YARD, 6, shortest_path, seed=5, faults=FAULTS["all"]) for _ in range(2))
    first.run(15.0), second.run(15.0)
    assert np.array_equal(first.poses, second.poses)


def head_on(trial: FleetTrial, goals: list[list[int]], seconds: float) -> int:
    """Goals reached when two robots shuttle between given cells."""
    trial.goals = [goal[0] for goal in goals]
    trial.scenario.next_goal = lambda robot: goals[robot][trial.agents[robot].goals_reached % 2]
    for robot, agent in enumerate(trial.agents):
        agent.set_goal(trial.goals[robot])
    return trial.run(seconds).goals


def test_robots_that_meet_in_a_corridor_with_a_bay_pass_each_other():
    corridor = grid("...#...", ".......", "#######")
    trial = FleetTrial(corridor, 2, lambda: make_fleet_policy("planner_pibt"), seed=0)
    ends = [[7, 13], [13, 7]]
    assert head_on(trial, ends, 90.0) >= 4
    assert trial.world.overlaps() == 0


def test_a_circle_of_waiting_robots_with_one_free_cell_goes_on(shortest_path):
    ring = grid("...", ".#.", "...")
    result = FleetTrial(ring, 4, shortest_path, seed=0).run(60.0)
    assert result.goals >= 8
    assert result.overlaps == 0


def test_a_robot_whose_process_stays_dead_is_passed(shortest_path):
    for_ever = Faults("dead", every=5.0, down_for=1000.0, kill=True)
    trial = FleetTrial(YARD, 8, shortest_path, seed=3, faults=for_ever)
    trial._schedule = trial._schedule[:2]
    trial.run(15.0)
    before = trial.goals_reached
    trial.run(30.0)
    assert sum(agent is None for agent in trial.agents) in (1, 2)
    assert trial.goals_reached - before >= 5
    assert trial.world.overlaps() == 0


def test_a_robot_that_is_too_wide_for_the_cells_is_refused(shortest_path):
    fine = GridMap("fine", np.zeros((5, 5), dtype=bool), resolution=0.5)
    with pytest.raises(ValueError, match="does not fit in cells of 0.5 m"):
        FleetTrial(fine, 2, shortest_path, seed=0)

"""What one agent makes of inputs that are wrong."""

import numpy as np
import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.limits import STOP
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.coordination.agent import FleetAgent
from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.wire import ClaimMessage, Intent, encode
from pilotfish.worlds.maps.grid_map import GridMap

GRAPH = CellGraph(GridMap("hall", np.zeros((3, 7), dtype=bool)))
START, GOAL = 7, 13
TICK = 0.05


@pytest.fixture
def agent(shortest_path):
    """A robot that is driving to its goal; ``agent.now`` is the time."""
    agent = FleetAgent(0, GRAPH, get_robot("carrier"), shortest_path(), seed=0, epoch=1)
    agent.now = 100.0
    agent.set_goal(GOAL)
    for _ in range(80):
        agent.now += TICK
        see(agent, agent.now)
        agent.tick(agent.now)
    assert agent.tick(agent.now).velocity.forward > 0
    return agent


def see(agent, stamp, pose=True, others=True):
    if pose:
        agent.see_pose(Pose(*GRAPH.centre(START), 0.0), stamp, agent.now)
    if others:
        agent.see_others({}, stamp, agent.now)


@pytest.mark.parametrize("wrong", ["pose", "others"])
def test_stamps_from_the_future_do_not_keep_a_blind_robot_driving(agent, wrong):
    for _ in range(40):
        agent.now += TICK
        see(agent, agent.now + 1e6, **{"pose": False, "others": False, wrong: True})
        see(agent, agent.now, **{wrong: False})
        output = agent.tick(agent.now)
    assert agent.stale and output.velocity == STOP
    assert agent.future_stamps == 40
    agent.now += TICK
    see(agent, agent.now)
    agent.tick(agent.now)
    assert not agent.stale  # and the future has not shut out what is true


def test_a_clock_that_is_a_little_ahead_is_no_fault(agent):
    see(agent, agent.now + 0.3)
    assert agent.future_stamps == 0


def test_a_clock_that_is_set_back_stops_the_robot_until_its_time_has_come_again(agent):
    agent.now -= 10.0
    speeds = []
    for _ in range(400):
        agent.now += TICK
        see(agent, agent.now)
        speeds.append(agent.tick(agent.now).velocity.forward)
        if speeds[-1] == 0.0:
            break
    assert speeds == sorted(speeds, reverse=True) and speeds[-1] == 0.0
    assert agent.stale
    for _ in range(400):
        agent.now += TICK
        see(agent, agent.now)
        output = agent.tick(agent.now)
    assert output.velocity.forward > 0


@pytest.mark.parametrize(("cell", "goal"), [(8, 4_000_000_000), (4_000_000_000, 8)])
def test_a_message_with_an_intent_that_is_not_on_the_map_is_ignored(agent, cell, goal):
    intent = Intent(cell, goal, 1.0, (0.0,) * 5)
    agent.hear(encode(ClaimMessage(1, 1, 1, cells=(9,), intent=intent)), agent.now)
    assert agent.claims.heard_recently(agent.now, 10.0) == []
    intent = Intent(9, 8, 1.0, (0.0,) * 5)
    agent.hear(encode(ClaimMessage(1, 1, 2, cells=(9,), intent=intent)), agent.now)
    assert len(agent.claims.heard_recently(agent.now, 10.0)) == 1

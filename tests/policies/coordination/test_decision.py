import numpy as np

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.decision import Decider, Neighbour
from pilotfish.policies.coordination.wire import Intent
from pilotfish.policies.fleet import LEFT, RIGHT, STAY, Proposal
from pilotfish.worlds.maps.grid_map import GridMap

GRAPH = CellGraph(GridMap("row", np.zeros((3, 5), dtype=bool)))


class Recorder:
    """Keeps what it is asked; likes to go right, then left."""

    name = "recorder"

    def __init__(self, information: str) -> None:
        self.information = information

    def reset(self, grid, n_agents, seed):
        self.n_agents = n_agents

    def propose(self, observation):
        self.proposed = observation
        scores = np.array([[0.0, -np.inf, -np.inf, 1.0, 2.0]], dtype=np.float32)
        return Proposal(scores, np.array([3.0], dtype=np.float32))

    def resolve(self, observation, proposal):
        self.observation, self.proposal = observation, proposal
        return proposal.scores.argmax(axis=1).astype(np.int8)


def test_a_window_policy_sees_a_batch_of_one_with_everybody_in_its_window():
    policy = Recorder("window")
    decider = Decider(GRAPH, policy, robot=3, seed=0)
    action = decider.decide(7, 9, {0: GRAPH.centre(8), 5: GRAPH.centre(2)}, [], masked=[])
    assert action == RIGHT
    assert policy.n_agents == 1
    window = policy.observation.window
    assert window.shape == (1, 11, 11)
    assert window.sum() == 3
    assert window[0, 5, 5] == window[0, 5, 6] == window[0, 4, 5] == 1
    assert decider.intent is None


def test_actions_that_have_failed_are_not_repeated():
    decider = Decider(GRAPH, Recorder("window"), robot=3, seed=0)
    assert decider.decide(7, 9, {}, [], masked=[RIGHT]) == LEFT
    assert decider.decide(7, 9, {}, [], masked=[RIGHT, LEFT]) == STAY


def test_a_neighbours_policy_gets_a_row_for_each_neighbour_with_ties_by_index():
    policy = Recorder("neighbours")
    decider = Decider(GRAPH, policy, robot=3, seed=0)
    equal = Intent(8, 5, 3.0, (0.0, 1.0, 1.0, 1.0, 1.0))
    above = Intent(2, 0, 7.0, (0.0, 1.0, 1.0, 1.0, 1.0))
    neighbours = [Neighbour(1, 8, equal), Neighbour(4, 2, above), Neighbour(9, 12, None)]
    decider.decide(7, 9, {1: GRAPH.centre(8), 4: GRAPH.centre(2), 9: GRAPH.centre(12)}, neighbours, masked=[])
    assert policy.observation.cell.tolist() == [7, 8, 2, 12]
    assert policy.observation.goal.tolist() == [9, 5, 0, 12]
    priority = policy.proposal.priority
    # The silent one stays where it is; then priority 7; then, of the two with 3, robot 1 before robot 3.
    assert np.argsort(-priority).tolist() == [3, 2, 1, 0]
    assert policy.proposal.scores[3].tolist() == [0.0] + [-np.inf] * 4
    assert decider.intent == Intent(7, 9, 3.0, (0.0, -np.inf, -np.inf, 1.0, 2.0))


def test_two_neighbours_in_one_cell_are_old_news_and_become_one_row():
    policy = Recorder("neighbours")
    spoken = Intent(8, 5, 3.0, (0.0,) * 5)
    Decider(GRAPH, policy, 0, 0).decide(7, 9, {}, [Neighbour(1, 8, None), Neighbour(2, 8, spoken)], masked=[])
    assert policy.observation.goal.tolist() == [9, 5]

"""The rules of the claim protocol one by one; together, under faults, in test_claims_properties."""

import numpy as np
import pytest

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.claims import ClaimParameters, Claims, Perception
from pilotfish.worlds.maps.grid_map import GridMap

GRAPH = CellGraph(GridMap("hall", np.zeros((3, 7), dtype=bool)))  # cells 0..6, 7..13, 14..20
PARAMETERS = ClaimParameters(footprint=0.35, max_speed=1.0)
LEASE = PARAMETERS.lease


class Fleet:
    """Robots that stand where they are put, with a network that delivers when told to."""

    def __init__(self, *cells: int) -> None:
        self.xy = [GRAPH.centre(cell) for cell in cells]
        self.now = 0.0
        self.claims = [Claims(GRAPH, i, PARAMETERS, epoch=1) for i in range(len(cells))]
        self.messages = {}
        self.wait(LEASE + 0.1)

    def perception(self, i: int) -> Perception:
        others = {k: xy for k, xy in enumerate(self.xy) if k != i}
        return Perception(self.xy[i], self.now, others, self.now)

    def tick(self, i: int) -> None:
        self.messages[i] = self.claims[i].tick(self.now, self.perception(i))

    def tell(self, sender: int, *receivers: int) -> None:
        for receiver in receivers:
            self.claims[receiver].receive(self.messages[sender], self.now)

    def wait(self, seconds: float, silent: tuple[int, ...] = ()) -> None:
        """Everybody ticks and hears everybody, but for the silent."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.1
            alive = [i for i in range(len(self.claims)) if i not in silent]
            for i in alive:
                self.tick(i)
            for i in alive:
                self.tell(i, *(k for k in alive if k != i))


def test_a_robot_alone_takes_what_it_asks_for():
    fleet = Fleet(7)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(0.2)
    assert fleet.claims[0].chain == [7, 8]
    assert fleet.claims[0].pending is None


def test_nothing_is_taken_without_the_grant_of_a_neighbour():
    fleet = Fleet(7, 9)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(1.0, silent=(1,))
    assert fleet.claims[0].chain == [7]
    assert fleet.claims[0].pending.waiting_for == (1,)
    fleet.wait(0.3)
    assert fleet.claims[0].chain == [7, 8]


def test_a_far_robot_is_not_asked():
    fleet = Fleet(7, 13)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(0.3, silent=(1,))
    assert fleet.claims[0].chain == [7, 8]


def test_of_two_that_ask_at_once_the_lower_index_wins():
    fleet = Fleet(9, 7)
    for claims in fleet.claims:
        claims.request(8, fleet.now)
    fleet.wait(0.5)
    assert fleet.claims[0].chain == [9, 8]
    assert fleet.claims[1].chain == [7]


def test_who_was_promised_first_wins_against_a_lower_index():
    fleet = Fleet(9, 7)
    fleet.claims[1].request(8, fleet.now)
    fleet.tick(1), fleet.tick(1)
    fleet.tell(1, 0)  # robot 0 promises here
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(0.5)
    assert fleet.claims[1].chain == [7, 8]
    assert fleet.claims[0].chain == [9]


def test_a_holder_refuses_until_its_footprint_has_left():
    fleet = Fleet(8, 7)
    fleet.claims[0].request(9, fleet.now)
    fleet.wait(0.3)
    fleet.claims[1].request(8, fleet.now)
    fleet.wait(0.5)
    assert fleet.claims[1].chain == [7]
    fleet.xy[0] = GRAPH.centre(9)
    fleet.wait(0.5)
    assert fleet.claims[0].chain == [9]
    assert fleet.claims[1].chain == [7, 8]


def test_a_cell_with_a_footprint_in_it_is_never_taken():
    fleet = Fleet(7, 9)
    fleet.xy[1] = (GRAPH.centre(8)[0] + 0.8, GRAPH.centre(8)[1])  # over the edge into cell 8
    fleet.wait(PARAMETERS.dead_after + 1.0, silent=(1,))
    assert fleet.claims[0].is_dead(1, fleet.now)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(1.0, silent=(1,))
    assert fleet.claims[0].chain == [7]


def test_a_dead_robot_is_driven_around():
    fleet = Fleet(7, 9)
    fleet.wait(PARAMETERS.dead_after + 0.5, silent=(1,))
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(0.3, silent=(1,))
    assert fleet.claims[0].chain == [7, 8]


def test_a_silent_robot_that_moves_is_not_dead():
    fleet = Fleet(7, 9)
    for _ in range(10):
        fleet.wait(1.0, silent=(1,))
        fleet.xy[1] = (fleet.xy[1][0] + 0.06, fleet.xy[1][1])
    assert not fleet.claims[0].is_dead(1, fleet.now)


def test_a_restarted_robot_waits_one_lease_and_keeps_what_it_touches():
    fleet = Fleet(7, 9)
    fleet.claims[0] = Claims(GRAPH, 0, PARAMETERS, epoch=2)
    fleet.wait(LEASE - 0.3)
    assert not fleet.claims[0].ready(fleet.now)
    with pytest.raises(ValueError, match="may not claim"):
        fleet.claims[0].request(8, fleet.now)
    assert fleet.claims[0].holds(7)
    fleet.wait(0.5)
    assert fleet.claims[0].ready(fleet.now)


def test_a_frozen_robot_gives_back_what_it_does_not_touch():
    fleet = Fleet(7, 14)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(0.3)
    fleet.now += PARAMETERS.stall_after + 0.1
    fleet.tick(0)
    assert fleet.claims[0].chain == [7]
    assert fleet.claims[0].stalls == 1


def test_cells_that_are_not_used_are_given_back():
    fleet = Fleet(7)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(PARAMETERS.use_within + 0.5)
    assert fleet.claims[0].chain == [7]


def test_old_poses_are_no_ground_to_take_a_cell():
    fleet = Fleet(7)
    claims = fleet.claims[0]
    claims.request(8, fleet.now)
    stale = Perception(fleet.xy[0], fleet.now, {}, fleet.now - PARAMETERS.pose_timeout - 0.3)
    for _ in range(5):
        fleet.now += 0.1
        claims.tick(fleet.now, stale)
    assert claims.chain == [7]


def test_a_request_ends_with_its_lease():
    fleet = Fleet(7, 9)
    fleet.claims[0].request(8, fleet.now)
    fleet.wait(LEASE + 0.3, silent=(1,))
    assert fleet.claims[0].pending is None


def test_stale_and_repeated_messages_change_nothing():
    fleet = Fleet(7, 9)
    old = fleet.messages[1]
    fleet.wait(0.2)
    assert not fleet.claims[0].receive(old, fleet.now)
    assert not fleet.claims[0].receive(fleet.messages[1], fleet.now)


def test_messages_about_cells_that_the_map_has_not_are_refused():
    fleet = Fleet(7, 9)
    message = fleet.messages[1]._replace(sequence=10**6, cells=(10**6,))
    assert not fleet.claims[0].receive(message, fleet.now)


def test_wrong_requests_say_what_is_wrong():
    fleet = Fleet(7)
    with pytest.raises(ValueError, match="cell 10 is not a free neighbour of 7"):
        fleet.claims[0].request(10, fleet.now)
    for cell in (8, 9):
        fleet.claims[0].request(cell, fleet.now)
        fleet.wait(0.3)
    with pytest.raises(ValueError, match="at most 3 cells"):
        fleet.claims[0].request(10, fleet.now)


def test_times_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="raise dead_after"):
        ClaimParameters(footprint=0.35, max_speed=1.0, dead_after=1.0)

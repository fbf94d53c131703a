"""An explorer between its choices."""

import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import OCCUPIED
from pilotfish.policies.exploration.explorer import STAY, TargetPolicy
from pilotfish.policies.exploration.frontiers import find_frontiers
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.situation import Situation
from pilotfish.worlds.exploration.sensor import ray_table, scan


def hall() -> np.ndarray:
    """200 px long, with a side room behind a door half-way."""
    walls = np.ones((120, 200), bool)
    walls[8:48, 8:192] = walls[52:112, 60:140] = False
    walls[48:52, 92:108] = False
    return walls


class Furthest(TargetPolicy):
    """Goes to the furthest frontier, or stays; counts its choices."""

    def __init__(self, every: int, stays: bool = False) -> None:
        super().__init__("furthest", every)
        self.stays, self.choices = stays, 0

    def choose(self, situation: Situation) -> int:
        self.choices += 1
        if self.stays or not len(situation.frontiers):
            return STAY
        return int(situation.frontiers.block[situation.distance.argmax()])


class Robot:
    """One in the hall, beside another that is out of reach at first."""

    def __init__(self, policy: TargetPolicy, col: int = 14) -> None:
        self.walls, self.policy = hall(), policy
        self.belief = TeamBelief(0, 2, self.walls.shape)
        self.place, self.now = np.array([28.0, col]), 0.0
        self.see(self.place)
        policy.reset(self.belief, 0)

    def see(self, place: np.ndarray) -> None:
        """A scan from a place, and the robot's own."""
        belief = self.belief
        row, col = (int(v) for v in np.rint(place))
        scan(self.walls, *ray_table(), row, col, belief.pixels, belief.known, belief.free[0], belief.changed)
        belief.report(self.place, self.now, self.now)

    def act(self) -> np.ndarray:
        self.now += 1.0
        self.belief.report(self.place, self.now, self.now)
        return self.policy.act()


@pytest.mark.parametrize("stays", [False, True])
@pytest.mark.parametrize("every", [1, 3, 4])
def test_it_chooses_every_few_calls(every, stays):
    robot = Robot(Furthest(every, stays))
    ways, chosen = [], []
    for _ in range(9):
        ways.append(robot.act())
        chosen.append(robot.policy.choices)
    assert chosen == [1 + call // every for call in range(9)]
    assert all((len(way) == 0) == stays for way in ways)


def test_it_drives_on_from_where_it_is():
    robot = Robot(Furthest(4))
    goal = robot.act()[-1]
    for col in (24.0, 33.5, 41.0):
        robot.place = np.array([30.0, col])
        way = robot.act()
        np.testing.assert_array_equal(way[-1], goal)
        start = way[0] if len(way) > 1 else goal
        assert start[1] > col
    assert robot.policy.choices == 1
    np.testing.assert_array_equal(robot.belief.target[0], goal)


def test_it_chooses_anew_when_nothing_is_left_to_see_there():
    robot = Robot(Furthest(1000))
    goal = robot.act()[-1]
    robot.act()
    assert robot.policy.choices == 1
    robot.see(np.array([28.0, 180.0]))  # what another one has seen
    robot.see(np.array([28.0, 100.0]))
    assert robot.act()[-1].tolist() != goal.tolist()
    assert robot.policy.choices == 2


def test_it_chooses_anew_when_it_is_there():
    robot = Robot(Furthest(1000))
    robot.place = robot.act()[-1].astype(float)
    robot.act()
    assert robot.policy.choices == 2


def test_it_chooses_anew_when_nothing_leads_there_any_more():
    robot = Robot(Furthest(1000))
    robot.act()
    robot.belief.pixels[:, 40:44] = OCCUPIED  # a door has been shut
    robot.belief.changed[:] = True
    robot.act()
    assert robot.policy.choices == 2


def test_it_chooses_anew_when_others_come_into_reach_or_leave_it():
    robot = Robot(Furthest(1000, stays=True))
    robot.act()
    for choices, reached in ((1, False), (2, True), (2, True), (3, False)):
        robot.belief.connected[1] = reached
        robot.act()
        assert robot.policy.choices == choices


def test_a_new_episode_begins_with_a_choice():
    robot = Robot(Furthest(1000))
    robot.act()
    robot.policy.reset(robot.belief, 1)
    robot.act()
    assert robot.policy.choices == 2


def test_the_way_to_one_block_is_the_one_of_the_whole_field():
    robot = Robot(Furthest(1))
    for col in (60, 100, 140):
        robot.see(np.array([28.0, col]))
    robot.see(np.array([80.0, 100.0]))
    navigation = Navigation(robot.belief)
    navigation.update()
    start = navigation.block_at(robot.place)
    field = navigation.field(start)
    blocks = np.flatnonzero(field < 10**6)
    assert len(blocks) > 500
    for block in blocks[:: len(blocks) // 40].tolist():
        way = navigation.way(robot.place, block)
        if block == start:
            assert not len(way)
        else:
            np.testing.assert_array_equal(way, navigation.path(robot.place, field, block))
    assert not len(navigation.way(robot.place, 0)), "nothing leads into a wall"


def test_a_cluster_is_known_by_the_block_that_one_goes_to():
    robot = Robot(Furthest(1))
    navigation = Navigation(robot.belief)
    navigation.update()
    frontiers = find_frontiers(navigation, navigation.field(navigation.block_at(robot.place)))
    assert len(frontiers) > 1
    shared = np.concatenate([frontiers.members_of(block) for block in frontiers.block.tolist()])
    np.testing.assert_array_equal(shared, frontiers.members)
    assert all(block in frontiers.members_of(block) for block in frontiers.block.tolist())
    assert navigation.is_frontier(frontiers.members).all()
    assert not len(frontiers.members_of(STAY))

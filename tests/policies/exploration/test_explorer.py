"""An explorer that drives on to its last target."""

import numpy as np

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import OCCUPIED
from pilotfish.policies.exploration.explorer import STAY, TargetPolicy
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

    def __init__(self, stays: bool = False) -> None:
        super().__init__("furthest")
        self.stays, self.choices = stays, 0

    def choose(self, situation: Situation) -> int:
        self.choices += 1
        if self.stays or not len(situation.frontiers):
            return STAY
        return int(situation.frontiers.block[situation.distance.argmax()])


class Robot:
    """One in the hall."""

    def __init__(self, policy: TargetPolicy) -> None:
        self.walls, self.policy = hall(), policy
        self.belief = TeamBelief(0, 1, self.walls.shape)
        self.place = np.array([28.0, 14.0])
        self.see(self.place)
        policy.reset(self.belief, 0)

    def see(self, place: np.ndarray) -> None:
        """Add what a laser at a place sees to the belief, and note where the robot is."""
        belief = self.belief
        row, col = (int(v) for v in np.rint(place))
        scan(self.walls, *ray_table(), row, col, belief.pixels, belief.known, belief.free[0], belief.changed)
        belief.report(self.place, 0.0, 0.0)


def test_it_drives_on_from_where_it_is():
    robot = Robot(Furthest())
    goal = robot.policy.act()[-1]
    for col in (24.0, 33.5, 41.0):
        robot.place = np.array([30.0, col])
        robot.see(robot.place)
        way = robot.policy.way_on()
        np.testing.assert_array_equal(way[-1], goal)
        assert way[0][1] > col
    assert robot.policy.choices == 1
    np.testing.assert_array_equal(robot.belief.target[0], goal)


def test_it_stays_where_it_was_to_stay():
    robot = Robot(Furthest(stays=True))
    assert not len(robot.policy.act()) and not len(robot.policy.way_on())


def test_there_is_no_way_on_when_nothing_leads_there_any_more():
    robot = Robot(Furthest())
    robot.policy.act()
    robot.belief.pixels[:, 40:44] = OCCUPIED  # a door has been shut
    robot.belief.changed[:] = True
    assert not len(robot.policy.way_on())


def test_the_way_to_one_block_is_the_one_of_the_whole_field():
    robot = Robot(Furthest())
    for col in (60, 100, 140):
        robot.see(np.array([28.0, col]))
    robot.see(np.array([80.0, 100.0]))
    navigation = Navigation(robot.belief)
    navigation.update()
    field = navigation.field(navigation.block_at(robot.place))
    blocks = np.flatnonzero(field < 10**6)
    assert len(blocks) > 500
    for block in blocks[:: len(blocks) // 40].tolist():
        way = navigation.path(robot.place, field, block)
        assert len(way)
        np.testing.assert_array_equal(navigation.way(robot.place, block), way)
    assert not len(navigation.way(robot.place, 0)), "nothing leads into a wall"

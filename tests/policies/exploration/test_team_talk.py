import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.hardware.lidar import LidarSpec
from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.mapping import MapFrame, OccupancyMap, Window
from pilotfish.policies.exploration.team_map import LIVES, TeamMap
from pilotfish.policies.exploration.team_talk import TalkParameters, TeamTalk
from pilotfish.policies.exploration.wire import Beacon, Report, Source, Tiles, encode
from pilotfish.policies.registry import make_exploration_policy

FRAME = MapFrame(0.1, (0.0, 0.0), 96, 128)
ALL = Window(0, 0, 96, 128)


class Robot:
    """Somebody who talks, and sees what the test says."""

    def __init__(self, robot: int, robots: int, epoch: int = 1, **parameters) -> None:
        self.belief = TeamBelief(robot, robots, FRAME.shape)
        self.own = OccupancyMap(FRAME, LidarSpec())
        self.map = TeamMap(self.belief, self.own, Source(robot, epoch))
        self.talk = TeamTalk(self.map, TalkParameters(**parameters), pace=10.0)

    def sees(self, rows: slice, cols: slice, value: int | np.ndarray = FREE) -> None:
        self.own.log_odds[rows, cols] = np.where(np.equal(value, FREE), -30, 30)
        self.own.threshold(ALL)
        self.map.apply_own(ALL)


class Air:
    """Carries what robots say, late, twice or not at all."""

    def __init__(self, team, link=lambda a, b, now: True, loss=0.0, delay=0.0, seed=0) -> None:
        self.team, self.link, self.loss, self.delay = team, link, loss, delay
        self.rng = np.random.default_rng(seed)
        self.now, self.flying = 10.0, []

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.1
            for item in [item for item in self.flying if item[0] <= self.now]:
                self.flying.remove(item)
                self.team[item[1]].talk.hear(item[2], self.now)
            for a, robot in enumerate(self.team):
                robot.talk.look(self.now)
                robot.belief.report(np.array([a, a]), robot.talk.time(self.now), 0.0)
                for frame in robot.talk.speak(self.now):
                    for b in range(len(self.team)):
                        copies = 1 + (self.rng.random() < 0.1) if self.rng.random() >= self.loss else 0
                        if a != b and self.link(a, b, self.now):
                            due = self.now + self.rng.random() * self.delay
                            self.flying += [(due, b, frame)] * copies


def paint(robots, seed=0):
    """Everybody sees some rectangles of one true map, so that nobody contradicts anybody."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 3, FRAME.shape)
    for robot in robots:
        for _ in range(3):
            row, col = rng.integers(0, 64), rng.integers(0, 96)
            piece = slice(row, row + 30), slice(col, col + 30)
            robot.own.log_odds[piece] = np.where(truth[piece] == FREE, -30, 30)
        robot.own.threshold(ALL)
        robot.map.apply_own(ALL)
    return truth


@pytest.mark.parametrize(("loss", "delay"), [(0.0, 0.0), (0.3, 0.0), (0.3, 0.8), (0.6, 0.3)])
def test_maps_become_equal_over_links_that_lose_and_delay(loss, delay, check_counts):
    team = [Robot(i, 3, tiles_per_message=2) for i in range(3)]
    truth = paint(team)
    air = Air(team, loss=loss, delay=delay)
    air.run(40.0)
    first = team[0].belief
    assert (first.pixels != UNKNOWN).sum() > 4000
    for robot in team:
        assert np.array_equal(robot.belief.pixels, first.pixels)
        known = robot.belief.pixels != UNKNOWN
        assert np.array_equal(robot.belief.pixels[known], truth[known])
        check_counts(robot.belief)
        assert robot.belief.surplus().tolist() == [0, 0, 0]
        assert not robot.talk.refused


def test_after_a_cut_maps_are_reconciled_and_nothing_leaks_meanwhile():
    team = [Robot(i, 2) for i in range(2)]
    truth = paint(team)
    cut = [False]
    air = Air(team, link=lambda a, b, now: not cut[0])
    air.run(5.0)
    together = team[1].belief.pixels.copy()
    cut[0] = True
    team[0].sees(slice(0, 40), slice(60, 128), truth[0:40, 60:128])
    air.run(5.0)
    assert np.array_equal(team[1].belief.pixels, together)
    assert team[0].belief.connected.tolist() == [True, False]
    surplus = team[0].belief.surplus()[1]
    learned = ((team[0].belief.pixels == FREE) & (together != FREE)).sum()
    assert learned > 0
    assert surplus == pytest.approx(learned, rel=0.02)
    cut[0] = False
    air.run(5.0)
    assert np.array_equal(team[0].belief.pixels, team[1].belief.pixels)
    assert team[0].belief.connected.all()
    assert team[0].belief.surplus()[1] == 0


@pytest.mark.parametrize("lost", [False, True])
def test_old_pieces_come_across_while_the_map_goes_on_changing(lost):
    """A third robot joins, or messages are lost, while the first one sees something new each second."""
    team = [Robot(i, 3) for i in range(3)]
    joined = [lost]
    air = Air(team, link=lambda a, b, now: {a, b} == {0, 1} or (joined[0] and {a, b} == {0, 2}))
    air.run(3.0)
    if lost:
        joined[0] = False
    team[0].sees(slice(0, 90), slice(0, 60))
    air.run(1.1 if lost else 5.0)
    joined[0] = True
    for second in range(6):
        team[0].sees(slice(95, 96), slice(3 * second, 3 * second + 1))
        air.run(1.0)
    air.run(0.5)
    for robot in team:
        assert np.array_equal(robot.belief.pixels, team[0].belief.pixels)
        assert robot.map.layers[team[0].talk.source].have == team[0].map.shared.have


def test_what_is_told_is_told_once_where_nothing_is_lost():
    team = [Robot(i, 2) for i in range(2)]
    air = Air(team)
    told = []
    next_tiles = team[0].talk._next_tiles
    team[0].talk._next_tiles = lambda *args: told.append(next_tiles(*args)) or told[-1]
    for second in range(20):
        team[0].sees(slice(second, second + 1), slice(0, 60))
        air.run(1.0)
    tiles = sum(len(message.tile) for message in told)
    assert tiles == team[0].map.shared.have, "each version of a tile once"


def test_own_evidence_wins_and_nobody_quarrels_over_it():
    team = [Robot(i, 3) for i in range(3)]
    team[0].sees(slice(0, 8), slice(0, 8), FREE)
    team[1].sees(slice(4, 12), slice(4, 12), OCCUPIED)
    air = Air(team)
    air.run(5.0)
    sent = [robot.talk.bytes_sent for robot in team]
    assert team[0].belief.pixels[5, 5] == FREE
    assert team[1].belief.pixels[5, 5] == OCCUPIED
    versions = [robot.map.shared.have for robot in team]
    air.run(30.0)
    assert [robot.map.shared.have for robot in team] == versions
    beacons = 61 * 400
    assert all(robot.talk.bytes_sent - before < beacons for robot, before in zip(team, sent, strict=True))


def test_a_robot_whose_clock_is_behind_that_of_its_former_life_is_believed():
    team = [Robot(0, 2, epoch=1000), Robot(1, 2)]
    air = Air(team)
    air.run(5.0)
    team[0] = Robot(0, 2, epoch=900)
    team[0].sees(slice(0, 30), slice(0, 30))
    air.run(5.0)
    assert team[0].talk.source.epoch > 1000
    assert team[1].belief.connected.all()
    assert np.array_equal(team[1].belief.pixels, team[0].belief.pixels)
    refused = team[1].talk.refused["old"]
    air.run(20.0)
    assert team[1].talk.refused["old"] == refused


def test_two_robots_of_one_number_do_not_outlive_each_other_for_ever():
    team = [Robot(0, 3, epoch=1000), Robot(1, 3), Robot(0, 3, epoch=900)]
    team[0].sees(slice(0, 30), slice(0, 30))
    team[2].sees(slice(40, 60), slice(0, 30))
    air = Air(team)
    air.run(20.0)
    assert team[2].talk.refused["own_number"] > 0
    lives = [team[0].talk.source, team[2].talk.source]
    air.run(20.0)
    assert [team[0].talk.source, team[2].talk.source] == lives
    assert all(source.epoch < 1010 for source in lives)


def test_the_newest_of_what_others_tell_wins():
    team = [Robot(i, 3) for i in range(3)]
    air = Air(team)
    team[0].sees(slice(0, 8), slice(0, 8), OCCUPIED)
    air.run(4.0)
    team[1].sees(slice(0, 8), slice(0, 8), FREE)
    air.run(4.0)
    assert (team[2].belief.pixels[:8, :8] == FREE).all()


def test_a_chain_of_robots_passes_maps_and_reports_on():
    team = [Robot(i, 4) for i in range(4)]
    paint(team)
    air = Air(team, link=lambda a, b, now: abs(a - b) == 1)
    air.run(15.0)
    for robot in team:
        assert np.array_equal(robot.belief.pixels, team[0].belief.pixels)
        assert robot.belief.connected.all()
        assert robot.belief.position[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0]
        assert robot.belief.surplus().tolist() == [0, 0, 0, 0]
    air.link = lambda a, b, now: abs(a - b) == 1 and {a, b} != {1, 2}
    air.run(8.0)
    assert team[0].belief.connected.tolist() == [True, True, False, False]
    assert team[3].belief.connected.tolist() == [False, False, True, True]


def test_what_a_third_robot_knows_is_passed_on():
    team = [Robot(i, 3) for i in range(3)]
    together = [{0, 2}]
    air = Air(team, link=lambda a, b, now: {a, b} == together[0])
    team[2].sees(slice(0, 32), slice(0, 32))
    air.run(5.0)
    together[0] = {0, 1}
    team[0].sees(slice(40, 60), slice(0, 20))
    air.run(5.0)
    # Robot 1 has never met robot 2, and knows what it lacks: what robot 0 has seen since.
    assert team[1].belief.surplus().tolist() == [0, 0, 400]
    assert team[1].belief.position[2].tolist() == [2.0, 2.0]


def test_a_robot_that_begins_anew_gets_its_map_back():
    team = [Robot(i, 2) for i in range(2)]
    paint(team)
    air = Air(team)
    air.run(6.0)
    before = team[0].belief.pixels.copy()
    team[0] = Robot(0, 2, epoch=2)
    team[0].sees(slice(90, 96), slice(120, 128))
    before[90:96, 120:128] = FREE
    air.run(0.6)
    assert team[1].belief.surplus()[0] > 0
    air.run(6.0)
    assert np.array_equal(team[0].belief.pixels, before)
    assert np.array_equal(team[1].belief.pixels != UNKNOWN, before != UNKNOWN)
    assert not team[0].talk.refused


def test_lives_are_bounded():
    robot = Robot(0, 2)
    for epoch in range(1, 20):
        piece = Tiles(
            Source(1, epoch), 1, Source(1, epoch), 0, 1,
            np.array([0]), np.array([1]), np.zeros(1), np.ones((1, 32, 32), np.uint8),
        )  # fmt: skip
        robot.talk.hear(encode(piece, robot.talk.geometry), 1.0)
    assert len(robot.map.layers) == 1 + LIVES
    late = piece._replace(sender=Source(1, 19), source=Source(1, 1))
    robot.talk.hear(encode(late, robot.talk.geometry), 1.0)
    assert robot.talk.refused["garbage"] == 1


def test_the_budget_is_kept():
    team = [Robot(i, 2, bytes_per_second=500.0) for i in range(2)]
    rng = np.random.default_rng(0)
    team[0].own.log_odds[:] = rng.choice([-30, 30], FRAME.shape)
    team[0].own.threshold(ALL)
    air = Air(team)
    air.run(10.0)
    assert team[0].talk.bytes_sent < 10 * 500 + 3500 + 21 * 200
    assert team[0].talk.bytes_last_minute(air.now) == team[0].talk.bytes_sent
    air.run(60.0)
    assert (team[1].belief.pixels != UNKNOWN).all()


def test_messages_of_strangers_are_counted_and_dropped():
    robot = Robot(1, 2)
    geometry = robot.talk.geometry
    empty = Beacon(Source(0, 1), 1, 0.0, 0.0, ())
    for message, frame, reason in (
        (empty, geometry + 1, "geometry"),
        (empty._replace(source=Source(1, 7)), geometry, "own_number"),
        (empty._replace(source=Source(2, 1)), geometry, "stranger"),
    ):
        robot.talk.hear(encode(message, frame), 1.0)
        assert robot.talk.refused == {reason: 1}
        robot.talk.refused.clear()
    robot.talk.hear(encode(empty._replace(source=Source(1, 1)), geometry), 1.0)
    assert not robot.talk.refused  # its own echo
    robot.talk.look(1.0)
    assert robot.belief.connected.tolist() == [False, True]


def test_messages_of_a_former_life_are_dropped():
    robot = Robot(1, 2)
    for epoch in (5, 4):
        report = Report(Source(0, epoch), 1, 0.0, (epoch, epoch), (0.0, 0.0), 0.0, 0, {})
        beacon = Beacon(Source(0, epoch), 1, 0.0, 0.0, (report,))
        robot.talk.hear(encode(beacon, robot.talk.geometry), 1.0)
    assert robot.talk.refused == {"old": 1}
    assert robot.belief.position[0].tolist() == [5.0, 5.0]


numbers = st.floats(-1e5, 1e5, width=32) | st.just(math.nan)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 31), st.integers(0, 3), numbers, st.integers(0, 2**32 - 1))), st.data()
)
def test_whatever_a_peer_says_is_survived(said, data):
    robot = Robot(1, 3)
    robot.sees(slice(0, 60), slice(0, 60))
    robot.talk.look(0.5)
    robot.belief.report(np.array([30.0, 30.0]), robot.talk.time(0.5), 0.0)
    policy = make_exploration_policy("territory")
    policy.reset(robot.belief, 0)
    for sender, epoch, number, count in said:
        source = Source(sender, epoch)
        place = (number, number)
        way = abs(np.nan_to_num(number))
        stamp = data.draw(st.sampled_from([-1e300, 0.0, 0.6, 1e300]))
        reports = [
            Report(Source(other, epoch), count, stamp, place, place, way, count, {source: count})
            for other in range(data.draw(st.integers(0, 4)))
        ]
        n = data.draw(st.integers(0, 3))
        upto = max(count, 1)
        tile = np.full(n, data.draw(st.integers(0, 2**16 - 1)))
        pixels = np.full((n, 32, 32), data.draw(st.integers(0, 2)), np.uint8)
        stamps = np.full(n, np.nan_to_num(number))
        beacon = Beacon(source, count, 0.0, np.nan_to_num(number), tuple(reports))
        piece = Tiles(source, count, source, upto - 1, upto, tile, np.full(n, upto), stamps, pixels)
        for message in (beacon, piece):
            robot.talk.hear(encode(message, robot.talk.geometry), 1.0)
        robot.talk.look(1.0)
        robot.belief.report(np.array([30.0, 30.0]), robot.talk.time(1.0), 1.0)
        robot.belief.doubt()
        robot.talk.speak(1.0)
        assert np.isfinite(policy.act()).all()
    blocks = robot.belief.pixels.reshape(24, 4, 32, 4)
    assert np.array_equal((blocks != UNKNOWN).sum(axis=(1, 3)), robot.belief.known)
    assert np.array_equal((blocks == FREE).sum(axis=(1, 3)), robot.belief.free[1])
    assert (robot.belief.pixels[:60, :60] == FREE).all()


@pytest.mark.parametrize(("name", "value"), [("beacon_period", 0.0), ("link_timeout", math.nan)])
def test_parameters_that_cannot_be_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive, got {value}"):
        TalkParameters(**{name: value})

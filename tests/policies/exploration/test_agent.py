import math

import numpy as np
import pytest

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import Scan
from pilotfish.hardware.limits import STOP
from pilotfish.policies.exploration.agent_parameters import ExplorerParameters
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.team_talk import TalkParameters
from pilotfish.policies.exploration.wire import Beacon, Source, encode


def test_a_team_explores_a_flat_and_says_so(make_team, check_counts):
    team = make_team(3)
    assert team.run(90.0, until=lambda: min(team.known(i) for i in range(3)) >= 0.99)
    assert team.world.overlaps() == 0
    assert team.run(30.0, until=lambda: all(agent.done for agent in team.agents))
    for agent in team.agents:
        check_counts(agent.belief)
        assert not agent.talk.refused
        assert not +agent.dropped
        assert np.array_equal(agent.belief.pixels != UNKNOWN, team.agents[0].belief.pixels != UNKNOWN)
    assert max(agent.talk.bytes_last_minute(team.now) for agent in team.agents) < 100_000


@pytest.mark.parametrize("policy", ["nearest", "greedy", "rendezvous", "pursuit"])
def test_every_planner_leads_a_robot(make_team, policy):
    team = make_team(1, policy)
    assert team.run(120.0, until=lambda: team.known(0) >= 0.99)


def test_maps_agree_over_a_radio_that_loses_and_delays(make_team):
    rng = np.random.default_rng(0)
    team = make_team(2, link=lambda a, b: rng.random() > 0.3)
    team.delay = lambda: 0.6 * rng.random()
    assert team.run(120.0, until=lambda: min(team.known(i) for i in range(2)) >= 0.99)
    team.run(6.0)
    first, second = (agent.belief.pixels for agent in team.agents)
    assert np.array_equal(first != UNKNOWN, second != UNKNOWN)


def test_what_one_sees_after_a_cut_stays_its_own_until_they_meet(make_team):
    team = make_team(2)
    team.run(3.0)
    team.link = lambda a, b: False
    team.run(1.0)
    alone = team.agents[1].team_map
    told = [layer.pixels.copy() for layer in alone.layers.values() if layer is not alone.shared]
    team.run(15.0)
    assert not team.agents[0].belief.connected[1]
    now = [layer.pixels for layer in alone.layers.values() if layer is not alone.shared]
    assert all(np.array_equal(a, b) for a, b in zip(told, now, strict=True))
    team.link = lambda a, b: True
    team.run(6.0)
    first, second = (agent.belief.pixels for agent in team.agents)
    assert np.mean((first != UNKNOWN) == (second != UNKNOWN)) > 0.99
    assert team.agents[0].belief.surplus()[1] < 200


def test_a_killed_robot_gets_the_map_back_and_goes_on(make_team):
    team = make_team(2)
    team.run(12.0)
    before = team.known(0)
    team.agents[0] = team.make(0, epoch=2)
    assert team.known(0) == 0.0
    # What it saw in its last second nobody has heard of.
    assert team.run(4.0, until=lambda: team.known(0) >= 0.9 * before)
    assert team.run(120.0, until=lambda: min(team.known(i) for i in range(2)) >= 0.99)


def test_alone_it_remembers_from_its_file(make_team, tmp_path):
    team = make_team(1)
    team.run(8.0)
    team.agents[0].save(tmp_path / "map.npz")
    before, home = team.known(0), team.agents[0].belief.home.tolist()
    team.agents[0] = team.make(0, epoch=2)
    team.agents[0].remember(tmp_path / "map.npz")
    assert team.known(0) == before
    team.run(0.5)
    assert team.agents[0].belief.home.tolist() == home, "where it began, not where it was started again"
    assert team.run(120.0, until=lambda: team.known(0) >= 0.99)


@pytest.mark.parametrize("silent", ["odometry", "scan"])
def test_it_stops_when_an_input_falls_silent(make_team, silent):
    team = make_team(1)
    assert team.run(10.0, until=lambda: team.wheels[0].sent.forward > 0.5)
    agent = team.agents[0]
    laser, ranges = team.world.laser, team.world.scan()[0]
    for _ in range(40):
        team.now += 0.05
        if silent == "scan":
            agent.see_odometry(Pose(*team.poses[0]), team.now, team.now)
        else:
            agent.see_scan(
                Scan(ranges, float(laser.angles[0]), laser.increment, 0.02, 8.0, team.now), team.now
            )
        output = agent.tick(team.now)
    assert agent.stale
    assert output.velocity == STOP


def test_a_clock_that_is_set_back_stops_it_and_it_goes_on_by_the_new_time(make_team):
    team = make_team(2)
    assert team.run(10.0, until=lambda: min(wheels.sent.forward for wheels in team.wheels) > 0.5)
    team.now -= 30.0
    team.air.clear()
    known = team.known(0)
    for _ in range(3):
        team.step()
    speeds = [team.wheels[0].sent.forward]
    for _ in range(3):
        team.step()
        speeds.append(team.wheels[0].sent.forward)
    assert speeds == sorted(speeds, reverse=True) and speeds[-1] < speeds[0]
    assert team.run(5.0, until=lambda: team.wheels[0].sent.forward > 0.5), "it drives again"
    assert not team.agents[0].stale
    assert team.run(120.0, until=lambda: min(team.known(i) for i in range(2)) >= 0.99)
    assert team.known(0) > known and team.agents[0].belief.connected.all()


def test_when_its_clock_is_set_back_it_stops_for_what_its_laser_sees(make_team):
    team = make_team(1)
    assert team.run(10.0, until=lambda: team.wheels[0].sent.forward > 0.5)
    agent = team.agents[0]
    team.now -= 30.0
    for _ in range(20):
        team.now += 0.05
        agent.see_odometry(Pose(*team.poses[0]), team.now, team.now)
        ranges = np.full(360, 0.25, np.float32)
        agent.see_scan(Scan(ranges, -math.pi, math.pi / 180, 0.02, 8.0, team.now), team.now)
        output = agent.tick(team.now)
    assert output.velocity.forward == 0.0


def test_when_a_peer_knows_of_an_earlier_start_the_policy_begins_anew(make_team, monkeypatch):
    team = make_team(2, policy="territory", link=lambda a, b: False)
    team.run(5.0)
    agent, resets = team.agents[0], []
    reset = agent.policy.reset
    monkeypatch.setattr(agent.policy, "reset", lambda *args: (resets.append(args), reset(*args)))
    own = agent.talk.started
    beacon = Beacon(Source(1, 5), 1, team.now, own - 60.0, ())
    agent.hear(encode(beacon, agent.talk.geometry), team.now)
    team.run(4.0)
    assert agent.talk.started == own - 60.0
    assert len(resets) == 1
    assert not agent.failure


def test_a_laser_that_reads_nothing_stops_it(make_team):
    team = make_team(1)
    assert team.run(10.0, until=lambda: team.wheels[0].sent.forward > 0.5)
    agent, known = team.agents[0], team.known(0)
    for value in (math.nan, math.inf):
        for _ in range(30):
            team.now += 0.05
            agent.see_odometry(Pose(*team.poses[0]), team.now, team.now)
            ranges = np.full(360, value, np.float32)
            agent.see_scan(Scan(ranges, -math.pi, math.pi / 180, 0.02, 8.0, team.now), team.now)
            output = agent.tick(team.now)
        assert agent.stale
        assert output.velocity == STOP
    assert agent.dropped["refused"] == 60
    assert team.known(0) == known


def test_scans_that_are_always_newer_than_the_last_pose_are_used(make_team):
    team = make_team(1)
    agent, known = team.agents[0], team.known(0)
    for _ in range(40):
        team.now += 0.05
        agent.see_odometry(Pose(*team.poses[0]), team.now - 0.002, team.now)
        for early in (0.001, 0.0):
            laser, ranges = team.world.laser, team.world.scan()[0]
            stamp = team.now - early
            agent.see_scan(Scan(ranges, float(laser.angles[0]), laser.increment, 0.02, 8.0, stamp), team.now)
        agent.tick(team.now)
    assert team.known(0) > known and not agent.stale and agent.decisions > 0


def test_a_scan_without_a_pose_of_its_time_is_dropped(make_team):
    team = make_team(1)
    team.run(1.0)
    agent = team.agents[0]
    team.now += 0.3
    team.see(0)
    agent._scans = [Scan(agent._scans[-1].ranges, -math.pi, math.pi / 180, 0.02, 8.0, team.now - 60.0)]
    agent.tick(team.now)
    assert agent.dropped["no_pose"] == 1
    agent.see_scan(Scan(np.ones(90, np.float32), 0.0, 0.01, 0.02, 8.0, team.now + 60.0), team.now)
    assert agent.dropped["future"] == 1


def test_a_jump_of_the_odometry_is_counted_and_the_map_kept(make_team):
    team = make_team(1)
    team.run(4.0)
    agent, before = team.agents[0], team.agents[0].belief.pixels.copy()
    x, y, yaw = team.world._poses[0]
    team.world._poses[0] = x, y - 1.5, yaw
    team.poses = team.world._poses.copy()
    team.step()
    assert agent.track.teleports == 1
    team.run(0.3)
    assert agent.dropped["after_jump"] > 0
    assert not ((before != UNKNOWN) & (agent.belief.pixels == UNKNOWN)).any()
    assert team.run(120.0, until=lambda: team.known(0) >= 0.99)


def test_on_a_cell_that_its_map_calls_occupied_it_finds_a_way_out(make_team):
    team = make_team(1)
    team.run(1.0)
    agent = team.agents[0]
    row, col = np.rint(agent.frame.to_pixels(tuple(team.poses[0][:2]))).astype(int)
    around = slice(row - 5, row + 6), slice(col - 5, col + 6)
    agent.own.log_odds[around] = 80
    agent.own.pixels[around] = OCCUPIED
    agent.team_map.apply_own(agent.own.window(row, col, 8))
    assert agent.belief.pixels[row, col] == OCCUPIED
    assert team.run(120.0, until=lambda: team.known(0) >= 0.99)
    assert not agent.failure


def test_somebody_who_stands_in_the_only_door_is_not_touched_and_the_rest_explored_when_he_has_left(
    make_team,
):
    team = make_team(2, link=lambda a, b: False)
    agent, away = team.agents[0], team.poses[1].copy()
    team.agents[1]._decide = lambda *args: False
    team.run(1.0)  # It has seen that the door is open.
    team.world._poses[1] = *team.grid.cell_centre(25 * 130 + 42), 0.0
    assert team.run(30.0, until=lambda: agent.done)
    assert agent.track.travelled > 1.0 and 0.3 < team.known(0) < 0.7
    team.run(20.0)
    team.world._poses[1] = away
    assert team.run(60.0, until=lambda: team.known(0) >= 0.99)
    assert team.world.overlaps() == 0


def test_a_policy_that_fails_stops_the_robot_and_is_named(make_team):
    team = make_team(1)
    team.run(3.0)
    agent = team.agents[0]

    def fail():
        raise RuntimeError("no weights")

    agent.policy.act = fail
    team.run(4.0)
    assert agent.failure == "RuntimeError: no weights"
    assert team.wheels[0].sent == STOP
    del agent.policy.act
    team.run(2.0)
    assert not agent.failure
    assert agent.path


def test_a_goal_comes_first(make_team):
    team = make_team(1)
    team.run(2.0)
    agent = team.agents[0]
    agent.set_goal((1.0, 4.5))
    assert team.run(20.0, until=lambda: agent.goal is None)
    assert math.hypot(team.poses[0][0] - 1.0, team.poses[0][1] - 4.5) < 0.5
    with pytest.raises(ValueError, match="outside of the map"):
        agent.set_goal((100.0, 0.0))


def test_garbage_on_the_air_does_not_matter(make_team):
    team = make_team(1)
    rng = np.random.default_rng(0)
    for _ in range(100):
        team.agents[0].hear(rng.bytes(rng.integers(0, 200)), team.now)
        team.step()
    assert team.agents[0].talk.refused["garbage"] == 100


def test_places_where_it_got_stuck_open_again(make_team):
    team = make_team(1)
    team.run(3.0)
    agent = team.agents[0]
    before = agent.belief.pixels.copy()
    row, col = (float(v) for v in agent.frame.to_pixels((1.0, 1.0)))
    agent.obstructions.add(row, col, 3.0, team.now)
    assert agent.belief.pixels[round(row), round(col)] == OCCUPIED
    assert agent.obstructions.passing
    assert agent.own.pixels[round(row), round(col)] == FREE
    assert not agent.obstructions.expire(team.now + 3.0)
    assert agent.obstructions.expire(team.now + 5.0)
    assert np.array_equal(agent.belief.pixels, before)


def test_robots_that_start_side_by_side_get_through_a_door_without_touching(make_team):
    team = make_team(5)
    assert team.run(120.0, until=lambda: min(team.known(i) for i in range(5)) >= 0.99)
    assert team.world.overlaps() == 0


def test_clearance_covers_the_robot_and_its_margin(make_team):
    assert make_team(1).agents[0].clearance == 3
    wide = make_team(1, parameters=ExplorerParameters(margin=0.31))
    assert wide.agents[0].clearance == 6


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf])
def test_parameters_that_cannot_be_are_refused(value):
    with pytest.raises(ValueError, match=f"stride must be positive, got {value}"):
        ExplorerParameters(stride=value)


def test_a_small_budget_still_brings_the_map_across(make_team):
    team = make_team(2, talk=TalkParameters(bytes_per_second=300.0))
    assert team.run(180.0, until=lambda: min(team.known(i) for i in range(2)) >= 0.99)

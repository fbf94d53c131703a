"""The timing of chunks, with a fake clock."""

import numpy as np
import pytest

from pilotfish.ros_nodes.chunk_player import ChunkPlayer

PERIOD = 0.1


class Loop:
    """A control loop whose policy takes ``latency`` seconds and says at which time each action is due."""

    def __init__(self, latency: float, n: int = 8, **options) -> None:
        self.player = ChunkPlayer(PERIOD, **options)
        self.latency, self.n = latency, n
        self.now = 100.0
        self.started = self.now
        self.pending: tuple[int, float, float] | None = None
        self.asked: list[float] = []
        self.played: list[float | None] = []

    def chunk(self, seen: float) -> np.ndarray:
        return (seen - self.started + PERIOD * np.arange(self.n))[:, None].astype(np.float32)

    def run(self, ticks: int) -> list[float | None]:
        first = len(self.played)
        for _ in range(ticks):
            if self.pending and self.now >= self.pending[1] - 1e-9:
                ticket, _, seen = self.pending
                self.pending = None
                self.player.arrived(ticket, self.chunk(seen), self.now, self.latency)
            if self.player.wants_chunk(self.now):
                self.asked.append(self.now - self.started)
                ticket, waits = self.player.request(self.now), self.player.prompt
                if waits and self.latency <= self.player.patience:
                    self.player.arrived(ticket, self.chunk(self.now), self.now, self.latency)
                else:
                    self.pending = (ticket, self.now + self.latency, self.now)
            action = self.player.action(self.now)
            self.played.append(None if action is None else float(action[0]))
            self.now += PERIOD
        return self.played[first:]


@pytest.mark.parametrize("latency", [0.001, 0.05, 0.15, 0.3])
def test_actions_follow_each_other_without_a_gap_whatever_the_latency(latency):
    loop = Loop(latency, blend=0)
    played = loop.run(60)
    first = next(k for k, action in enumerate(played) if action is not None)
    assert first == -(-latency // PERIOD)
    assert None not in played[first:]
    # The first chunk begins late by its latency, for the robot waits; every later action is due now.
    settled = played[first + 10 :]
    assert np.diff(settled) == pytest.approx(PERIOD, abs=1e-4)
    assert settled == pytest.approx([PERIOD * k for k in range(first + 10, 60)], abs=1e-4)
    assert loop.player.counts.late == loop.player.counts.held == loop.player.counts.discarded == 0


def test_a_chunk_is_asked_for_as_late_as_its_latency_allows():
    quick, slow = Loop(0.01), Loop(0.25)
    quick.run(40)
    slow.run(40)
    assert np.diff(quick.asked)[1:] == pytest.approx(0.7)  # 7 of 8 actions are played before the seam
    assert np.diff(slow.asked)[2:] == pytest.approx(0.5)  # and 3 of them while it thinks
    dropped = slow.player.counts.dropped / (slow.player.counts.chunks - 1)
    assert dropped == pytest.approx(3.0, abs=0.5)


def test_a_prompt_policy_is_asked_when_its_chunk_is_needed_and_played_whole():
    loop = Loop(0.01, n=4, patience=0.025)
    assert loop.run(40) == pytest.approx([PERIOD * k for k in range(40)], abs=1e-4)
    assert loop.asked == pytest.approx([0.4 * k for k in range(10)], abs=1e-6)
    counts = loop.player.counts
    assert (counts.dropped, counts.held, counts.late) == (0, 0, 0)


def test_a_policy_that_ceases_to_be_prompt_costs_one_hold_and_is_then_asked_early():
    loop = Loop(0.01, n=4, patience=0.025)
    loop.run(8)
    loop.latency = 0.05
    loop.run(20)
    assert loop.played.count(None) == loop.player.counts.held == 1
    loop.latency = 0.01
    loop.run(60)
    assert loop.played.count(None) == 1
    assert loop.player.prompt


def test_seams_are_blended_over_some_actions():
    player = ChunkPlayer(PERIOD, blend=3)
    player.arrived(player.request(0.0), np.zeros((8, 1)), 0.0)
    assert [player.action(PERIOD * k)[0] for k in range(4)] == [0.0] * 4
    player.arrived(player.request(0.3), np.ones((8, 1)), 0.4)
    values = [float(player.action(PERIOD * k)[0]) for k in range(4, 10)]
    assert values == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    assert player.counts.dropped == 1


def test_without_blending_the_new_chunk_counts_at_once():
    player = ChunkPlayer(PERIOD, blend=0)
    player.arrived(player.request(0.0), np.zeros((8, 1)), 0.0)
    player.arrived(player.request(0.3), np.ones((8, 1)), 0.4)
    assert player.action(0.4)[0] == 1.0


def test_a_late_chunk_is_held_for_and_goes_on_where_the_robot_stopped():
    loop = Loop(0.05, n=4, blend=0)
    loop.run(20)
    loop.latency = 0.75
    loop.run(10)
    counts = loop.player.counts
    assert counts.late == 1
    assert counts.held == loop.played[1:].count(None) == 6
    # No action of the chunk is lost to the time that was held: the robot stood still in it.
    first = loop.played.index(None, 1)
    assert loop.played[first + 6] - loop.played[first - 1] == pytest.approx(PERIOD, abs=1e-4)


def test_a_policy_slower_than_its_chunks_still_plays_half_of_each():
    loop = Loop(1.0, n=4, timeout=5.0)
    loop.run(100)
    counts = loop.player.counts
    assert counts.chunks >= 6
    assert sum(action is not None for action in loop.played) >= 2 * (counts.chunks - 1)
    assert counts.late >= counts.chunks - 2


def test_a_chunk_from_long_ago_is_discarded_and_asked_for_anew():
    player = ChunkPlayer(PERIOD, timeout=0.5)
    ticket = player.request(0.0)
    assert not player.wants_chunk(0.3)
    assert not player.arrived(ticket, np.ones((8, 1)), 0.6)
    assert player.action(0.6) is None
    assert player.counts.discarded == 1
    assert player.counts.late == 0  # nothing had run
    assert player.wants_chunk(0.6)


def test_after_a_reset_nothing_plays_and_the_chunk_on_its_way_is_not_taken():
    player = ChunkPlayer(PERIOD)
    player.arrived(player.request(0.0), np.ones((8, 1)), 0.0)
    ticket = player.request(0.2)
    player.reset()
    assert player.action(0.3) is None
    assert not player.arrived(ticket, np.ones((8, 1)), 0.3)
    assert player.action(0.3) is None
    assert player.wants_chunk(0.3)


def test_a_request_that_failed_is_made_again():
    player = ChunkPlayer(PERIOD)
    ticket = player.request(0.0)
    player.failed(ticket)
    assert player.wants_chunk(0.0)


def test_ticks_that_jitter_neither_skip_nor_repeat_actions():
    player, random = ChunkPlayer(PERIOD, blend=0), np.random.default_rng(3)
    player.arrived(player.request(0.0), np.arange(50)[:, None], 0.0)
    ticks = PERIOD * np.arange(50) + random.uniform(-0.04, 0.04, 50)
    assert [float(player.action(now)[0]) for now in ticks] == list(range(50))


def test_a_tick_that_was_missed_is_not_made_up_for():
    player = ChunkPlayer(PERIOD)
    player.arrived(player.request(0.0), np.arange(8)[:, None], 0.0)
    assert [float(player.action(now)[0]) for now in (0.0, 0.1, 0.5)] == [0.0, 1.0, 5.0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"period": 0.0}, "period 0"),
        ({"period": 0.1, "timeout": -1.0}, "timeout -1"),
        ({"period": 0.1, "blend": -1}, "blend -1"),
        ({"period": 0.1, "patience": -0.1}, "patience -0.1"),
    ],
)
def test_wrong_settings_are_named(options, text):
    with pytest.raises(ValueError, match=text):
        ChunkPlayer(**options)

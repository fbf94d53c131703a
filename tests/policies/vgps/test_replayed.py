"""A steering run's replay as data of a critic: the same figures as the frames of its episodes would give."""

import pickle

import numpy as np
import pytest

pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

from gymnasium.spaces import Box

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.replay import ChunkReplayBuffer, ChunkTransitions
from pilotfish.policies.manipulation.recorded import Recorded
from pilotfish.policies.vgps.replayed import is_steering_run, replay_transitions
from pilotfish.policies.vgps.transitions import transitions_of

N, GAMMA, RUN_GAMMA = 4, 0.9, 0.97
EPISODES = ((6, True), (8, False), (8, True))
"""Steps, and whether the last one succeeded."""


def states_of(episode: int, steps: int) -> np.ndarray:
    return 100.0 * episode + np.arange(steps + 1)[:, None] * np.ones(3)


@pytest.fixture
def make_run(tmp_path):
    def make(size: int = 50, episodes=EPISODES, unfinished: bool = False):
        state, noise = Box(-np.inf, np.inf, (3,), np.float32), Box(-1.5, 1.5, (2,), np.float32)
        replay = ChunkReplayBuffer(size, state, noise, "cpu", chunk_size=N * 2)
        if size >= 50:
            replay.prefill(
                ChunkTransitions.of_episode(np.zeros((6, 3)), np.zeros((5, 2)), True, N, 0.9, 0.25)
            )
        for number, (steps, success) in enumerate(episodes):
            states = states_of(number, steps).astype(np.float32)
            for first in range(0, steps, N):
                after = min(first + N, steps)
                ends = after == steps and not unfinished
                info = {
                    "chunk": np.full((N, 2), first),
                    "discount": RUN_GAMMA ** ((after - first) / N),
                    "TimeLimit.truncated": ends and not success,
                }
                now, then = states[first][None], states[after][None]
                replay.add(now, then, np.zeros((1, 2)), np.zeros(1), np.array([ends]), [info])
        DSRLConfig(gamma=RUN_GAMMA).save(tmp_path / "settings.yaml")
        (tmp_path / "checkpoint.pkl").write_bytes(pickle.dumps({"replay": replay}))
        return tmp_path

    return make


def test_figures_are_those_of_the_frames(make_run):
    run = make_run()
    assert is_steering_run(run) and not is_steering_run(run / "nothing")
    found = replay_transitions(run, N, GAMMA, "Go.")
    frames = {
        "observation.state": np.concatenate(
            [states_of(k, steps)[:-1] for k, (steps, _) in enumerate(EPISODES)]
        ),
        "action": np.zeros((sum(steps for steps, _ in EPISODES), 2)),
        "next.success": np.concatenate(
            [np.arange(steps) == (steps - 1 if success else -1) for steps, success in EPISODES]
        )[:, None],
    }
    episode = np.repeat(np.arange(len(EPISODES)), [steps for steps, _ in EPISODES])
    whole = transitions_of(Recorded(frames, episode, ["Go."], np.zeros_like(episode), {}), N, GAMMA)
    decided = np.isin(whole.states[:, 0], found.states[:, 0])
    assert decided.sum() == len(found.states) == 6
    for name in ("states", "rewards", "discounts", "failed", "returns", "success", "episode"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(whole, name)[decided], rtol=1e-5, err_msg=name
        )
    assert found.chunks.shape == (6, N, 2) and found.sentences == ["Go."]
    goes_on = ~found.failed & (found.discounts > 0)
    np.testing.assert_array_equal(found.states[found.following[goes_on]], found.next_states[goes_on])


def test_an_episode_that_was_cut_off_is_left_out(make_run):
    """A stopped run begins a new episode when it goes on."""
    run = make_run()
    saved = pickle.loads((run / "checkpoint.pkl").read_bytes())
    replay = saved["replay"]
    lost = int(np.flatnonzero(replay.column("next_observations")[:, 0] == 108)[0])  # the second one's end
    for name in (
        "observations",
        "next_observations",
        "dones",
        "timeouts",
        "discounts",
        "chunks",
        "noise_known",
    ):
        column = getattr(replay, name)
        column[lost:-1] = column[lost + 1 :].copy()
    replay.pos -= 1
    (run / "checkpoint.pkl").write_bytes(pickle.dumps(saved))
    found = replay_transitions(run, N, GAMMA, "Go.")
    assert found.states[:, 0].tolist() == [0, 4, 200, 204] and found.success.all()


def test_a_full_buffer_is_read_by_age(make_run):
    found = replay_transitions(make_run(size=4), N, GAMMA, "Go.")
    assert found.states[:, 0].tolist() == [100, 104, 200, 204]
    assert found.success.tolist() == [False, False, True, True]


def test_a_run_without_an_episode_says_so(make_run):
    with pytest.raises(ValueError, match="end of an episode"):
        replay_transitions(make_run(unfinished=True), N, GAMMA, "Go.")

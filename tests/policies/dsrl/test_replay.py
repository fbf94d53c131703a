"""What is remembered: discounts, chunks, terminations without time limits, demonstrations."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from gymnasium.spaces import Box

from pilotfish.policies.dsrl.replay import ChunkReplayBuffer, ChunkTransitions

N, G = 4, 0.9


def buffer(size: int = 10) -> ChunkReplayBuffer:
    state, noise = Box(-np.inf, np.inf, (3,), np.float32), Box(-1.5, 1.5, (2,), np.float32)
    return ChunkReplayBuffer(size, state, noise, "cpu", chunk_size=N * 2)


def add(replay: ChunkReplayBuffer, value: float, done: bool, limit: bool) -> None:
    state = np.full((1, 3), value, np.float32)
    info = {"chunk": np.full((N, 2), value), "discount": value, "TimeLimit.truncated": limit}
    replay.add(state, state + 1, state[:, :2], np.array([-value]), np.array([done]), [info])


def test_time_limits_are_not_terminations():
    replay = buffer()
    add(replay, 0.1, done=True, limit=False)
    add(replay, 0.2, done=True, limit=True)
    add(replay, 0.3, done=False, limit=False)
    batch = replay.batch(np.arange(3))
    assert batch.dones[:, 0].tolist() == [1, 0, 0]
    np.testing.assert_allclose(batch.discounts[:, 0], [0.1, 0.2, 0.3], atol=1e-6)
    np.testing.assert_allclose(replay.column("chunks")[:3, 0], [0.1, 0.2, 0.3], atol=1e-6)


@pytest.mark.parametrize("success", [True, False])
def test_demonstrations_are_cut_into_chunks(success):
    states = np.arange(7, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    actions = np.arange(6, dtype=np.float32)[:, None] * np.ones(2, np.float32) / 10
    cut = ChunkTransitions.of_episode(states, actions, success, N, G, reward_scale=1 / N, stride=2)
    assert cut.states[:, 0].tolist() == [0, 2, 4] and cut.next_states[:, 0].tolist() == [4, 6, 6]
    np.testing.assert_allclose(cut.chunks[2, :, 0], [0.4, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(cut.discounts, [G**4, G**4, G**2])
    last = 0.0 if success else -1.0
    np.testing.assert_allclose(
        cut.rewards * N, [-1 - G - G**2 - G**3, -1 - G - G**2 + last * G**3, -1 + last * G], rtol=1e-6
    )
    assert cut.terminated.tolist() == [False, success, success]
    replay = buffer()
    replay.prefill(ChunkTransitions.concatenate([cut, cut]))
    assert replay.rows == 6 and not replay.noise_known[:6].any()
    np.testing.assert_allclose(replay.batch(np.arange(6)).dones[:3, 0], cut.terminated)


def test_too_many_demonstrations_are_refused():
    cut = ChunkTransitions.of_episode(np.zeros((21, 3)), np.zeros((20, 2)), True, N, G, 0.25)
    with pytest.raises(ValueError, match="20 transitions"):
        buffer().prefill(cut)

"""A task of one decision: go to the side that the state names; demonstrators and base policy go anywhere."""

import numpy as np
import pytest

pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

from pilotfish.policies.manipulation.recorded import Recorded

ROWS, ACTIONS = 4, 2


class TwoWays:
    """The sign of the noise's first entry is the side that the chunk goes to."""

    fingerprint = "toy"
    name, noise_shape, chunk_shape = "two_ways", (ROWS, ACTIONS), (ROWS, ACTIONS)

    def sample(self, observations, noise):
        chunks = 0.1 * noise
        chunks[..., 0] += np.sign(noise[:, :1, 0])
        return chunks.astype(np.float32)


@pytest.fixture(scope="session")
def base():
    return TwoWays()


@pytest.fixture(scope="session")
def recorded():
    """200 episodes: 12 steps where the side was right, 24 where it was not."""
    rng = np.random.default_rng(0)
    states, actions, success, episode = [], [], [], []
    for number in range(200):
        wanted, side = rng.uniform(-1, 1), rng.choice([-1, 1])
        right = side * wanted > 0
        steps = 12 if right else 24
        for step in range(steps):
            states.append([wanted, step / 24 * side])
            actions.append([side + 0.1 * rng.normal(), 0.1 * rng.normal()])
            success.append([right and step == steps - 1])
            episode.append(number)
    columns = {
        "observation.state": np.array(states, np.float32),
        "action": np.array(actions, np.float32),
        "next.success": np.array(success),
    }
    return Recorded(columns, np.array(episode), ["Go there."], np.zeros(len(episode), np.int64), {})


@pytest.fixture(scope="session")
def rightly():
    """Share of 400 fresh states at which a policy goes to the right side."""

    def measure(policy):
        policy.reset(1)
        states = np.zeros((400, 2), np.float32)
        states[:, 0] = np.random.default_rng(9).uniform(-1, 1, 400)
        chunks = policy.act({"observation.state": states})
        return float((chunks[..., 0].mean(1) * states[:, 0] > 0).mean())

    return measure

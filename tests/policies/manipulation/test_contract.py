"""What every registered arm policy promises: a policy is tested by being listed."""

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.manipulation.evaluation import Evaluator
from pilotfish.policies.registry import MANIPULATION_POLICIES, make_chunk_policy
from pilotfish.worlds.registry import MANIPULATION_TASKS, make_task


@pytest.fixture(scope="module")
def seen():
    """The first observations of three episodes of each task."""

    def of(name):
        task = make_task(name)
        starts = [task.reset(seed=seed)[0] for seed in range(3)]
        task.close()
        return {key: np.stack([start[key] for start in starts]) for key in starts[0]}

    return {name: of(name) for name in MANIPULATION_TASKS}


@pytest.mark.parametrize("task", MANIPULATION_TASKS)
@pytest.mark.parametrize("name", MANIPULATION_POLICIES)
def test_every_policy_acts_on_every_task(name, task, seen):
    policy = make_chunk_policy(name, task)
    assert isinstance(policy, ChunkPolicy)
    policy.reset(3)
    chunks = policy.act(seen[task])
    assert chunks.shape == (3, *policy.chunk_shape) and chunks.dtype == np.float32
    assert np.isfinite(chunks).all()
    policy.reset(3)
    np.testing.assert_array_equal(policy.act(seen[task]), chunks)


def test_steering_and_guidance_beat_the_base_policy():
    """Twenty starts, far from all that were trained or tuned on; chance would have to be very kind."""
    evaluator = Evaluator(lambda: make_task("push"))
    starts = range(480_000, 480_020)
    rates = {
        name: evaluator(make_chunk_policy(name, "push"), starts, seed=0).success.mean()
        for name in ("base", "dsrl", "vgps")
    }
    assert rates["base"] < 0.75
    assert rates["dsrl"] >= 0.85 and rates["vgps"] >= rates["base"] + 0.1


def test_an_evaluation_is_the_same_again():
    evaluator = Evaluator(lambda: make_task("detour"), side_by_side=4)
    policy = make_chunk_policy("base", "detour")
    runs = [evaluator(policy, range(480_000, 480_006), seed=2) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].success, runs[1].success)
    np.testing.assert_array_equal(runs[0].steps, runs[1].steps)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dslr", r"'dslr'.*base, w0, wbest"),
        ("vgps@many", "vgps@16@0.1"),
        ("base@4", "vgps@16@0.1"),
        ("base=/nowhere", "/nowhere"),
    ],
)
def test_bad_names_say_what_there_is(name, message):
    with pytest.raises(ValueError, match=message):
        make_chunk_policy(name, "push")


def test_what_was_made_for_one_base_policy_is_refused_by_another():
    for name in ("wbest", "dsrl", "dsrl_sac", "dsrl+vgps"):
        with pytest.raises(ValueError, match="weights"):
            make_chunk_policy(name, "push", base="diffusion/detour")
    assert make_chunk_policy("vgps", "push", base="diffusion/detour").chunk_shape == (4, 3)


class Looking:
    """A policy that looks back; it notes what it is shown."""

    name, chunk_shape, observation_steps = "looking", (4, 3), 2

    def __init__(self):
        self.seen, self.asked = [], 0

    def reset(self, seed):
        self.seen.clear()

    def observe(self, observations):
        self.seen.append(observations)

    def act(self, observations):
        assert self.seen[-1] is observations, "what is asked about was shown last"
        assert len(self.seen) == 4 * self.asked % 24 + 1, "every step was shown once"
        self.asked += 1
        return np.zeros((1, *self.chunk_shape), np.float32)


def test_a_policy_that_looks_back_sees_every_step():
    policy = Looking()
    outcomes = Evaluator(lambda: make_task("push"), side_by_side=1)(policy, [5, 6])
    assert outcomes.steps.tolist() == [24, 24] and policy.asked == 12

"""What chunks of recorded episodes led to."""

import numpy as np
import pytest

from pilotfish.policies.vgps.embedding import embed
from pilotfish.policies.vgps.transitions import failure_value, together, transitions_of

GAMMA, LENGTH = 0.9, 4


@pytest.fixture(scope="module")
def transitions(recorded):
    return transitions_of(recorded, LENGTH, GAMMA)


def test_success_ends_and_its_step_costs_nothing(transitions, recorded):
    last = np.unique(recorded.last)
    won = last[transitions.success[last]]
    assert (transitions.discounts[won] == 0).all() and (transitions.rewards[won] == 0).all()
    assert (transitions.returns[won] == 0).all()
    assert not transitions.failed[won].any()


def test_running_out_of_time_is_failing_for_ever(transitions, recorded):
    last = np.unique(recorded.last)
    lost = last[~transitions.success[last]]
    assert transitions.failed[lost].all()
    failure = failure_value(GAMMA, LENGTH)
    np.testing.assert_allclose(transitions.returns[~transitions.success], failure, rtol=1e-5)


def test_returns_obey_bellman(transitions):
    """A return is the reward, and the discounted return of the row that follows."""
    t = transitions
    goes_on = ~t.failed & (t.discounts > 0)
    following = t.returns[t.following[goes_on]]
    np.testing.assert_allclose(
        t.returns[goes_on], t.rewards[goes_on] + t.discounts[goes_on] * following, rtol=1e-4
    )


def test_several_tasks_together(recorded, transitions):
    other = transitions_of(recorded, LENGTH, GAMMA)
    other.sentences[:] = ["Go away."]
    both = together([transitions_of(recorded, LENGTH, GAMMA), other])
    assert len(both.states) == 2 * len(other.states)
    assert set(both.task) == set(range(len(both.sentences)))
    np.testing.assert_array_equal(both.states[both.following], both.next_states)


def test_sentences_that_share_words_lie_closer():
    one, near, far = map(embed, ("Push the bar onto the mark.", "Push the bar away.", "Open a window."))
    assert one @ near > one @ far
    np.testing.assert_allclose(np.linalg.norm(one), 1, rtol=1e-5)

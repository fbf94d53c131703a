"""Every registered task of the arm: a task is tested by being listed."""

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from gymnasium.utils.env_checker import check_env

from pilotfish.worlds.manipulation.expert import Expert
from pilotfish.worlds.manipulation.task import ENVIRONMENT_STATE, STATE
from pilotfish.worlds.registry import MANIPULATION_TASKS, make_task


@pytest.fixture(scope="module", params=MANIPULATION_TASKS)
def task(request):
    made = make_task(request.param)
    yield made
    made.close()


def demonstrate(task, seed, strategy, shake=0.06):
    """Runs one scripted episode; returns everything observed, the last flags and the last reward."""
    seen = [task.reset(seed=seed)[0]]
    expert = Expert(task, strategy, shake, seed)
    while True:
        observation, reward, terminated, truncated, info = task.step(expert.act())
        seen.append(observation)
        if terminated or truncated:
            return seen, terminated, truncated, reward, info


def test_is_a_gymnasium_environment(task):
    check_env(task, skip_render_check=True)


def test_the_right_strategy_works_and_the_wrong_one_mostly_does_not(task):
    right, wrong = [], []
    for seed in range(6):
        task.reset(seed=seed)
        good = task.right_strategy()
        (bad,) = set(task.STRATEGIES) - {good}
        right.append(demonstrate(task, seed, good)[1])
        wrong.append(demonstrate(task, seed, bad)[1])
    assert np.mean(right) >= 5 / 6
    assert np.mean(wrong) <= 1 / 2


def test_which_strategy_is_right_changes_with_the_episode(task):
    def right(seed):
        task.reset(seed=seed)
        return task.right_strategy()

    assert {right(seed) for seed in range(12)} == set(task.STRATEGIES)


def test_a_seeded_episode_is_the_same_whatever_came_before(task):
    strategy = task.STRATEGIES[0]
    first = demonstrate(task, 3, strategy)[0]
    demonstrate(task, 4, task.STRATEGIES[1])
    again = demonstrate(task, 3, strategy)[0]
    fresh_task = make_task(task.NAME)
    fresh = demonstrate(fresh_task, 3, strategy)[0]
    fresh_task.close()
    for other in (again, fresh):
        assert len(other) == len(first)
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a[STATE], b[STATE])
            np.testing.assert_array_equal(a[ENVIRONMENT_STATE], b[ENVIRONMENT_STATE])


def test_success_terminates_and_costs_nothing(task):
    task.reset(seed=0)
    _, terminated, truncated, reward, info = demonstrate(task, 0, task.right_strategy())
    assert terminated and not truncated and reward == 0.0 and info["is_success"]


def test_running_out_of_steps_truncates(task):
    task.reset(seed=0)
    idle = np.zeros(task.action_space.shape, np.float32)
    for step in range(1, task.MAX_STEPS + 1):
        _, reward, terminated, truncated, _ = task.step(idle)
        assert reward == -1.0 and not terminated
        assert truncated == (step == task.MAX_STEPS)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_action_that_is_no_number_is_refused(task, bad):
    task.reset(seed=0)
    with pytest.raises(ValueError, match="finite numbers"):
        task.step(np.full(task.action_space.shape, bad))


def test_an_action_of_another_size_is_refused(task):
    task.reset(seed=0)
    with pytest.raises(ValueError, match=task.NAME):
        task.step(np.zeros(9))


def test_pictures():
    task = make_task("push", images=True)
    seen, _ = task.reset(seed=0)
    assert seen["observation.image"].shape == (96, 96, 3)
    assert task.render().shape == (360, 480, 3) and task.render().std() > 10
    task.close()


def test_unknown_task_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'pushh'.*pick_place, push, stack, detour"):
        make_task("pushh")


def test_unknown_strategy_lists_the_known_ones(task):
    task.reset(seed=0)
    with pytest.raises(ValueError, match=task.STRATEGIES[0]):
        Expert(task, "upwards")

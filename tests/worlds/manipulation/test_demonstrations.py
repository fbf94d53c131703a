"""Demonstrations in a LeRobotDataset: true labels, whole or not at all."""

import numpy as np
import pytest

pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

from pilotfish.policies.manipulation.recorded import load_recorded
from pilotfish.worlds.manipulation.demonstrations import collect
from pilotfish.worlds.registry import make_task


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "push"
    task = make_task("push")
    outcome = collect(task, root, episodes=8, seed=21)
    task.close()
    return root, outcome


def test_labels_are_those_of_the_episodes(collected):
    root, outcome = collected
    recorded = load_recorded(root)
    assert recorded.tasks == ["Push the loaded bar straight onto the mark."]
    ends = np.unique(recorded.last)
    assert len(ends) == 8
    success = recorded.columns["next.success"][:, 0].astype(bool)
    assert success.sum() == success[ends].sum() == sum(values.sum() for values in outcome.outcomes.values())
    np.testing.assert_array_equal(recorded.columns["next.truncated"][ends, 0].astype(bool), ~success[ends])
    np.testing.assert_array_equal(recorded.columns["next.reward"][:, 0], success - 1.0)


def test_both_strategies_are_shown(collected):
    root, outcome = collected
    assert set(np.unique(load_recorded(root).columns["strategy"])) == {0, 1}
    assert 0 < outcome.success < 1


def test_windows_repeat_the_last_frame_of_an_episode(collected):
    recorded = load_recorded(collected[0])
    windows = recorded.windows(4)
    end = recorded.last[0]
    np.testing.assert_array_equal(windows[end], [end] * 4)
    np.testing.assert_array_equal(windows[0], [0, 1, 2, 3])
    assert (recorded.episode[windows] == recorded.episode[:, None]).all()


def test_an_existing_folder_is_left_alone(collected):
    task = make_task("push")
    with pytest.raises(ValueError, match="exists already"):
        collect(task, collected[0], episodes=1)
    task.close()


def test_nothing_is_left_of_a_collection_that_fails(tmp_path):
    task = make_task("push")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(task, tmp_path / "push", episodes=3, on_episode=stop)
    task.close()
    assert not list(tmp_path.iterdir())


def test_no_dataset_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="worlds demonstrate"):
        load_recorded(tmp_path)

"""Seeds of what is reported are kept from everything else."""

import pytest

from pilotfish.worlds.manipulation.demonstrations import collect
from pilotfish.worlds.manipulation.seeds import EVALUATION, TRAINING, TUNING, evaluation_starts
from pilotfish.worlds.registry import make_task


def test_the_ranges_do_not_overlap():
    assert EVALUATION.stop <= TUNING.start and TUNING.stop <= TRAINING
    assert list(evaluation_starts(2)) == [EVALUATION.start, EVALUATION.start + 1]
    with pytest.raises(ValueError, match="nothing was tuned on"):
        evaluation_starts(len(EVALUATION) + 1)


def test_demonstrations_do_not_show_what_is_reported(tmp_path):
    task = make_task("push")
    for seed in (EVALUATION.start, EVALUATION.start - 1, TUNING.start):
        with pytest.raises(ValueError, match="kept for evaluation"):
            collect(task, tmp_path / "data", episodes=2, seed=seed)
    assert not list(tmp_path.iterdir())
    task.close()

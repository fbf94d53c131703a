"""Intervals of success, and paired differences."""

import numpy as np

from pilotfish.policies.manipulation.comparison import paired_row, success_row


def outcomes(rate, shape=(3, 100), seed=0):
    return np.random.default_rng(seed).random(shape) < rate


def test_the_interval_holds_the_mean():
    success = outcomes(0.6)
    row = success_row(success, np.ones(success.shape, int))
    low, high = row["success_rate_ci95"]
    assert low < row["success_rate"] < high and row["n"] == 300
    assert row["worst_seed"] == min(row["success_of_seeds"])


def test_the_same_outcomes_differ_by_nothing():
    row = paired_row(outcomes(0.6), outcomes(0.6))
    assert row["difference"] == 0 and row["difference_ci95"] == [0, 0]


def test_a_clear_difference_excludes_zero():
    row = paired_row(outcomes(0.9, seed=1), outcomes(0.5))
    assert row["difference_ci95"][0] > 0.2

"""Noise in fewer numbers keeps mean 0 and variance 1."""

import numpy as np
import pytest

from pilotfish.policies.dsrl.parameterisation import PARAMETERISATIONS, Parameterisation

SHAPE = (16, 4)
DIMS = {"full": 64, "repeated": 4, "low_rank": 12}


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_standard_normal_coefficients_give_entries_of_unit_variance(name):
    kind = Parameterisation(name, SHAPE, rank=3)
    assert kind.dim == DIMS[name]
    noise = kind.expand(np.random.default_rng(0).standard_normal((20_000, kind.dim), np.float32))
    assert noise.shape == (20_000, *SHAPE) and noise.dtype == np.float32
    np.testing.assert_allclose(noise.std(0), 1.0, atol=0.03)
    np.testing.assert_allclose(noise.mean(0), 0.0, atol=0.03)


def test_full_and_repeated_are_what_they_say():
    w = np.arange(64, dtype=np.float32)[None]
    np.testing.assert_array_equal(Parameterisation("full", SHAPE).expand(w), w.reshape(1, *SHAPE))
    rows = Parameterisation("repeated", SHAPE).expand(w[:, :4])
    np.testing.assert_array_equal(rows, np.broadcast_to(w[:, None, :4], (1, *SHAPE)))


def test_one_curve_of_low_rank_is_the_repeated_row():
    w = np.random.default_rng(2).standard_normal((3, 4), np.float32)
    low, repeated = Parameterisation("low_rank", SHAPE, rank=1), Parameterisation("repeated", SHAPE)
    np.testing.assert_allclose(low.expand(w), repeated.expand(w), atol=1e-6)


def test_unknown_names_and_ranks_are_named():
    with pytest.raises(ValueError, match="'fourier'"):
        Parameterisation("fourier", SHAPE)
    with pytest.raises(ValueError, match="rank 17"):
        Parameterisation("low_rank", SHAPE, rank=17)

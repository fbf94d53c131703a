import numpy as np
import pytest

from pilotfish.policies.exploration.blocks import FREE


@pytest.fixture
def check_counts():
    """``check_counts(belief)``: the counts of a belief are those of its pixels."""

    def check(belief) -> None:
        blocks = belief.pixels.reshape(belief.known.shape[0], 4, belief.known.shape[1], 4)
        assert np.array_equal((blocks != 0).sum(axis=(1, 3)), belief.known)
        assert np.array_equal((blocks == FREE).sum(axis=(1, 3)), belief.free[belief.me])

    return check

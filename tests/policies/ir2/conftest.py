import numpy as np
import pytest

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN


def write(belief: TeamBelief, pixels: np.ndarray) -> None:
    """Make a map what a belief knows, with its counts and marks."""
    height, width = belief.known.shape
    blocks = pixels.reshape(height, 4, width, 4)
    belief.pixels[:] = pixels
    belief.known[:] = (blocks != UNKNOWN).sum(axis=(1, 3))
    belief.free[belief.me] = (blocks == FREE).sum(axis=(1, 3))
    belief.changed[:] = True


@pytest.fixture
def write_map():
    """``write_map(belief, pixels)``: the belief knows that map."""
    return write


@pytest.fixture
def corridor():
    """``corridor(places, left, right, me)``: a corridor of 24 x 400 px, known from one column to another.

    The robots at those columns are all connected, and know the same.
    """

    def make(places=(150, 250), left=100, right=300, me=0, now=100.0) -> TeamBelief:
        pixels = np.full((48, 400), UNKNOWN, np.uint8)
        pixels[8:40, left:right] = OCCUPIED
        pixels[12:36, left:right] = FREE
        belief = TeamBelief(me, len(places), pixels.shape)
        write(belief, pixels)
        belief.free[:] = belief.free[me]
        for robot, place in enumerate(places):
            belief.position[robot] = 22, place
        belief.home[:] = belief.position[me]
        belief.stamp[:] = belief.met[:] = now
        belief.connected[:] = True
        return belief

    return make

import numpy as np
import pytest

from pilotfish.worlds.exploration.radio import NEEDED, Radio, path_loss, signal_strength

HALL = np.zeros((3, 400), bool)


@pytest.mark.parametrize("metres", [0.1, 1.0, 3.0])
def test_the_range_in_sight_is_in_metres(metres):
    radio = Radio(13.0, 0.0)
    pixels = int(radio.range_in_sight / metres)
    for way, linked in ((min(pixels - 1, 399), True), (pixels + 2, pixels > 399)):
        if way <= 399:
            strength = signal_strength(HALL, np.array([[1, 0], [1, way]]), radio, metres)
            assert (strength[0, 1] > NEEDED) == linked


def test_a_thin_wall_never_helps():
    assert path_loss(10.0, 0.2, Radio(0.0, 0.0)) == path_loss(10.0, 0.0, Radio(0.0, 0.0))

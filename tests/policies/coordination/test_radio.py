import numpy as np
import pytest

from pilotfish.policies.coordination.radio import Radio, RadioParameters

LINE = np.array([[0.0, 0.0], [3.0, 0.0], [6.0, 0.0], [20.0, 0.0], [np.nan, np.nan]])


def test_only_those_in_range_hear_and_nobody_hears_himself():
    radio = Radio(5, RadioParameters(range=5.0), seed=0)
    radio.send(1, b"a", LINE, now=0.0)
    assert radio.deliver(0.0) == {0: [b"a"], 2: [b"a"]}
    assert radio.deliver(1.0) == {}


def test_delay_is_bounded_and_reorders():
    radio = Radio(2, RadioParameters(delay_max=0.5), seed=0)
    for k in range(50):
        radio.send(0, bytes([k]), LINE[:2], now=0.0)
    assert len(radio.deliver(0.25).get(1, [])) < 50
    rest = radio.deliver(0.5)[1]
    assert rest
    assert rest != sorted(rest)


def test_loss_and_duplicates_are_as_frequent_as_asked():
    radio = Radio(2, RadioParameters(loss=0.2, duplicate=0.1), seed=0)
    for _ in range(2000):
        radio.send(0, b"x", LINE[:2], now=0.0)
    assert len(radio.deliver(0.0)[1]) / 2000 == pytest.approx(0.8 * 1.1, abs=0.04)


@pytest.mark.parametrize("bad", [{"range": 0.0}, {"delay_max": -1.0}, {"loss": 1.5}, {"duplicate": -0.1}])
def test_impossible_parameters_are_refused(bad):
    with pytest.raises(ValueError, match="radio"):
        RadioParameters(**bad)

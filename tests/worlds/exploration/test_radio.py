"""The radio: figures of the model, walls, components, regimes."""

import numpy as np
import pytest

from pilotfish.worlds.exploration.radio import NEEDED, Radio, components, draw_radio, signal_strength

HALL = np.zeros((9, 400), bool)


def linked(walls, a, b, radio) -> bool:
    return bool(signal_strength(walls, np.array([a, b], float), radio)[0, 1] > NEEDED)


@pytest.mark.parametrize("shadowing, reach", [(0.0, 312), (6.5, 148), (13.0, 70)])
def test_ranges_in_sight_are_those_of_the_model(shadowing, reach):
    radio = Radio(shadowing, 0.0)
    assert radio.range_in_sight == pytest.approx(reach, abs=0.5)
    assert linked(HALL, (4, 10), (4, 10 + reach - 1), radio)
    assert not linked(HALL, (4, 10), (4, 10 + reach + 1), radio)


@pytest.mark.parametrize("ends", [((4, 190), (4, 210)), ((4, 140), (4, 260)), ((1, 195), (7, 206))])
def test_a_wall_of_three_pixels_blocks_in_the_best_radio(ends):
    walls = HALL.copy()
    walls[:, 200:203] = True
    assert not linked(walls, *ends, Radio(0.0, 0.0))
    walls[:, 201:203] = False
    assert linked(walls, *ends, Radio(0.0, 0.0)), "one pixel does not"


def test_a_perfect_radio_knows_no_walls_and_no_range():
    walls = HALL.copy()
    walls[:, 200:300] = True
    assert linked(walls, (0, 0), (8, 399), Radio(13.0, 13.0, perfect=True))


def test_strength_is_the_same_both_ways_and_falls_with_the_way():
    positions = np.array([[4, 0], [4, 50], [4, 100], [4, 300]], float)
    strength = signal_strength(HALL, positions, Radio())
    np.testing.assert_array_equal(strength, strength.T)
    assert (np.diff(strength[0]) < 0).all()


def test_components_are_joined_over_several_hops():
    link = np.eye(6, dtype=bool)
    for a, b in ((5, 3), (3, 1), (0, 4)):
        link[a, b] = link[b, a] = True
    assert components(link).tolist() == [0, 1, 2, 1, 0, 1]


def test_regimes_and_draws():
    draws = [draw_radio("random", np.random.default_rng(seed)) for seed in range(50)]
    for values in ([r.shadowing for r in draws], [r.wall_loss for r in draws]):
        assert min(values) >= 0 and max(values) <= 13 and len(set(values)) == 50
    assert draws[3] == draw_radio("random", np.random.default_rng(3))
    ranges = [draw_radio(word, np.random.default_rng(0)).range_in_sight for word in ("open", "mid", "closed")]
    assert ranges == sorted(ranges, reverse=True)
    assert draw_radio("full", np.random.default_rng(0)).perfect
    with pytest.raises(ValueError, match="radio 'loud': choose one of open"):
        draw_radio("loud", np.random.default_rng(0))


@pytest.mark.parametrize("regime", ["open", "mid", "closed", "full"])
def test_the_regime_changes_no_other_draw(regime):
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    draw_radio(regime, one)
    draw_radio("random", other)
    assert one.random() == other.random()

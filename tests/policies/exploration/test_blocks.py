"""Blocks: what is updated where pixels change is what a look at the whole map gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import (
    BLOCK,
    CLEAR,
    FREE,
    NONE,
    OCCUPIED,
    SCALE,
    UNKNOWN,
    line_is_free,
    merge_map,
)
from pilotfish.policies.exploration.navigation import Navigation

SHAPE = (32, 40)


def truth(seed: int, density: float) -> np.ndarray:
    walls = np.random.default_rng(seed).random(SHAPE) < density
    return np.where(walls, OCCUPIED, FREE).astype(np.uint8)


def reveal(belief: TeamBelief, pixels: np.ndarray) -> None:
    """Tell a belief what ``pixels`` knows."""
    blocks = pixels.reshape(SHAPE[0] // BLOCK, BLOCK, SHAPE[1] // BLOCK, BLOCK)
    known = (blocks != UNKNOWN).sum(axis=(1, 3)).astype(np.uint8)
    merge_map(belief.pixels, belief.known, belief.free[belief.me], belief.changed, pixels, known)


def windows(draw_seed: int, count: int):
    """Rectangles of a map that are seen one after the other."""
    rng = np.random.default_rng(draw_seed)
    for _ in range(count):
        top, left = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        yield slice(top, top + rng.integers(1, 14)), slice(left, left + rng.integers(1, 14))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    density=st.sampled_from([0.0, 0.05, 0.3]),
    clearance=st.sampled_from([0, 1, 3, 5]),
)
def test_updates_on_the_way_equal_a_recount(seed, density, clearance):
    full = truth(seed, density)
    belief = TeamBelief(0, 1, SHAPE)
    belief.report(np.array([0.0, 0.0]), 0.0, 0.0)
    navigation = Navigation(belief, clearance)
    for window in windows(seed, 8):
        seen = np.zeros(SHAPE, np.uint8)
        seen[window] = full[window]
        reveal(belief, seen)
        navigation.update()
        assert not belief.changed.any()
    fresh = Navigation(belief, clearance)
    belief.changed[:] = True
    fresh.update()
    for name in ("space", "pooled", "anchor", "links", "frontier"):
        np.testing.assert_array_equal(getattr(navigation, name), getattr(fresh, name), err_msg=name)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), density=st.sampled_from([0.05, 0.3]))
def test_counts_are_those_of_the_pixels_after_any_merges(seed, density, check_counts_of):
    one, other = TeamBelief(0, 2, SHAPE), TeamBelief(1, 2, SHAPE)
    for k, window in enumerate(windows(seed, 10)):
        seen = np.zeros(SHAPE, np.uint8)
        seen[window] = truth(seed + k % 2, density)[window]  # they do not always agree
        belief = (one, other)[k % 2]
        before = belief.pixels.copy()
        reveal(belief, seen)
        check_counts_of(belief)
        kept = before != UNKNOWN
        np.testing.assert_array_equal(belief.pixels[kept], before[kept])
    reveal(one, other.pixels)
    check_counts_of(one)
    np.testing.assert_array_equal(one.pixels != UNKNOWN, (one.pixels != UNKNOWN) | (other.pixels != UNKNOWN))


@pytest.fixture(scope="module")
def check_counts_of():
    def check(belief: TeamBelief) -> None:
        blocks = belief.pixels.reshape(belief.known.shape[0], BLOCK, belief.known.shape[1], BLOCK)
        np.testing.assert_array_equal((blocks != UNKNOWN).sum(axis=(1, 3)), belief.known)
        np.testing.assert_array_equal((blocks == FREE).sum(axis=(1, 3)), belief.free[belief.me])

    return check


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), density=st.sampled_from([0.0, 0.1, 0.3]))
def test_links_go_both_ways_over_free_lines_of_their_length(seed, density):
    belief = TeamBelief(0, 1, SHAPE)
    belief.report(np.array([0.0, 0.0]), 0.0, 0.0)
    reveal(belief, truth(seed, density))
    navigation = Navigation(belief)
    navigation.update()
    links, steps = navigation.links, [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
    for i, j, k in np.argwhere(links):
        a, b = i + steps[k][0], j + steps[k][1]
        assert links[a, b, 7 - k] == links[i, j, k]
        ends = navigation.anchors(np.array([i * links.shape[1] + j, a * links.shape[1] + b]))
        assert links[i, j, k] == pytest.approx(SCALE * np.hypot(*(ends[1] - ends[0])), abs=0.51)
        (r0, c0), (r1, c1) = ends.astype(int)
        assert line_is_free(belief.pixels, r0, c0, r1, c1) or line_is_free(belief.pixels, r1, c1, r0, c0)


def test_anchors_are_free_pixels_of_their_blocks():
    belief = TeamBelief(0, 1, SHAPE)
    belief.report(np.array([0.0, 0.0]), 0.0, 0.0)
    reveal(belief, truth(3, 0.5))
    navigation = Navigation(belief)
    navigation.update()
    for i, j in np.argwhere(navigation.anchor >= 0):
        row, col = navigation.anchors(np.array([i * 10 + j]))[0].astype(int)
        assert (row // BLOCK, col // BLOCK) == (i, j) and belief.pixels[row, col] == FREE
    empty = (belief.pixels.reshape(8, 4, 10, 4) != FREE).all(axis=(1, 3))
    np.testing.assert_array_equal(navigation.anchor < 0, empty)


def test_the_edge_of_the_known_is_frontier_and_the_inside_is_not():
    belief = TeamBelief(0, 1, SHAPE)
    belief.report(np.array([0.0, 0.0]), 0.0, 0.0)
    seen = np.zeros(SHAPE, np.uint8)
    seen[:, :20] = FREE
    reveal(belief, seen)
    navigation = Navigation(belief)
    navigation.update()
    assert (navigation.frontier[1:-1, 4] == CLEAR).all()
    assert (navigation.frontier[:, :4] == NONE).all() and (navigation.frontier[:, 5:] == NONE).all()


@pytest.mark.parametrize("shape", [(30, 40), (32, 42)])
def test_a_map_that_is_no_multiple_of_a_block_is_refused(shape):
    with pytest.raises(ValueError, match="multiple of 4"):
        TeamBelief(0, 1, shape)

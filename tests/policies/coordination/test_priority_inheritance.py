"""Priority inheritance: conflict-free whatever is wished, and fair to priorities."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.policies.coordination.priority_inheritance import resolve

WIDTH = 8
OFFSETS = np.array([0, -WIDTH, WIDTH, -1, 1], dtype=np.int32)


def room() -> np.ndarray:
    """6x6 free cells ringed by walls: True where a wall is, flat."""
    return np.pad(np.zeros((6, 6), dtype=bool), 1, constant_values=True).ravel()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 36))
def test_no_two_in_a_cell_and_no_swap(seed, n_agents):
    rng = np.random.default_rng(seed)
    walls = room()
    cells = rng.permutation(np.flatnonzero(~walls))[:n_agents].astype(np.int32)
    scores = rng.random((n_agents, 5)).astype(np.float32)
    scores[walls[cells[:, None] + OFFSETS]] = -np.inf
    priority = rng.random(n_agents).astype(np.float32)
    actions = resolve(cells, scores, priority, OFFSETS, walls.size)
    after = cells + OFFSETS[actions]
    assert len(set(after.tolist())) == n_agents
    assert not walls[after].any()
    moved = {(a, b) for a, b in zip(cells.tolist(), after.tolist(), strict=True) if a != b}
    assert not any((b, a) in moved for a, b in moved)
    # Whoever has the highest priority gets what it likes best, as there is always somewhere to give way.
    first = int(priority.argmax())
    if n_agents <= 20:
        best = scores[first].argmax()
        blocked = actions[first] != best
        assert not blocked or (after == cells[first] + OFFSETS[best]).any()


def test_the_one_in_the_way_steps_aside():
    cells = np.array([1 * WIDTH + 1, 1 * WIDTH + 2], dtype=np.int32)  # side by side at the top
    scores = np.full((2, 5), -np.inf, dtype=np.float32)
    scores[:, 0] = 0
    scores[0, 4] = 1  # 0 wants to the right, where 1 would rather stay
    scores[1, 2] = -1
    high_first = np.array([1, 0], dtype=np.float32)
    assert resolve(cells, scores, high_first, OFFSETS, WIDTH * WIDTH).tolist() == [4, 2]
    assert resolve(cells, scores, high_first[::-1].copy(), OFFSETS, WIDTH * WIDTH).tolist() == [0, 0]


def test_equal_priorities_go_to_the_lower_index():
    cells = np.array([1 * WIDTH + 1, 1 * WIDTH + 3], dtype=np.int32)
    scores = np.zeros((2, 5), dtype=np.float32)
    scores[0, 4] = scores[1, 3] = 1
    actions = resolve(cells, scores, np.zeros(2, dtype=np.float32), OFFSETS, WIDTH * WIDTH)
    assert actions[0] == 4 and actions[1] != 3

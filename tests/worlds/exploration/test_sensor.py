"""The laser: range, walls, and the counts of the map that it writes into."""

import numpy as np

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.worlds.exploration.sensor import RANGE, RAYS, ray_table, scan


def look(walls, row, col, belief=None):
    belief = belief or TeamBelief(0, 1, walls.shape)
    found = scan(
        walls, *ray_table(), row, col, belief.pixels, belief.known, belief.free[0], belief.changed
    )  # fmt: skip
    return belief, found


def test_it_sees_a_disc_of_its_range():
    belief, found = look(np.zeros((200, 200), bool), 100, 100)
    rows, cols = np.nonzero(belief.pixels == FREE)
    away = np.hypot(rows - 100, cols - 100)
    assert RANGE - 1 < away.max() <= RANGE + 1
    assert found == len(rows)
    near = np.hypot(*np.meshgrid(np.arange(-60, 61), np.arange(-60, 61))) <= 60
    assert (belief.pixels[40:161, 40:161][near] == FREE).mean() > 0.99, "few gaps between rays"


def test_there_are_as_many_rays_as_published():
    steps, lengths = ray_table()
    assert len(lengths) == RAYS == 720 and RANGE == 80
    ends = steps[np.arange(RAYS), lengths - 1]
    assert np.abs(np.hypot(*ends.T.astype(float)) - RANGE).max() < 1.0


def test_walls_are_seen_and_stop_rays():
    walls = np.zeros((80, 120), bool)
    walls[:, 60] = True
    belief, _ = look(walls, 40, 40)
    assert (belief.pixels[:, 61:] == UNKNOWN).all()
    assert belief.pixels[40, 60] == OCCUPIED and belief.pixels[40, 59] == FREE
    assert not ((belief.pixels == FREE) & walls).any() and not ((belief.pixels == OCCUPIED) & ~walls).any()


def test_the_edge_of_the_map_is_no_pixel():
    belief, found = look(np.zeros((40, 40), bool), 0, 0)
    assert found > 0.99 * 1600 and not (belief.pixels == OCCUPIED).any()


def test_a_second_look_finds_nothing_and_marks_nothing(check_counts):
    walls = np.random.default_rng(0).random((80, 80)) < 0.1
    walls[40, 40] = False
    belief, found = look(walls, 40, 40)
    assert found > 0 and (belief.changed == (belief.known > 0)).all()
    check_counts(belief)
    belief.changed[:] = False
    _, found = look(walls, 40, 40, belief)
    assert found == 0 and not belief.changed.any()

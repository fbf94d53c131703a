"""What lies behind frontiers: their looks, what a network makes of them, and an explorer of that."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import planner_alone
from pilotfish.policies.ir2.lessons import Lessons, behind
from pilotfish.policies.ir2.network import (
    BEHIND,
    PROSPECTS,
    IR2Network,
    ProspectNetwork,
    TorchProspects,
    save_network,
)
from pilotfish.policies.ir2.options import EXPLORE, MEET
from pilotfish.policies.ir2.policy import IR2Policy
from pilotfish.policies.ir2.prospects import (
    BEYOND,
    FINE_SIDE,
    MEMBER,
    MOST_WIDE,
    OUTSIDE,
    SIDE,
    Foresight,
    OnnxProspects,
    Views,
    look_at,
)
from pilotfish.policies.ir2.territory import TIER
from pilotfish.policies.ir2.training import Stage
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map


def views(count: int, seed: int = 0) -> Views:
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 17, (count, SIDE, SIDE))
    marks = rng.integers(0, 3, known.shape)
    coarse = np.stack([rng.integers(0, known + 1), known, marks], axis=1).astype(np.uint8)
    wide = np.sort(rng.integers(0, 255, (count, 2, SIDE, SIDE)), axis=1).astype(np.uint8)
    fine = rng.integers(0, 3, (count, FINE_SIDE, FINE_SIDE)).astype(np.uint8)
    coarse[:, :, :4], wide[:, :, :12], fine[:, :16] = OUTSIDE, OUTSIDE, OUTSIDE
    return Views(coarse, wide, fine, rng.random((count, 2)).astype(np.float32))


def situation_of(belief) -> Situation:
    return Situation.of(belief, Navigation(belief))


def test_a_frontier_is_seen_with_the_map_around_it(corridor):
    belief = corridor(places=(200, 200))
    seen = situation_of(belief)
    view = look_at(seen)
    assert view.coarse.shape == (2, 3, SIDE, SIDE) and view.fine.shape == (2, FINE_SIDE, FINE_SIDE)
    row, col = np.divmod(seen.frontiers.block, belief.known.shape[1])
    for k in range(2):
        middle = SIDE // 2
        assert view.coarse[k, 0, middle, middle] == belief.free[0, row[k], col[k]]
        assert view.coarse[k, 1, middle, middle] == belief.known[row[k], col[k]]
        assert view.coarse[k, 2, middle, middle] == MEMBER
        middle = FINE_SIDE // 2
        assert view.fine[k, middle, middle] == belief.pixels[4 * row[k] + 2, 4 * col[k] + 2]
        cell = np.s_[row[k] : row[k] + 4, col[k] : col[k] + 4]
        middle = SIDE // 2
        assert view.wide[k, 0, middle, middle] == min(belief.free[0][cell].sum(dtype=int), MOST_WIDE)
        assert view.wide[k, 1, middle, middle] == min(belief.known[cell].sum(dtype=int), MOST_WIDE)
    assert (view.wide[:, 0] == OUTSIDE).mean() > 0.8
    # 48 px high: 12 blocks of the 32.
    assert (view.coarse[:, :, 0] == OUTSIDE).all() and (view.coarse[:, 0] == OUTSIDE).any(axis=2).sum() == 40


def test_a_frontier_and_the_unknown_behind_it_are_marked(corridor):
    belief = corridor(places=(200, 200))
    seen = situation_of(belief)
    frontiers = seen.frontiers
    marks = look_at(seen).coarse[:, 2]
    assert np.isin(marks, (0, MEMBER, BEYOND, OUTSIDE)).all()
    assert ((marks == MEMBER).sum(axis=(1, 2)) == frontiers.size).all()
    beyond = (marks == BEYOND).sum(axis=(1, 2))
    assert ((beyond > 0) & (beyond <= frontiers.pocket)).all()
    assert look_at(seen, np.array([1])).coarse[0].tolist() == look_at(seen).coarse[1].tolist()


def test_what_lies_behind_is_what_hangs_together(corridor):
    belief = corridor(places=(200, 200))  # known from column 100 to 300
    walls = np.ones(belief.pixels.shape, bool)
    walls[12:36, 40:310] = False
    walls[:, 60] = True  # what lies left of it cannot be seen from here
    found = behind(belief, situation_of(belief).frontiers, walls)
    assert sorted(found.tolist()) == [24 * 10, 24 * 39]


def test_nothing_lies_behind_a_sliver(corridor):
    belief = corridor(places=(200, 200))
    walls = belief.pixels != FREE
    assert behind(belief, situation_of(belief).frontiers, walls).tolist() == [0, 0]


@pytest.mark.parametrize("count", [1, 7])
def test_torch_and_onnx_agree(tmp_path, count):
    torch.manual_seed(1)
    config = IR2Config(width=8, heads=2, layers=1)
    network = IR2Network(config)
    save_network(network, config, tmp_path)
    expected = OnnxProspects(tmp_path / "prospects.onnx")(views(count))
    np.testing.assert_allclose(expected, TorchProspects(network.prospects)(views(count)), rtol=1e-4)
    assert expected.shape == (count,) and ((expected > BEHIND[0]) & (expected < BEHIND[-1])).all()


def test_what_was_seen_is_not_asked_again(corridor, write_map):
    asked = []

    def network(seen: Views) -> np.ndarray:
        asked.append(len(seen))
        return np.linspace(0.2, 0.4, len(seen), dtype=np.float32)

    belief, foresight = corridor(places=(200, 200)), Foresight(network)
    seen = situation_of(belief)
    first = foresight(seen)
    assert foresight(seen).tolist() == first.tolist() and asked == [2]
    pixels = belief.pixels.copy()
    pixels[20, 296] = OCCUPIED  # beside the right frontier: looks other than before
    write_map(belief, pixels)
    assert len(foresight(situation_of(belief))) == 2 and asked == [2, 1]


def explorer(left: float, right: float) -> IR2Policy:
    """Expects so many pixels behind the left and the right frontier of the corridor."""

    def network(seen: Views) -> np.ndarray:
        # The left one has its unknown on the left.
        to_the_left = (seen.fine[:, FINE_SIDE // 2, 16 : FINE_SIDE // 2] == UNKNOWN).any(axis=1)
        return np.where(to_the_left, left, right).astype(np.float32)

    return IR2Policy(IR2Config(), planner_alone, prospects=network)


def decide(policy: IR2Policy, belief):
    policy.reset(belief, 0)
    seen = Situation.of(belief, policy.navigation)
    return policy.options(seen), seen


def test_a_promising_frontier_far_away_comes_before_a_doubtful_one_here(corridor):
    belief = corridor(places=(110, 110))
    options, seen = decide(explorer(left=3.0, right=900.0), belief)
    assert (options.kind == EXPLORE).sum() == 1
    assert seen.navigation.anchors(options.block[:1])[0, 1] > 280


def out_of_reach(belief, lacks: slice) -> None:
    belief.connected[1] = False
    belief.free[1, :, lacks.start // 4 : lacks.stop // 4] = 0


def test_when_nothing_is_promising_it_looks_for_others_first(corridor):
    belief = corridor(places=(110, 150))
    out_of_reach(belief, slice(200, 300))
    options, _ = decide(explorer(left=3.0, right=3.0), belief)
    assert options.kind[options.best] == MEET
    assert (options.cost[options.kind == EXPLORE] >= TIER - 1.0).all()


def test_after_long_without_news_it_looks_behind_doubtful_frontiers(corridor):
    belief = corridor(places=(110, 150))
    out_of_reach(belief, slice(200, 300))
    policy = explorer(left=3.0, right=3.0)
    decide(policy, belief)
    belief.report(belief.position[0].copy(), belief.now + policy.config.doubt, 0.0)
    options = policy.options(Situation.of(belief, policy.navigation))
    assert options.kind[options.best] == EXPLORE


@pytest.mark.parametrize(
    ("left", "right", "spared"), [(3.0, 3.0, 2), (3.0, 36.0, 1), (39.0, 30.0, 1), (39.0, 40.0, 0)]
)
def test_so_many_frontiers_are_spared_as_together_hide_little(corridor, left, right, spared):
    belief = corridor(places=(110, 150))
    out_of_reach(belief, slice(200, 300))
    assert IR2Config().spare * belief.free_pixels == pytest.approx(38.4)
    policy = explorer(left, right)
    _, seen = decide(policy, belief)
    promising = policy.promising(seen)
    assert (~promising).sum() == spared
    if spared == 1:
        column = seen.navigation.anchors(seen.frontiers.block)[:, 1]
        assert (column[promising] > 200) == (right > left), "the poorer one is spared"


@pytest.mark.parametrize(("age", "spared"), [(0.0, 2), (0.5, 1), (1.0, 0)])
def test_ever_less_is_spared_while_there_is_no_news(corridor, write_map, age, spared):
    belief = corridor(places=(110, 150))
    out_of_reach(belief, slice(200, 300))
    policy = explorer(left=10.0, right=15.0)
    decide(policy, belief)
    belief.report(belief.position[0].copy(), belief.now + age * policy.config.doubt, 0.0)
    seen = Situation.of(belief, policy.navigation)
    policy.options(seen)
    assert (~policy.promising(seen)).sum() == spared
    pixels = belief.pixels.copy()
    pixels[12:36, 300:304] = FREE
    write_map(belief, pixels)
    seen = Situation.of(belief, policy.navigation)
    policy.options(seen)
    assert (~policy.promising(seen)).sum() == 2, "there is news"


def test_who_spares_nothing_looks_behind_all(corridor):
    belief = corridor(places=(110, 150))
    policy = IR2Policy(IR2Config(spare=0.0), planner_alone, prospects=lambda v: np.zeros(len(v), np.float32))
    _, seen = decide(policy, belief)
    assert policy.promising(seen).tolist() == [True, True]


def test_each_class_has_its_mean():
    assert np.digitize(BEHIND, PROSPECTS).tolist() == list(range(len(BEHIND)))


def test_connected_robots_share_doubtful_frontiers_out(corridor):
    chosen = []
    for me in range(2):
        belief = corridor(places=(200, 200), me=me)
        options, seen = decide(explorer(left=3.0, right=3.0), belief)
        assert options.kind[options.best] == EXPLORE
        chosen.append(float(seen.navigation.anchors(options.block[[options.best]])[0, 1]))
    assert abs(chosen[0] - chosen[1]) > 150


def test_an_explorer_who_judges_all_wrongly_still_finishes():
    """Everything real is taken for a sliver: it comes last, and is done all the same."""
    grid = load_map("gen:hybrid?size=120&seed=1")
    world = ExplorationWorld(grid, 2, "closed")
    team = [
        IR2Policy(IR2Config(), planner_alone, prospects=lambda v: np.zeros(len(v), np.float32))
        for _ in range(2)
    ]
    for policy, belief in zip(team, world.reset(3), strict=True):
        policy.reset(belief, 3)
    for _ in range(400):
        if world.step([policy.act() for policy in team]).done:
            return
    pytest.fail("not done after 400 steps")


def test_lessons_are_learned_and_kept(tmp_path):
    """Frontiers with walls in the middle of the view hide nothing, the others a lot: easily learned."""
    torch.manual_seed(0)
    lessons = Lessons(tmp_path / "lessons")
    rng = np.random.default_rng(0)
    for part in range(8):
        seen = views(64, part)
        closed = rng.random(64) < 0.5
        seen.fine[closed, 28:36, 28:36], seen.fine[~closed, 28:36, 28:36] = OCCUPIED, UNKNOWN
        lessons.add(seen, np.where(closed, 0, 5000))
        if part % 3 == 0:
            lessons.save()
    lessons.save()
    lessons.save()
    assert sorted(path.name for path in (tmp_path / "lessons").iterdir()) == [
        f"0000{k}.npz" for k in range(4)
    ]
    episodes = [{"maps": "gen:hybrid?size=120&seed=0", "robots": 2}]
    stage = Stage(
        name="a", method="prospects", steps=1, learning_rate=3e-3, batch=32, epochs=10, episodes=episodes
    )
    network = ProspectNetwork(4)
    learned = Lessons(tmp_path / "lessons").teach(network, stage)
    assert learned["cross_entropy"] < 0.2 * learned["base_rate"]
    assert learned["missed"] == 0.0
    assert learned["hopeless"] > 0.9

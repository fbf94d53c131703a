"""A curriculum runs, stops, goes on, and ends in a model that explores."""

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch
from safetensors.torch import load_file
from stable_baselines3 import PPO

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import Episode, ExplorationVecEnv, RewardConfig, views
from pilotfish.policies.ir2.episode import Cap, explore
from pilotfish.policies.ir2.features import Features
from pilotfish.policies.ir2.network import TorchProspects
from pilotfish.policies.ir2.training import (
    CHECKPOINT,
    DEFAULT_CURRICULUM,
    Curriculum,
    ExplorerActorCritic,
    export,
    train,
)
from pilotfish.policies.registry import make_exploration_policy
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map

TINY = """
seed: 3
model: {width: 8, heads: 2, layers: 1, every: 2}
stages:
  - name: a
    method: imitate
    steps: 64
    rollout: 8
    episodes: &all [{maps: "gen:hybrid?size=120&seed=0-1", robots: 2, radio: closed, copies: 2, cap: 300}]
  - {name: b, method: ppo, steps: 96, rollout: 8, batch: 16, epochs: 1, reward: {time: 0.1}, episodes: *all}
"""


def written(folder: Path, text: str = TINY) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def progress(run: Path) -> dict:
    return json.loads((run / "progress.json").read_text())


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / CHECKPOINT, weights_only=True)["policy"]


def test_train_stop_resume_export(tmp_path):
    config, run = written(tmp_path), tmp_path / "run"
    assert not train(config, run, resume=False, budget_minutes=1e-4)
    first, before = progress(run), weights(run)
    assert first["stage"] == 0 and 0 < first["steps"] < 64
    with pytest.raises(ValueError, match="holds a run already"):
        train(config, run, resume=False)
    config.unlink()  # the run has its own copy
    assert train(config, run, resume=True)
    last = progress(run)
    assert last["stage"] == 1 and last["steps"] >= 96 and last["seconds"] > first["seconds"]
    assert any((before[name] != value).any() for name, value in weights(run).items())
    logs = sorted(path.parent.name for path in (run / "tensorboard").rglob("events.*"))
    assert set(logs) == {"a", "b"} and len(logs) == 3, "a stage that goes on keeps what it had logged"
    done = weights(run)
    assert train(config, run, resume=True), "there is nothing left to do"
    assert all((done[name] == value).all() for name, value in weights(run).items())
    export(run, run / "model")
    saved = load_file(run / "model" / "model.safetensors")
    assert {f"network.{name}" for name in saved} <= set(done)
    assert all((done[f"network.{name}"] == value).all() for name, value in saved.items())
    policy = make_exploration_policy(str(run / "model"))
    assert policy.config == IR2Config(width=8, heads=2, layers=1, every=2)
    world = ExplorationWorld(load_map("gen:hybrid?size=120&seed=7"), 1, "closed")
    assert explore(world, [policy], 0, Cap("distance", 3000.0))["success"]


def behind_all(run: Path) -> np.ndarray:
    """What a run has noted of frontiers."""
    return np.concatenate([np.load(file)["behind"] for file in sorted((run / "lessons").glob("*.npz"))])


def test_episodes_are_shared_among_processes(tmp_path):
    """All methods, with more processes than there are episodes."""
    looking = """
  - {name: j, method: prospects, steps: 400, epochs: 1, batch: 64, episodes: *all}
  - {name: k, method: ppo, steps: 20, rollout: 4, batch: 16, epochs: 1, episodes: *all}
"""
    run = tmp_path / "run"
    assert train(written(tmp_path, TINY + looking), run, resume=False, workers=3)
    assert progress(run)["stage"] == 3 and progress(run)["prospects"]
    assert len(behind_all(run)) > 20
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("method", ["imitate", "ppo"])
def test_a_stage_is_over_when_enough_episodes_in_a_row_succeed(tmp_path, method):
    stage = f"""
    model: {{width: 8, heads: 2, layers: 1, every: 4}}
    stages:
      - name: easy
        method: {method}
        steps: 1000000
        rollout: 4
        batch: 16
        promotion: {{success: 0.9, window: 2}}
        episodes: [{{maps: "gen:hybrid?size=120&seed=0-1", robots: 1, copies: 2}}]
    """
    run = tmp_path / "run"
    assert train(written(tmp_path, stage), run, resume=False, budget_minutes=0.5)
    assert progress(run)["steps"] == 1_000_000, "so that it is not begun again"


def test_no_promotion_without_success(tmp_path):
    stage = TINY.split("  - {name: b")[0].replace("cap: 300", "cap: 30")
    stage = stage.replace("rollout: 8", "rollout: 4\n    promotion: {success: 0.5, window: 2}")
    run = tmp_path / "run"
    assert train(written(tmp_path, stage), run, resume=False)
    assert progress(run)["steps"] == 64
    table = (run / "tensorboard" / "a" / "progress-0.csv").read_text()
    assert "explore/hybrid/success" in table.splitlines()[0]


def test_episodes_that_count_for_promotion_are_kept_over_a_stop(tmp_path):
    stage = TINY.split("  - {name: b")[0].replace("cap: 300", "cap: 30")
    stage = stage.replace("rollout: 8", "rollout: 4\n    promotion: {success: 0.5, window: 2}")
    run = tmp_path / "run"
    assert not train(written(tmp_path, stage), run, resume=False, budget_minutes=1e-4)
    stopped = progress(run)
    (run / "progress.json").write_text(json.dumps(stopped | {"recent": [True, True]}))
    assert train(run, run, resume=True)
    table = (run / "tensorboard" / "a" / f"progress-{stopped['steps']}.csv").read_text()
    assert len(table.splitlines()) == 2, "one round, then it was promoted"


def test_ppo_learns_from_the_last_rollout_too(tmp_path, monkeypatch):
    """A stage that is shorter than a rollout would teach nothing else."""
    learned = []
    monkeypatch.setattr(PPO, "train", lambda model: learned.append(model.rollout_buffer.full))
    stage = TINY.replace("steps: 96, rollout: 8", "steps: 6, rollout: 8").replace("steps: 64", "steps: 2")
    run = tmp_path / "run"
    assert train(written(tmp_path, stage), run, resume=False)
    assert learned == [True]
    assert progress(run)["steps"] == 32, "the whole rollout of two teams of two counts"


def test_imitation_learns_the_planners_choice(tmp_path):
    """The pointer is made to speak against the planner first."""
    text = TINY.split("  - {name: b")[0].replace(
        "steps: 64", "steps: 200\n    learning_rate: 0.02\n    batch: 4"
    )
    run = tmp_path / "run"
    train(written(tmp_path, text), run, resume=False, budget_minutes=1e-4)
    state = torch.load(run / CHECKPOINT, weights_only=True)
    torch.manual_seed(2)
    for name in ("query", "key"):
        torch.nn.init.normal_(state["policy"][f"network.{name}.weight"], std=5.0)
    torch.save(state, run / CHECKPOINT)
    start = progress(run)["steps"]
    assert train(run, run, resume=True)
    table = np.genfromtxt(run / "tensorboard" / "a" / f"progress-{start}.csv", delimiter=",", names=True)
    agreement, loss = table["imitationagreement"], table["imitationloss"]
    assert loss[0] > 0.2 and np.mean(loss[-2:]) < loss[0] / 3
    assert np.mean(agreement[-2:]) > 0.95


def test_prospects_are_learned_and_used_from_the_next_stage_on(tmp_path, monkeypatch):
    text = """
    model: {width: 8, heads: 2, layers: 1}
    stages:
      - {name: a, method: prospects, steps: 600, epochs: 3, batch: 64, learning_rate: 0.002, episodes: &all
          [{maps: "gen:hybrid?size=120&seed=0-1", robots: 2, radio: closed, copies: 2, cap: 900}]}
      - {name: b, method: prospects, steps: 200, epochs: 1, batch: 64, learning_rate: 0.002, episodes: *all}
    """
    asked = []
    call = TorchProspects.__call__
    monkeypatch.setattr(TorchProspects, "__call__", lambda me, seen: asked.append(me) or call(me, seen))
    run = tmp_path / "run"
    assert not train(written(tmp_path, text), run, resume=False, budget_minutes=1e-4)
    assert not asked
    assert train(run, run, resume=True)
    assert asked, "the second stage explores with what the first has learned"
    found = behind_all(run)
    assert len(found) > 20 and 0.05 < (found > 100).mean() < 0.95
    table = np.genfromtxt(sorted((run / "tensorboard").rglob("*.csv"))[-1], delimiter=",", names=True)
    assert np.isfinite(table["prospectscross_entropy"])
    export(run, tmp_path / "model")
    policy = make_exploration_policy(str(tmp_path / "model"))
    assert policy.prospects is not None


def test_sb3_sees_the_same_network():
    """Many packed decisions at once, and each by itself: the same logits; what is no option is not chosen."""
    config = IR2Config(width=16, heads=2, layers=2)
    grid = load_map("gen:hybrid?size=120&seed=1")
    rng = np.random.default_rng(0)
    vector = ExplorationVecEnv([Episode(lambda rng: grid, 3, "closed", 900.0, rng, RewardConfig(), config)])
    flat = [vector.reset()] + [vector.step(vector.teacher())[0] for _ in range(6)]
    seen = torch.as_tensor(np.concatenate(flat))
    torch.manual_seed(0)
    policy = ExplorerActorCritic(vector.observation_space, vector.action_space, lambda _: 1e-3, config=config)
    torch.nn.init.normal_(policy.network.query.weight, std=0.5)
    with torch.no_grad():
        probabilities = policy.get_distribution(seen).distribution.probs
        actions, values, logs = policy(seen)
        again = policy.evaluate_actions(seen, actions)
        np.testing.assert_allclose(policy.predict_values(seen), values, atol=1e-5)
    np.testing.assert_allclose(again[0], values, atol=1e-5)
    np.testing.assert_allclose(again[1], logs, atol=1e-5)
    assert (again[2] >= 0).all()
    counts = views(seen)["counts"].long()
    assert len(set(counts[:, 0].tolist())) > 3, "graphs of several sizes"
    for row in range(len(seen)):
        part, (nodes, edges, options) = views(seen[row]), counts[row].tolist()
        one = Features(
            part["nodes"][:nodes],
            part["edges"][:, :edges].long(),
            part["edge_features"][:edges],
            part["context"],
            part["option"][:options].long(),
            part["prior"][:options],
        )
        with torch.no_grad():
            logits = policy.network(*vars(one).values())
        np.testing.assert_allclose(probabilities[row, :options], torch.softmax(logits, 0), atol=1e-4)
        assert (probabilities[row, options:] == 0).all() and actions[row] < options


def test_the_shipped_curriculum_is_valid():
    curriculum = Curriculum.load(DEFAULT_CURRICULUM)
    groups = [group for stage in curriculum.stages for group in stage.episodes]
    for family in ("hybrid", "corridor", "complex"):
        assert any(family in group.maps for group in groups)
    # Seeds below 1000 and from 2000 on are not trained on.
    for group in groups:
        seeds = [int(seed) for seed in group.maps.split("seed=")[1].split("-")]
        assert min(seeds) >= 1000 and max(seeds) < 2000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("method: imitate", "method: imitat", "'imitat'"),
        ("steps: 64", "stepz: 64", "stepz"),
        ("steps: 64", "steps: 0", "'a' needs positive steps"),
        ("episodes: &all [{", "episodes: &all [{robotz: 1, ", "robotz"),
        ("time: 0.1", "tyme: 0.1", "tyme"),
        ("width: 8", "width: 9", "width 9"),
        ("layers: 1", "layer: 1", "'layer'"),
        ("seed: 3", "sead: 3", "sead"),
        ("stages:", "stagez:", "stages"),
    ],
)
def test_a_bad_curriculum_names_the_value(tmp_path, old, new, message):
    path = written(tmp_path, TINY.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        train(path, tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_nothing_to_resume(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run to go on with"):
        train(Path("x.yaml"), tmp_path / "none", resume=True)

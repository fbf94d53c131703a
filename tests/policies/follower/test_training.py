"""A curriculum runs, stops, goes on, and ends in a model that plays."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from pilotfish.policies.follower.environment import Episode, FleetVecEnv, RewardConfig
from pilotfish.policies.follower.training import DEFAULT_CURRICULUM, Curriculum, export, train
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.rollout import rollout

TINY = """
hidden: [16, 8]
stages:
  - name: a
    method: imitate
    steps: 3000
    rollout: 8
    episodes: &all [{maps: "gen:random?size=10&seed=0-1", agents: 8, copies: 4, length: 20}]
  - {name: b, method: ppo, steps: 2000, rollout: 8, batch: 64, epochs: 1, episodes: *all}
"""


def env(negotiate: bool = False) -> FleetVecEnv:
    grid = load_map("gen:random?size=10&density=0.1&seed=1")
    make = [
        Episode(lambda rng: grid, 8, 15, np.random.default_rng(k), RewardConfig(), negotiate)
        for k in range(2)
    ]
    return FleetVecEnv(make)


def test_vector_environment_ends_and_restarts_episodes():
    vector = env()
    assert vector.reset().shape == vector.observation_space.shape[:0] + (
        16,
        vector.observation_space.shape[0],
    )
    ended = 0
    for _ in range(40):
        features, rewards, dones, infos = vector.step(np.ones(16, dtype=int))
        assert np.isfinite(features).all() and np.isfinite(rewards).all()
        for row in np.flatnonzero(dones):
            assert infos[row]["TimeLimit.truncated"] and infos[row]["terminal_observation"].shape == (738,)
            ended += 1
    assert ended >= 16 and vector.throughput


def test_following_the_path_pays_and_turning_back_costs():
    vector = env(negotiate=True)
    vector.reset()
    forward = np.mean([vector.step(np.full(16, 1))[1].mean() for _ in range(30)])
    vector.reset()
    back = np.mean([vector.step(np.full(16, 2))[1].mean() for _ in range(30)])
    assert forward > 0 > back


def test_train_stop_resume_export(tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(TINY)
    run = tmp_path / "run"
    assert not train(config, run, resume=False, budget_minutes=0.001)
    first = json.loads((run / "progress.json").read_text())
    with pytest.raises(ValueError, match="holds a run already"):
        train(config, run, resume=False)
    assert train(config, run, resume=True)
    last = json.loads((run / "progress.json").read_text())
    assert (last["stage"], last["steps"]) > (first["stage"], first["steps"])
    assert list((run / "tensorboard").rglob("events.*"))
    export(run, run / "model")
    result = rollout(GridFleet(load_map("warehouse-small"), 4), make_fleet_policy(str(run / "model")), 0, 50)
    assert result.steps == 50


def test_shipped_curriculum_is_valid_and_mixes_families():
    curriculum = Curriculum.load(DEFAULT_CURRICULUM)
    maps = " ".join(group.maps for stage in curriculum.stages for group in stage.episodes)
    assert all(family in maps for family in ("random", "mazes", "rooms", "warehouses", "cities"))


@pytest.mark.parametrize(
    ("change", "message"), [(("imitate", "imitat"), "imitat"), (("steps: 3000", "stepz: 3000"), "stepz")]
)
def test_a_bad_curriculum_names_the_value(tmp_path, change, message):
    path = tmp_path / "bad.yaml"
    path.write_text(TINY.replace(*change, 1))
    with pytest.raises(ValueError, match=message):
        Curriculum.load(path)


def test_nothing_to_resume(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run to go on with"):
        train(Path("x.yaml"), tmp_path / "none", resume=True)

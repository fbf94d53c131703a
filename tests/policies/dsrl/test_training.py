"""A run measures first, learns, stops, goes on, and leaves a policy; its settings are checked."""

import csv
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.constant import Probe, probe, search_constant
from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.dsrl.policy import ConstantNoise, SampledNoise, SteeredPolicy
from pilotfish.policies.dsrl.replay import ChunkTransitions
from pilotfish.policies.dsrl.training import CHECKPOINT, export, train
from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.manipulation.evaluation import Evaluator
from pilotfish.worlds.manipulation.seeds import TRAINING

SETTINGS = {
    "parameterisation": "repeated",
    "width": 16,
    "batch": 32,
    "warm_up": 20,
    "recent": 64,
    "denoise": 16,
    "probe_episodes": 20,
    "candidates": 4,
}


@pytest.mark.parametrize("algorithm", ["sac", "na"])
def test_a_run_stops_and_goes_on(algorithm, task, base, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pilotfish.policies.dsrl.training.LOG_EVERY", 50)
    settings = DSRLConfig(algorithm, **SETTINGS, evaluate_every=100, evaluate_episodes=10)
    make, out = type(task), tmp_path / "run"
    assert not train(make, base, settings, out, seed=3, steps=300, budget_minutes=1e-9)
    assert "wbest" in capsys.readouterr().out
    assert train(make, base, settings, out, seed=3, steps=150, resume=True)
    assert train(make, base, settings, out, seed=3, steps=300, resume=True)
    rows = [row for path in sorted(out.glob("tensorboard/*.csv")) for row in csv.DictReader(path.open())]
    steps = sorted(int(float(row["dsrl/env_steps"])) for row in rows if row["dsrl/env_steps"])
    assert steps[-1] >= 300 and max(int(float(row["dsrl/chunks"])) for row in rows) > 70
    assert any(row.get("dsrl/evaluation") for row in rows)
    with pytest.raises(ValueError, match="holds a run already"):
        train(make, base, settings, out)
    export(out, tmp_path / "model")
    policy = SteeredPolicy.from_pretrained(tmp_path / "model", base)
    assert Evaluator(make, 4)(policy, range(4)).steps.min() > 0
    assert Probe.load(tmp_path / "model" / "probe.json").episodes == 20


def test_a_resumed_run_keeps_its_replay_and_draws_new_episodes(task, base, tmp_path):
    settings = DSRLConfig(**{**SETTINGS, "probe_episodes": 0})
    seeds = []

    def make():
        made = type(task)()
        seeds.append(made.seeds)
        return made

    train(make, base, settings, tmp_path, steps=100)
    train(make, base, settings, tmp_path, steps=200, resume=True)
    trained = [{seed for seed in made if seed >= TRAINING} for made in seeds]
    first, second = (found for found in trained if found)
    assert not first & second
    saved = pickle.loads((tmp_path / CHECKPOINT).read_bytes())
    assert saved["replay"].pos >= 46 and saved["progress"]["env_steps"] >= 200


def test_demonstrations_go_to_noise_aliasing_only(task, base, tmp_path):
    states, actions = np.zeros((13, 4), np.float32), np.zeros((12, 2), np.float32)
    cut = ChunkTransitions.of_episode(states, actions, True, 4, 0.99, 0.25)
    settings = {**SETTINGS, "probe_episodes": 0}
    assert train(type(task), base, DSRLConfig("na", **settings), tmp_path / "na", steps=100, prefill=cut)
    with pytest.raises(ValueError, match="noise aliasing"):
        train(type(task), base, DSRLConfig("sac", **settings), tmp_path / "sac", prefill=cut)


def test_there_must_be_a_run_to_go_on_with(task, base, tmp_path):
    with pytest.raises(FileNotFoundError, match="no run"):
        train(type(task), base, DSRLConfig(), tmp_path, resume=True)
    with pytest.raises(FileNotFoundError, match="no trained policy"):
        export(tmp_path, tmp_path / "model")


@pytest.mark.parametrize(
    "bad",
    [
        {"algorithm": "ppo"},
        {"parameterisation": "fourier"},
        {"utd": 0},
        {"gamma": 1.5},
        {"bound": -2.0},
        {"alpha": -0.1},
        {"denoise": 5000},
        {"actor_share": 1.0},
        {"activation": "gelu"},
    ],
)
def test_bad_settings_are_named(bad):
    with pytest.raises(ValueError, match=str(next(iter(bad.values())))):
        DSRLConfig(**bad)


def test_settings_from_a_file(tmp_path):
    path = tmp_path / "settings.yaml"
    DSRLConfig(utd=7, alpha=0.1).save(path)
    assert DSRLConfig.load(path) == DSRLConfig(utd=7, alpha=0.1)
    path.write_text("utdd: 3")
    with pytest.raises(ValueError, match="utdd"):
        DSRLConfig.load(path)


def test_both_back_ends_choose_the_same_noise(task, base, tmp_path):
    settings = DSRLConfig(**{**SETTINGS, "parameterisation": "low_rank"})
    train(type(task), base, settings, tmp_path, steps=200)
    policies = [SteeredPolicy.from_pretrained(tmp_path / "policy", base, b) for b in ("onnx", "torch")]
    random = np.random.default_rng(0)
    for count in (1, 7):
        states = random.standard_normal((count, 4), np.float32)
        onnx, with_torch = (policy.actor(states) for policy in policies)
        np.testing.assert_allclose(onnx, with_torch, atol=1e-5)
        assert onnx.shape == (count, 4) and np.abs(onnx).max() <= 1.5
    policies[1].save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["policy"] == "dsrl"
    with pytest.raises(ValueError, match="torch"):
        policies[0].save_pretrained(tmp_path / "never")
    with pytest.raises(ValueError, match="'tpu'"):
        SteeredPolicy.from_pretrained(tmp_path / "policy", base, "tpu")
    base.fingerprint = "another"
    with pytest.raises(ValueError, match="not 'either_way' of another"):
        SteeredPolicy.from_pretrained(tmp_path / "policy", base)


def test_policies_of_fixed_and_drawn_noise(task, base):
    seen = {name: np.zeros((5, 2), np.float32) for name in task.observation_space.spaces}
    drawn, zero = SampledNoise(base), ConstantNoise(base)
    assert isinstance(drawn, ChunkPolicy) and isinstance(zero, ChunkPolicy)
    drawn.reset(1)
    first = drawn.act(seen)
    drawn.reset(1)
    np.testing.assert_array_equal(drawn.act(seen), first)
    assert not np.array_equal(first[0], first[1])
    chunks = zero.act(seen)
    np.testing.assert_array_equal(chunks, np.broadcast_to(chunks[:1], chunks.shape))
    with pytest.raises(ValueError, match="noise of either_way"):
        ConstantNoise(base, np.zeros((3, 2)))


def test_the_search_finds_noise_that_wins(task, base):
    class RightIsOpen(type(task)):
        def reset(self, **kwargs):
            super().reset(**kwargs)
            self.surroundings[0] = abs(self.surroundings[0])
            return self.observe(), {}

    kind = Parameterisation("repeated", base.noise_shape)
    w = search_constant(Evaluator(RightIsOpen, 8), base, kind, candidates=6, bound=1.5, seed=2)
    assert w.shape == (2,) and w[0] > 0
    measured, states = probe(RightIsOpen, base, DSRLConfig(**SETTINGS))
    assert measured.success["wbest"] == 1.0 and measured.success["w0"] < 0.5
    assert states.shape[1] == 4 and len(states) > 100
    assert measured.best_noise(base).shape == base.noise_shape


def test_torch_is_not_needed_to_act():
    """What a robot imports."""
    code = "import sys, pilotfish.policies.dsrl.policy; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

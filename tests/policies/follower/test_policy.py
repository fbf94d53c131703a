"""The learned follower: features, back ends, save and load."""

import json
from pathlib import Path

import numpy as np
import pytest

from pilotfish.policies.follower.config import FollowerConfig
from pilotfish.policies.follower.features import N_FEATURES, TURN_ACTIONS, Features
from pilotfish.policies.follower.planner import Planner
from pilotfish.policies.follower.policy import FollowerPolicy
from pilotfish.policies.network import OnnxNetwork
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.rollout import rollout

GRID = load_map("warehouse-small")
LITE = Path(__file__).parents[4] / "shared" / "data" / "mapf" / "follower-lite.onnx"


def some_features(n_agents: int = 10, steps: int = 30) -> np.ndarray:
    """Features met in an episode of random actions."""
    fleet, planner, features = GridFleet(GRID, n_agents), Planner(GRID, n_agents), Features(n_agents)
    seen = fleet.reset(0)
    rng = np.random.default_rng(0)
    out = []
    for _ in range(steps):
        planner.update(seen.cell, seen.goal, seen.window)
        out.append(features.update(seen, planner).copy())
        seen = fleet.step(rng.integers(0, 5, n_agents))
    return np.concatenate(out)


def test_features_are_bounded():
    features = some_features()
    assert features.shape == (300, N_FEATURES) and np.isfinite(features).all()
    assert features.min() >= -1 and features.max() <= 2


def test_the_best_move_is_always_up_and_left_is_the_better_side():
    features = some_features()
    cost = features[:, -12:-7]  # of the actions of the turned window, above the best
    assert (cost[:, 1] == 0).all()
    assert (cost[:, 3] <= cost[:, 4]).all()


def test_actions_turn_back():
    features = Features(8)
    features.turn[:] = np.arange(8)
    for actions in TURN_ACTIONS.T:
        window = features.actions_in_window(actions)
        assert (features.actions_in_map(window) == actions).all()
    scores = np.tile(np.arange(5, dtype=np.float32), (8, 1))
    in_map = features.scores_in_map(scores)
    assert (in_map.argmax(axis=1) == TURN_ACTIONS[:, 4]).all()


def test_onnx_and_torch_agree():
    pytest.importorskip("torch")
    features = some_features()
    onnx, torch = (
        FollowerPolicy.from_pretrained("follower/follower", backend=b).network for b in ("onnx", "torch")
    )
    assert np.allclose(onnx(features), torch(features), atol=1e-4)


def test_save_and_load(tmp_path):
    policy = make_fleet_policy("follower")
    policy.save_pretrained(tmp_path / "copy")
    again = make_fleet_policy(str(tmp_path / "copy"))
    one, other = (rollout(GridFleet(GRID, 6), p, 3, 80).goals.tolist() for p in (policy, again))
    assert one == other
    assert again.config == policy.config


def test_bad_models_say_what_is_wrong(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"hiden": [1, 2]}))
    with pytest.raises(ValueError, match="hiden"):
        FollowerPolicy.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"n_features": 7}))
    with pytest.raises(ValueError, match="trained on 7 features"):
        FollowerPolicy.from_pretrained(tmp_path)
    FollowerConfig().save(tmp_path)
    with pytest.raises(FileNotFoundError, match="model.onnx"):
        FollowerPolicy.from_pretrained(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(ValueError, match="no usable ONNX model"):
        FollowerPolicy.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        FollowerConfig(temperature=0)


@pytest.mark.skipif(not LITE.exists(), reason=f"needs the published network {LITE}")
def test_published_network_plugs_in():
    result = rollout(GridFleet(GRID, 6), make_fleet_policy(f"onnx:{LITE}"), 0, 200)
    walk = rollout(GridFleet(GRID, 6), make_fleet_policy("random"), 0, 200)
    assert result.goals.sum() > 2 * walk.goals.sum()


def test_a_network_of_another_shape_is_refused():
    shipped = Path(make_fleet_policy("follower")._folder) / "model.onnx"
    assert OnnxNetwork(shipped).input_shape[1] == N_FEATURES
    with pytest.raises(ValueError, match="action_logits"):
        make_fleet_policy(f"onnx:{shipped}")

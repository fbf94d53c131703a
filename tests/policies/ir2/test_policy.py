"""The learned explorer: its network in both back ends, its configuration, its folder, and what it does."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.environment import planner_alone
from pilotfish.policies.ir2.episode import Cap, explore
from pilotfish.policies.ir2.features import N_EDGE, N_GLOBAL, N_NODE, Features
from pilotfish.policies.ir2.network import IR2Network, TorchIR2Network, save_network
from pilotfish.policies.ir2.policy import IR2Policy, OnnxIR2Network
from pilotfish.policies.ir2.territory import TerritoryPolicy
from pilotfish.policies.registry import make_exploration_policy
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map

GRID = load_map("gen:hybrid?size=120&seed=1")
CONFIG = IR2Config(width=16, heads=2, layers=2)
FAR_CAP = Cap("distance", 3000.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network whose pointer is not silent, saved."""
    torch.manual_seed(0)
    network = IR2Network(CONFIG)
    torch.nn.init.normal_(network.query.weight, std=0.5)
    folder = tmp_path_factory.mktemp("models") / "loud"
    save_network(network, CONFIG, folder)
    return folder


def decision(nodes: int, options: int, seed: int) -> Features:
    """A random graph, connected to node 0."""
    rng = np.random.default_rng(seed)
    edges = np.concatenate(
        [rng.integers(0, nodes, (2, 3 * nodes)), [np.zeros(nodes, int), np.arange(nodes)]], 1
    )
    return Features(
        rng.normal(size=(nodes, N_NODE)).astype(np.float32),
        edges.astype(np.int64),
        rng.random((edges.shape[1], N_EDGE), np.float32),
        rng.normal(size=N_GLOBAL).astype(np.float32),
        rng.integers(0, nodes, options).astype(np.int64),
        -7 * rng.random(options, np.float32),
    )


@pytest.mark.parametrize(
    ("nodes", "options"), [(1, 1), (2, 1), (5, 2), (30, 7), (96, 60), (96, 1), (40, 12), (17, 17)]
)
def test_torch_and_onnx_agree(folder, nodes, options):
    features = decision(nodes, options, seed=nodes)
    one = TorchIR2Network(folder, CONFIG)(features)
    other = OnnxIR2Network(folder / "model.onnx")(features)
    assert one.shape == other.shape == (options,)
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert np.abs(one - features.prior).max() > 1e-3, "it has a say"
    assert np.abs(one - features.prior).max() <= CONFIG.clip


def test_the_network_does_not_mind_the_order_of_nodes(folder):
    features = decision(20, 6, seed=3)
    order = np.concatenate([[0], 1 + np.random.default_rng(0).permutation(19)])
    place = np.argsort(order)
    turned = Features(
        features.nodes[order],
        place[features.edges],
        features.edge_features,
        features.context,
        place[features.option],
        features.prior,
    )
    network = OnnxIR2Network(folder / "model.onnx")
    np.testing.assert_allclose(network(features), network(turned), atol=1e-4)


def team_of(make, robots: int = 2) -> tuple[ExplorationWorld, list]:
    return ExplorationWorld(GRID, robots, "closed"), [make() for _ in range(robots)]


def test_a_fresh_network_is_the_expert(tmp_path):
    save_network(IR2Network(CONFIG), CONFIG, tmp_path / "fresh")
    network = OnnxIR2Network(tmp_path / "fresh" / "model.onnx")
    features = decision(30, 9, seed=1)
    np.testing.assert_allclose(network(features), features.prior, atol=1e-5)
    always = dataclasses.replace(CONFIG, every=1)
    fresh = explore(*team_of(lambda: IR2Policy(always, network)), seed=0, cap=FAR_CAP)
    expert = explore(*team_of(lambda: TerritoryPolicy("territory")), seed=0, cap=FAR_CAP)
    assert fresh["success"] and fresh["travelled"] == expert["travelled"]


@pytest.mark.parametrize("changes", [{}, {"every": 2}, {"temperature": 1.0}])
def test_it_explores_a_map_to_the_end(folder, changes):
    result = explore(
        *team_of(lambda: IR2Policy.from_pretrained(folder, **changes)), seed=1, cap=Cap("distance", 6000.0)
    )
    assert result["success"] and min(result["known"]) >= 0.99


def test_sampled_choices_come_from_the_seed(folder):
    def run(seed: int) -> list[list[float]]:
        world, team = team_of(lambda: IR2Policy.from_pretrained(folder, temperature=3.0))
        for policy, belief in zip(team, world.reset(0), strict=True):
            policy.reset(belief, seed)
        for _ in range(8):
            world.step([policy.act() for policy in team])
        return world.position.tolist()

    assert run(5) == run(5) != run(6)


def test_without_its_pointer_it_is_the_expert_and_asks_no_graph_network(corridor):
    def never(features):
        raise AssertionError("asked")

    policy = IR2Policy(dataclasses.replace(CONFIG, pointer=False), never)
    expert = TerritoryPolicy("expert")
    targets = []
    for explorer in (policy, expert):
        belief = corridor()
        explorer.reset(belief, 0)
        explorer.act()
        targets.append(belief.target[0].tolist())
    assert targets[0] == targets[1]


def test_between_decisions_it_keeps_its_target():
    def calls(every: int) -> int:
        seen = []

        def network(features: Features) -> np.ndarray:
            seen.append(1)
            return features.prior

        world = ExplorationWorld(GRID, 1, "closed")
        policy = IR2Policy(IR2Config(every=every), network)
        policy.reset(world.reset(0)[0], 0)
        for _ in range(12):
            world.step([policy.act()])
        return len(seen)

    assert calls(1) == 12
    assert 6 <= calls(2) < 12, "decides anew only where its target is gone, or it is time"


def test_a_folder_is_loaded_and_copied(folder, tmp_path):
    policy = IR2Policy.from_pretrained(folder)
    assert policy.name == "loud" and policy.config == CONFIG
    policy.save_pretrained(tmp_path / "copy")
    again = IR2Policy.from_pretrained(tmp_path / "copy", backend="torch")
    features = decision(20, 5, seed=2)
    assert again.config == CONFIG
    np.testing.assert_allclose(policy.network(features), again.network(features), atol=1e-4)
    assert make_exploration_policy(str(tmp_path / "copy")).config == CONFIG
    assert IR2Policy.from_pretrained(folder, temperature=0.5, every=3).config.every == 3


def test_bad_folders_say_what_is_wrong(folder, tmp_path):
    with pytest.raises(ValueError, match="tensorflow"):
        IR2Policy.from_pretrained(folder, backend="tensorflow")
    with pytest.raises(ValueError, match="no-such-model"):
        IR2Policy.from_pretrained("no-such-model")
    with pytest.raises(ValueError, match="no saved weights"):
        IR2Policy(CONFIG, planner_alone).save_pretrained(tmp_path / "none")
    CONFIG.save(tmp_path)
    with pytest.raises(FileNotFoundError, match="model.onnx"):
        IR2Policy.from_pretrained(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(ValueError, match="no usable ONNX model"):
        IR2Policy.from_pretrained(tmp_path)


def test_a_configuration_is_what_was_saved(tmp_path):
    config = IR2Config(width=32, heads=8, every=2, temperature=0.5, border=100.0)
    config.save(tmp_path)
    assert IR2Config.load(tmp_path) == config
    assert json.loads((tmp_path / "config.json").read_text())["policy"] == "ir2"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (dict(width=30, heads=4), "width 30 must be a positive multiple of heads, 4"),
        (dict(width=0), "width 0"),
        (dict(layers=0), "got 0 and 4"),
        (dict(every=0), "got 3 and 0"),
        (dict(temperature=-1.0), "temperature must not be negative, got -1.0"),
        (dict(spare=-0.1), r"spare must lie in \[0, 1\], got -0.1"),
        (dict(spare=1.5), "got 1.5"),
        (dict(doubt=0.0), "doubt must be positive, got 0.0"),
        (dict(n_node=7), r"trained on features of sizes \(7, "),
        (dict(layer=8), "unknown.*'layer'"),
    ],
)
def test_a_bad_configuration_names_the_value(tmp_path, values, message):
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message):
        IR2Config.load(tmp_path)

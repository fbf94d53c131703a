"""Checkpoints that LeRobot has saved: the same actions as its own loop gives."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest

pytest.importorskip("lerobot")

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.factory import make_pre_post_processors

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.manipulation.lerobot_policy import LeRobotPolicy
from pilotfish.policies.models import find_model

STATE, ENVIRONMENT, IMAGE = "observation.state", "observation.environment_state", "observation.image"
ACTIONS = {"action": PolicyFeature(FeatureType.ACTION, (2,))}
RANDOM = np.random.default_rng(0)


def statistics(shapes):
    found = {}
    for name, shape in shapes.items():
        shape = (shape[0], 1, 1) if len(shape) == 3 else shape
        low, high = torch.full(shape, -2.0), torch.full(shape, 3.0)
        found[name] = {"min": low, "max": high, "mean": (low + high) / 2, "std": torch.full(shape, 1.5)}
    return found


def save(policy, config, folder):
    shapes = {name: f.shape for name, f in (config.input_features | config.output_features).items()}
    processors = make_pre_post_processors(config, dataset_stats=statistics(shapes))
    policy.save_pretrained(folder)
    for processor in processors:
        processor.save_pretrained(folder)
    return policy.eval(), processors


def saved_act(folder, **options):
    torch.manual_seed(0)
    inputs = {
        STATE: PolicyFeature(FeatureType.STATE, (3,)),
        IMAGE: PolicyFeature(FeatureType.VISUAL, (3, 32, 32)),
    }
    settings = {"chunk_size": 6, "n_action_steps": 4, "dim_model": 16, "n_heads": 2, "dim_feedforward": 16}
    config = ACTConfig(
        input_features=inputs,
        output_features=ACTIONS,
        pretrained_backbone_weights=None,
        n_encoder_layers=1,
        n_vae_encoder_layers=1,
        device="cpu",
        push_to_hub=False,
        **settings | options,
    )
    return save(ACTPolicy(config), config, folder)


def saved_diffusion(folder):
    torch.manual_seed(0)
    inputs = {
        STATE: PolicyFeature(FeatureType.STATE, (3,)),
        ENVIRONMENT: PolicyFeature(FeatureType.ENV, (4,)),
    }
    config = DiffusionConfig(
        input_features=inputs,
        output_features=ACTIONS,
        n_obs_steps=2,
        horizon=8,
        n_action_steps=4,
        down_dims=(16, 32),
        diffusion_step_embed_dim=8,
        n_groups=4,
        num_train_timesteps=10,
        num_inference_steps=3,
        noise_scheduler_type="DDIM",
        device="cpu",
        push_to_hub=False,
    )
    return save(DiffusionPolicy(config), config, folder)


@pytest.fixture(scope="module")
def act(tmp_path_factory):
    folder = tmp_path_factory.mktemp("act")
    return folder, *saved_act(folder)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diffusion")
    return folder, *saved_diffusion(folder)


def state(batch=1):
    return {STATE: RANDOM.normal(size=(batch, 3)).astype(np.float32)}


def picture(batch=1):
    return state(batch) | {IMAGE: RANDOM.integers(0, 255, (batch, 32, 32, 3), np.uint8)}


def table(batch=1):
    return state(batch) | {ENVIRONMENT: RANDOM.normal(size=(batch, 4)).astype(np.float32)}


def tensors(observations):
    batch = {name: torch.from_numpy(values) for name, values in observations.items()}
    if IMAGE in batch:
        batch[IMAGE] = batch[IMAGE].permute(0, 3, 1, 2).float() / 255
    return batch


def test_act_gives_the_actions_of_lerobots_own_loop(act):
    folder, original, (before, after) = act
    policy = LeRobotPolicy(folder)
    assert isinstance(policy, ChunkPolicy)
    assert (policy.name, policy.chunk_shape) == ("act", (4, 2))
    assert policy.features == {STATE: (3,), IMAGE: (3, 32, 32)}
    observations = picture()
    chunk = policy.act(observations)
    original.reset()
    own = [after(original.select_action(before(tensors(observations)))) for _ in range(4)]
    assert chunk.shape == (1, 4, 2)
    assert chunk.dtype == np.float32
    np.testing.assert_allclose(chunk[0], torch.cat(own).numpy(), atol=1e-5)


def test_act_takes_several_rows_and_longer_chunks(act):
    policy = LeRobotPolicy(act[0], steps=6)
    observations = picture(3)
    chunks = policy.act(observations)
    assert chunks.shape == (3, 6, 2)
    alone = policy.act({name: values[1:2] for name, values in observations.items()})
    np.testing.assert_allclose(chunks[1], alone[0], atol=1e-5)


def test_with_temporal_ensembling_all_of_a_chunk_is_given(tmp_path):
    saved_act(tmp_path, n_action_steps=1, temporal_ensemble_coeff=0.01)
    assert LeRobotPolicy(tmp_path).act(picture()).shape == (1, 6, 2)


def test_diffusion_looks_back_as_in_lerobots_own_loop(diffusion):
    folder, original, (before, after) = diffusion
    policy = LeRobotPolicy(folder)
    policy.reset(5)
    seen = [table() for _ in range(9)]
    chunks, own = [], []
    for k, observations in enumerate(seen):
        policy.observe(observations)
        if k % 4 == 0:
            chunks.append(policy.act(observations)[0])
    original.reset()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        for observations in seen:
            own.append(after(original.select_action(before(tensors(observations)))).numpy()[0])
    np.testing.assert_allclose(np.concatenate(chunks)[:9], np.array(own), atol=1e-5)


def test_a_request_counts_from_its_moment_though_more_was_seen_since(diffusion):
    policy = LeRobotPolicy(diffusion[0])
    first, second, third = table(), table(), table()

    def after(*seen):
        policy.reset(1)
        for observations in seen:
            policy.observe(observations)
        return policy.act(second)

    np.testing.assert_array_equal(after(first, second, third), after(first, second))
    assert np.abs(after(first, second) - after(second)).max() > 1e-4


def test_an_episode_neither_depends_on_the_last_one_nor_on_others_draws(diffusion):
    policy = LeRobotPolicy(diffusion[0])
    first, second = table(), table()
    policy.reset(3)
    expected = [policy.act(first), policy.act(second)]
    assert np.abs(expected[0] - policy.act(first)).max() > 1e-4
    policy.observe(second)
    policy.reset(3)
    torch.manual_seed(99)
    np.testing.assert_array_equal(policy.act(first), expected[0])
    torch.rand(5)
    np.testing.assert_array_equal(policy.act(second), expected[1])


def test_what_does_not_fit_is_named(act, tmp_path):
    policy = LeRobotPolicy(act[0])
    with pytest.raises(ValueError, match="observes observation.image, which is not among observation.state"):
        policy.act(state())
    wrong = state() | {IMAGE: np.zeros((1, 16, 32, 3), np.uint8)}
    with pytest.raises(ValueError, match=r"observation.image has shape \(3, 16, 32\), the policy takes"):
        policy.act(wrong)
    with pytest.raises(ValueError, match="steps 7: this act policy gives chunks of 1 to 6"):
        LeRobotPolicy(act[0], steps=7)
    with pytest.raises(FileNotFoundError, match="config.json is missing"):
        LeRobotPolicy(tmp_path)


def test_types_of_this_repository_are_policies_of_lerobot_too():
    folder = find_model("diffusion/push").path
    policy = LeRobotPolicy(folder)
    shapes = {name: (1, *shape) for name, shape in policy.features.items()}
    observations = {name: RANDOM.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    policy.reset(2)
    chunk = policy.act(observations)
    assert chunk.shape == (1, *policy.chunk_shape)
    policy.reset(2)
    np.testing.assert_array_equal(policy.act(observations), chunk)

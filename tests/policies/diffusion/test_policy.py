"""Base policies: LeRobot's folder, the same chunk from numpy and from LeRobot, training that goes on."""

import numpy as np
import pytest

pytest.importorskip("lerobot", reason="needs the install group [manipulation]")

import torch

from pilotfish.policies.diffusion.config import DiffusionSettings
from pilotfish.policies.diffusion.policy import STATE, TrainedDiffusionPolicy
from pilotfish.policies.diffusion.saving import load_policy, load_processors
from pilotfish.policies.diffusion.training import train
from pilotfish.policies.manipulation.chunks import DiffusionPolicy
from pilotfish.worlds.manipulation.demonstrations import collect
from pilotfish.worlds.registry import make_task

ENVIRONMENT_STATE = "observation.environment_state"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "push"
    task = make_task("push")
    collect(task, root, episodes=6, seed=7)
    task.close()
    return root


@pytest.fixture(scope="module", params=["mlp", "unet"])
def model(request, data, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "run"
    settings = DiffusionSettings(
        denoiser=request.param, hidden=(32, 32), down_dims=(16, 32), steps=30, batch=32
    )
    assert train(out, settings, data)
    return out / "model"


def observations(count=5, seed=0):
    rng = np.random.default_rng(seed)
    sizes = {STATE: 6, ENVIRONMENT_STATE: 8}
    return {name: 0.2 * rng.normal(size=(count, size)).astype(np.float32) for name, size in sizes.items()}


def noise_for(policy, count=5, seed=1):
    return np.random.default_rng(seed).normal(size=(count, *policy.noise_shape)).astype(np.float32)


def test_is_a_diffusion_policy(model):
    policy = TrainedDiffusionPolicy.from_pretrained(model)
    assert isinstance(policy, DiffusionPolicy)
    assert policy.noise_shape == policy.chunk_shape == (4, 3)


def test_numpy_onnx_and_lerobot_agree(model):
    """The DDIM loop here, LeRobot's own sampling, and LeRobot's saved processors."""
    seen = observations()
    by_onnx = TrainedDiffusionPolicy.from_pretrained(model)
    noise = noise_for(by_onnx)
    lerobot = load_policy(model)
    before, after = load_processors(lerobot, model)
    ready = before({name: torch.from_numpy(values) for name, values in seen.items()})
    inputs = {name: ready[name][:, None] for name in seen}
    with torch.no_grad():
        theirs = after(lerobot.diffusion.generate_actions(inputs, noise=torch.from_numpy(noise)))
    np.testing.assert_allclose(by_onnx.sample(seen, noise), theirs.numpy(), atol=2e-5)
    by_torch = TrainedDiffusionPolicy.from_pretrained(model, backend="torch")
    np.testing.assert_allclose(by_torch.sample(seen, noise), theirs.numpy(), atol=2e-5)


def test_the_same_noise_gives_the_same_chunk_alone_or_in_a_batch(model):
    policy = TrainedDiffusionPolicy.from_pretrained(model)
    seen, noise = observations(), noise_for(policy)
    chunks = policy.sample(seen, noise)
    np.testing.assert_array_equal(chunks, policy.sample(seen, noise))
    alone = policy.sample({name: values[2:3] for name, values in seen.items()}, noise[2:3])
    np.testing.assert_allclose(alone[0], chunks[2], atol=1e-5)
    assert np.abs(policy.sample(seen, noise_for(policy, seed=2)) - chunks).max() > 1e-3


def test_a_stopped_training_goes_on(data, tmp_path):
    settings = DiffusionSettings(hidden=(16,), steps=40, batch=16)
    assert not train(tmp_path / "run", settings, data, budget_minutes=1e-9)
    assert train(tmp_path / "run")
    rows = (tmp_path / "run" / "model" / "model.onnx").stat().st_size
    assert rows > 1000


def test_a_run_is_not_overwritten(data, tmp_path):
    settings = DiffusionSettings(hidden=(16,), steps=2, batch=16)
    train(tmp_path / "run", settings, data)
    with pytest.raises(ValueError, match="holds a run already"):
        train(tmp_path / "run", settings, data)
    with pytest.raises(FileNotFoundError, match="no run to go on with"):
        train(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"denoiser": "gpt"}, "'gpt' is not one of mlp, unet"),
        ({"denoiser": "unet", "chunk": 6}, "chunk 6 is no multiple of 4"),
        ({"averaging": 1.0}, "averaging"),
        ({"steps": 0}, "steps"),
    ],
)
def test_bad_settings_name_the_value(values, message):
    with pytest.raises(ValueError, match=message):
        DiffusionSettings(**values)


def test_unknown_key_in_a_settings_file(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("denoizer: mlp\n")
    with pytest.raises(ValueError, match="denoizer"):
        DiffusionSettings.load(path)

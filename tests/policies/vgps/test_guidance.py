"""A critic learned offline picks the right chunk; chance does not."""

import numpy as np
import pytest
import torch

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.vgps.config import VGPSConfig
from pilotfish.policies.vgps.critic import Critic
from pilotfish.policies.vgps.policy import ValueGuided
from pilotfish.policies.vgps.training import Run
from pilotfish.policies.vgps.transitions import transitions_of

METHODS = {"iql": {"steps": 400}, "calql": {"steps": 500, "conservatism": 1.0}}


def learn(folder, recorded, base, **settings):
    settings = VGPSConfig(width=64, **settings)
    folder.mkdir(parents=True, exist_ok=True)
    transitions = transitions_of(recorded, base.chunk_shape[0], settings.gamma)
    run = Run(folder, transitions, base, {"observation.state": 2}, settings)
    run.fit(float("inf"))
    run.export(folder / "model")
    return run


@pytest.fixture(scope="module", params=METHODS)
def run(request, recorded, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return learn(folder, recorded, base, method=request.param, **METHODS[request.param])


@pytest.fixture
def critic(run):
    return Critic(run.out / "model")


def test_guidance_picks_the_right_way(critic, base, rightly):
    assert 0.4 < rightly(ValueGuided(base, None, select="random")) < 0.6
    assert 0.4 < rightly(ValueGuided(base, critic, k=1)) < 0.6
    assert rightly(ValueGuided(base, critic, k=16)) > 0.85


def test_the_critic_tells_success_before_it_shows(run):
    assert run.scores()["auc_first"] > 0.6


def test_onnx_and_torch_agree(run, critic):
    data = run.data.held_out
    features = run.config.features(data.states, data.chunks, data.task)
    with torch.no_grad():
        expected = run.learner.critic(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(critic.values(data.states, data.chunks), expected, rtol=1e-5, atol=1e-4)


def test_a_seed_decides_everything(critic, base, rightly):
    policy = ValueGuided(base, critic, temperature=0.5)
    assert isinstance(policy, ChunkPolicy)
    seen = {"observation.state": np.zeros((3, 2), np.float32)}
    policy.reset(5)
    first = policy.act(seen)
    assert first.shape == (3, 4, 2)
    policy.reset(5)
    np.testing.assert_array_equal(policy.act(seen), first)


def test_a_high_temperature_is_chance(critic, base, rightly):
    assert 0.4 < rightly(ValueGuided(base, critic, temperature=1e6)) < 0.6


def test_sizes_that_do_not_fit_are_named(critic):
    with pytest.raises(ValueError, match=r"\(2, 4, 2\), got \(1, 4, 2\)"):
        critic(np.zeros((1, 1), np.float32), np.zeros((1, 4, 2), np.float32))
    with pytest.raises(ValueError, match=r"got \(5, 4, 2\)"):
        critic(np.zeros((1, 5), np.float32), np.zeros((1, 4, 2), np.float32))


def test_a_task_that_was_not_taught_is_refused(run):
    with pytest.raises(ValueError, match=r"knows no task 'Dance.'.*'Go there.'"):
        Critic(run.out / "model", "Dance.")


def test_the_first_action_alone_can_be_judged(recorded, base, tmp_path, rightly):
    learn(tmp_path / "run", recorded, base, horizon="first", steps=300)
    assert rightly(ValueGuided(base, Critic(tmp_path / "run" / "model"))) > 0.85


def test_a_stopped_training_goes_on(recorded, base, tmp_path):
    settings = VGPSConfig(width=16, steps=20)
    transitions = transitions_of(recorded, 4, settings.gamma)
    arguments = (tmp_path, transitions, base, {"observation.state": 2}, settings)
    first = Run(*arguments)
    assert not first.fit(deadline=0.0)
    second = Run(*arguments)
    assert second.step == first.step == 1
    for a, b in zip(first.learner.critic.parameters(), second.learner.critic.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    assert second.fit(float("inf")) and second.step == 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"temperature": -1.0}, "temperature"),
        ({"select": "best"}, "'best' is not one of value, random"),
    ],
)
def test_bad_guidance_names_the_value(base, settings, message):
    with pytest.raises(ValueError, match=message):
        ValueGuided(base, None, **{"select": "random", **settings})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "dqn"),
        ("horizon", "all"),
        ("gamma", 1.0),
        ("learning_rate", float("nan")),
        ("tau", 5.0),
        ("heads", 0),
    ],
)
def test_bad_settings_name_the_value(name, value):
    with pytest.raises(ValueError, match=name):
        VGPSConfig(**{name: value})

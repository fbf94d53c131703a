"""Both algorithms: their bound, warm-up, stores, targets, save and load; and that they learn."""

import io
import pickle

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.environment import NoiseEnv
from pilotfish.policies.dsrl.networks import EnsembleCritic, Shape
from pilotfish.policies.dsrl.noise_aliasing import make_na
from pilotfish.policies.dsrl.noise_sac import make_sac
from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.dsrl.replay import ChunkTransitions
from pilotfish.policies.dsrl.training import steered

MAKE = {"sac": make_sac, "na": make_na}
SMALL = {"width": 16, "batch": 32, "warm_up": 20, "recent": 64, "denoise": 16, "aliases": 4}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(algorithm, task, base, **settings):
    config = DSRLConfig(algorithm, parameterisation="repeated", **{**SMALL, **settings})
    kind = Parameterisation("repeated", base.noise_shape)
    env = NoiseEnv(task, base, kind, config.bound, config.gamma)
    return MAKE[algorithm](env, config, seed=1), env


def w_of(env):
    """Records the noise that the base policy is given."""
    seen, sample = [], env.sampler.policy.sample

    def record(observations, noise):
        seen.append(noise)
        return sample(observations, noise)

    env.sampler.policy.sample = record
    return seen


@pytest.mark.parametrize("algorithm", MAKE)
def test_the_bound_reaches_the_actor_and_all_that_is_denoised(algorithm, task, base):
    model, env = make(algorithm, task, base, bound=0.3)
    seen = w_of(env)
    model.learn(40)
    largest = [np.abs(noise).max() for noise in seen]
    assert max(largest) <= 0.3 + 1e-6 and np.max(largest[25:]) > 0.2
    with torch.no_grad():
        model.actor.network.head.bias[:] = 50.0
    w, _ = model.predict(np.zeros((1, 4), np.float32), deterministic=True)
    np.testing.assert_allclose(w, 0.3)


@pytest.mark.parametrize("algorithm", MAKE)
def test_warm_up_is_normal_noise_denoised_once(algorithm, task, base):
    model, env = make(algorithm, task, base, warm_up=400)
    seen = w_of(env)
    model.learn(400)
    w = np.array([noise[0, 0] for noise in seen])
    assert len(seen) == base.samples == 400
    assert np.abs(w).max() == 1.5 and 0.75 < w.std() < 1.0  # a uniform draw has .87, but cuts nothing
    assert 0.08 < np.mean(np.abs(w) == 1.5) < 0.19


def test_noise_aliasing_denoises_once_for_each_of_its_triples(task, base):
    model, env = make("na", task, base, warm_up=20, utd=7)
    model.learn(40)
    updates, asked = 20, model.replay_buffer.rows
    cached = int(model._aliases.fresh.sum())
    assert base.samples == asked + 16 * updates + 4 * cached
    assert 20 < cached <= 40


def test_demonstrations_have_a_fixed_share(task, base):
    model, _ = make("na", task, base, demonstration_share=0.25)
    states, actions = np.zeros((301, 4), np.float32), np.zeros((300, 2), np.float32)
    model.replay_buffer.prefill(ChunkTransitions.of_episode(states, actions, True, 4, 0.99, 0.25))
    model.learn(40)
    rows = model._draw_rows(64)
    assert (rows < 300).sum() == 16 and rows.max() < 340
    # Their chunks are answers to no noise: none is taken for one.
    assert not model.replay_buffer.column("noise_known")[:300].any() and model._aliases.fresh[:300].all()
    at = np.repeat(model.replay_buffer.column("observations")[:300], 4, axis=0)
    noise = 1.5 * model._aliases.noise[:300].reshape(1200, -1)
    expected = model._sampler(at, noise).reshape(1200, -1)
    np.testing.assert_allclose(model._aliases.chunks[:300].reshape(1200, -1), expected, atol=1e-5)


def test_triples_are_true_also_after_the_replay_has_wrapped(task, base):
    model, env = make("na", task, base, buffer=64)
    model.learn(150)
    assert model.replay_buffer.full
    states, noise, chunks = model._aliases.draw(200, np.random.default_rng(0))
    np.testing.assert_allclose(env.sampler(states, 1.5 * noise).reshape(200, -1), chunks, atol=1e-5)
    recent, rows = model._recent, model._recent.rows[: model._recent.filled]
    there = model.replay_buffer.column("next_observations")[rows]
    expected = env.sampler(there, 1.5 * recent.noise[: recent.filled]).reshape(len(rows), -1)
    np.testing.assert_allclose(expected, recent.chunks[: recent.filled], atol=1e-5)


@pytest.mark.parametrize("algorithm", MAKE)
def test_time_limits_are_stored_as_such(algorithm, task, base):
    model, _ = make(algorithm, task, base, warm_up=60)
    model.learn(60)
    replay = model.replay_buffer
    dones, limits = replay.dones[:60, 0], replay.timeouts[:60, 0]
    assert limits.sum() > 0 and (dones - limits).sum() > 0
    # Only success pays less than the steps of its chunk.
    terminated = replay.batch(np.arange(60)).dones[:, 0].numpy()
    np.testing.assert_array_equal(terminated, dones * (1 - limits))


def test_a_critic_learns_the_discount_of_its_chunk(task, base):
    model, _ = make("sac", task, base)
    model.learn(20)
    model._begin()
    rows = np.arange(20)
    model.replay_buffer.discounts[:20] = 0.5
    model.replay_buffer.rewards[:20] = -1.0
    model.replay_buffer.dones[:20] = 0.0
    batch = model.replay_buffer.batch(rows)
    model.critic.optimizer.param_groups[0]["lr"] = 1e-2
    for _ in range(300):
        model._fit_critic(model.critic, batch, batch.actions, torch.full((20, 1), -3.0))
    with torch.no_grad():
        values = model.critic(batch.observations, batch.actions)
    np.testing.assert_allclose(values, -2.5, atol=0.1)


def test_log_density_integrates_to_one(task, base):
    model, _ = make("sac", task, base)
    state = torch.zeros(4000, 4)
    with torch.no_grad():
        model.actor.network.head.bias += torch.tensor([0.3, -0.5, -0.4, 0.2])
        w, log_prob = model.actor.action_log_prob(state)
    # E[1 / p] over samples of p is the volume of its support, [-1, 1]^2.
    assert float((-log_prob).exp().mean()) == pytest.approx(4.0, rel=0.15)
    assert w.abs().max() <= 1


def test_heads_of_an_ensemble_do_not_know_each_other():
    torch.manual_seed(0)
    critic = EnsembleCritic(Shape(width=8, critics=3), 4, 2)
    values = critic(torch.randn(5, 4), torch.randn(5, 2))
    assert values.shape == (3, 5, 1)
    values[1].sum().backward()
    gradient = critic.layers[0].weight.grad
    assert gradient[1].abs().sum() > 0 and gradient[[0, 2]].abs().sum() == 0


@pytest.mark.parametrize("algorithm", MAKE)
def test_save_and_load(algorithm, task, base):
    model, env = make(algorithm, task, base)
    model.learn(40)
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    replay = pickle.loads(pickle.dumps(model.replay_buffer))
    loaded = type(model).load(file, env=env, device="cpu")
    state = np.random.default_rng(0).random((6, 4), np.float32)
    np.testing.assert_array_equal(
        *(m.predict(state, deterministic=True)[0] for m in (model, loaded)), strict=True
    )
    for name, value in model.policy.state_dict().items():
        assert torch.equal(value, loaded.policy.state_dict()[name]), name
    loaded.replay_buffer = replay
    if algorithm == "na":
        loaded.set_replay_buffer(replay)
        moments = (m.policy.chunk_critic.optimizer.state_dict()["state"][0] for m in (model, loaded))
        assert torch.equal(*(m["exp_avg"] for m in moments))
    loaded.learn(10, reset_num_timesteps=False)
    assert loaded.num_timesteps == 50 and loaded._n_updates > model._n_updates


@pytest.mark.parametrize("algorithm", MAKE)
def test_the_same_seed_is_the_same_run(algorithm, task, base):
    results = []
    for _ in range(2):
        model, _ = make(algorithm, task, base)
        model.learn(40)
        results.append(torch.cat([p.detach().flatten() for p in model.actor.parameters()]))
    assert torch.equal(*results)


@pytest.mark.parametrize(("algorithm", "chunks"), [("sac", 450), ("na", 500)])
def test_steering_learns_which_way_is_open(algorithm, chunks, task, base):
    settings = {"width": 64, "batch": 64, "warm_up": 200, "recent": 512, "denoise": 32, "learning_rate": 1e-3}
    model, env = make(algorithm, task, base, **settings)
    model.learn(200, log_interval=None)
    before = np.mean(model.ep_success_buffer)
    assert 0.25 < before < 0.75
    model.learn(chunks - 200, log_interval=None, reset_num_timesteps=False)
    policy, wins = steered(model, env), 0
    for seed in range(60):
        seen, ended = task.reset(seed=seed)[0], False
        while not ended:
            for action in policy.act({name: values[None] for name, values in seen.items()})[0]:
                seen, _, won, late, _ = task.step(action)
                ended = won or late
                if ended:
                    break
        wins += won
    assert wins >= 54

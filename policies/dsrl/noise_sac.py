"""DSRL-SAC: soft actor-critic whose actions are the initial noise of a frozen policy.

Wagenmaker et al., "Steering Your Diffusion Policy with Latent Space Reinforcement Learning", 2025 (arXiv
2506.15799). SB3's SAC with these differences: a replay that knows the discount of each chunk, warm-up by
w ~ N(0, I) cut to the bound (what the base policy does by itself), critics of an ensemble in one pass, and an
actor's step that computes no gradient of the critics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3 import SAC
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.environment import NoiseEnv
from pilotfish.policies.dsrl.networks import EnsembleCritic, Shape, SteeringPolicy, follow, state_statistics
from pilotfish.policies.dsrl.replay import ChunkReplayBuffer


class DSRLSAC(SAC):
    """SAC on a ``NoiseEnv``.

    For each of ``gradient_steps`` (the utd): the critics Q_i step towards
    r + (1 - d) disc [min_j Q'_j(s', w') - alpha log p(w'|s')], then, every so often, the actor minimises
    alpha log p(w|s) - min_i Q_i(s, w). Terminations only count as d.

    Args:
        actor_every: steps of the critics to one of the actor.
        others: as SB3's SAC.
    """

    replay_buffer: ChunkReplayBuffer
    policy: SteeringPolicy
    critic: Any  # an EnsembleCritic, in one pass; SB3 keeps a list of networks
    critic_target: Any

    def __init__(self, *args: Any, actor_every: int = 1, **kwargs: Any) -> None:
        self.actor_every = actor_every
        super().__init__(*args, **kwargs)

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.num_timesteps >= learning_starts:
            return super()._sample_action(learning_starts, action_noise, n_envs)
        assert isinstance(self.action_space, Box)
        w = torch.randn(n_envs, *self.action_space.shape).numpy()
        w = np.clip(w, self.action_space.low, self.action_space.high)
        return w, self.policy.scale_action(w)

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """Update critics and actor ``gradient_steps`` times."""
        self._begin()
        for step in range(gradient_steps):
            batch = self._draw(batch_size)
            with torch.no_grad():
                w, log_prob = self.actor.action_log_prob(batch.next_observations)
                value = self.critic_target(batch.next_observations, w).amin(0) - self.alpha() * log_prob
            self._fit_critic(self.critic, batch, batch.actions, value)
            follow(self.critic, self.critic_target, self.tau)
            if self._actor_is_due(step):
                self._improve_actor(batch.observations)
        self._end(gradient_steps)

    def _begin(self) -> None:
        optimizers = [self.actor.optimizer, self.critic.optimizer]
        if self.ent_coef_optimizer is not None:
            optimizers.append(self.ent_coef_optimizer)
        self._update_learning_rate(optimizers)
        self._notes: dict[str, list[float]] = {}

    def _actor_is_due(self, step: int) -> bool:
        return (self._n_updates + step) % self.actor_every == 0

    def _end(self, gradient_steps: int) -> None:
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates)
        self.logger.record("train/alpha", float(self.alpha()))
        for name, values in self._notes.items():
            self.logger.record(f"train/{name}", float(np.mean(values)))

    def _note(self, name: str, value: torch.Tensor) -> None:
        self._notes.setdefault(name, []).append(value.item())

    def _draw(self, batch_size: int) -> ReplayBufferSamples:
        rows = torch.randint(self.replay_buffer.rows, (batch_size,)).numpy()
        return self.replay_buffer.batch(rows)

    def alpha(self) -> torch.Tensor:
        """The weight of entropy against value."""
        return self.ent_coef_tensor if self.log_ent_coef is None else self.log_ent_coef.detach().exp()

    def _fit_critic(
        self,
        critic: EnsembleCritic,
        batch: ReplayBufferSamples,
        decisions: torch.Tensor,
        next_value: torch.Tensor,
    ) -> None:
        """One step of a critic towards r + (1 - d) disc * next_value [B, 1]."""
        assert batch.discounts is not None
        target = batch.rewards + (1 - batch.dones) * batch.discounts * next_value
        values = critic(batch.observations, decisions)
        loss = 0.5 * (values - target).square().mean(1).sum()
        critic.optimizer.zero_grad()
        loss.backward()
        critic.optimizer.step()
        self._note("critic_loss", loss.detach())
        self._note("value", values.detach().mean())

    def _improve_actor(self, states: torch.Tensor) -> None:
        """One step of the actor on Q^W, and of alpha where it is learned."""
        w, log_prob = self.actor.action_log_prob(states)
        loss = (self.alpha() * log_prob - self.critic(states, w).amin(0)).mean()
        parameters = list(self.actor.parameters())
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        self.actor.optimizer.step()
        entropy = -log_prob.detach().mean()
        self._note("entropy", entropy)
        if self.ent_coef_optimizer is not None and self.log_ent_coef is not None:
            assert isinstance(self.target_entropy, float)
            self.log_ent_coef.grad = (entropy - self.target_entropy).reshape(1)
            self.ent_coef_optimizer.step()

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_notes"]


def learner_arguments(
    env: NoiseEnv, settings: DSRLConfig, seed: int, states: NDArray[np.float32] | None
) -> dict[str, Any]:
    """What SB3's constructor is given for both algorithms."""
    assert env.action_space.shape is not None
    length, actions = env.sampler.policy.chunk_shape
    dim = env.action_space.shape[0]
    mean, scale = (None, None) if states is None else state_statistics(states)
    shape = Shape(
        settings.width,
        settings.layers,
        settings.activation,
        settings.layer_norm,
        settings.critics,
        mean,
        scale,
    )
    return {
        "env": env,
        "learning_rate": settings.learning_rate,
        "buffer_size": settings.buffer,
        "learning_starts": settings.warm_up,
        "batch_size": settings.batch,
        "tau": settings.tau,
        "gamma": settings.gamma,
        "gradient_steps": settings.utd,
        "actor_every": settings.actor_every,
        "replay_buffer_class": ChunkReplayBuffer,
        "replay_buffer_kwargs": {"chunk_size": length * actions},
        "ent_coef": f"auto_{settings.initial_alpha}" if settings.alpha is None else settings.alpha,
        "target_entropy": settings.target_entropy * dim,
        "policy_kwargs": {"shape": shape},
        "seed": seed,
        "device": "cpu",
    }


def make_sac(
    env: NoiseEnv, settings: DSRLConfig, seed: int = 0, states: NDArray[np.float32] | None = None
) -> DSRLSAC:
    """DSRL-SAC on an environment; ``states`` [N, S] are to normalise by, such as those of a few episodes."""
    return DSRLSAC(SteeringPolicy, **learner_arguments(env, settings, seed, states))

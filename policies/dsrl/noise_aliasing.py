"""DSRL-NA: the critic judges chunks, a second critic learns from it what noise is worth.

Different noise can give the same chunk; a critic of chunks learns from all of them at once, and from
demonstrations whose noise nobody knows (arXiv 2506.15799, noise aliasing).

    Q^A target: r + (1 - d) disc [min_i Q^A'_i(s', pi(s', w')) - alpha log p(w'|s')],  w' ~ actor(s')
    Q^W_i(s, w) <- Q^A_i(s, pi(s, w)), head by head,  w ~ N(0, I) cut to the bound, and w ~ actor
    actor: minimise alpha log p(w|s) - min_i Q^W_i(s, w)

No gradient passes through pi. Denoising is the cost, so nothing is denoised twice: pi is frozen, hence
(s, w, pi(s, w)) stays true for ever. Two stores hold such triples:

- ``Aliases``: for each state of the replay, the noise that was executed and some of N(0, I), denoised in
  batches as states come in.
- ``Recent``: noise of the actor at next states, a part of it drawn anew before each update. It serves the
  targets (its w' is of an actor a few updates old at most) and the distillation where the actor is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.environment import NoiseEnv, NoiseSampler
from pilotfish.policies.dsrl.networks import NoiseAliasingPolicy, follow
from pilotfish.policies.dsrl.noise_sac import DSRLSAC, learner_arguments
from pilotfish.policies.dsrl.replay import ChunkReplayBuffer


class Aliases:
    """K triples (s, u, pi(s, bound * u)) for each row of a replay, u = w / bound in [-1, 1].

    Args:
        replay: whose states these are; memory grows with its capacity.
        sampler: pi.
        bound: of w.
        each: K.
        together: states that are waited for before they are denoised in one batch.
    """

    LARGEST = 512
    """Rows of one call of pi."""

    def __init__(
        self, replay: ChunkReplayBuffer, sampler: NoiseSampler, bound: float, each: int, together: int
    ) -> None:
        capacity = replay.buffer_size * replay.n_envs
        self.replay, self.sampler, self.bound = replay, sampler, np.float32(bound)
        self.each, self.together = each, together
        self.noise = np.zeros((capacity, each, replay.action_dim), np.float32)
        self.chunks = np.zeros((capacity, each, replay.chunks.shape[-1]), np.float32)
        self.fresh = np.zeros(capacity, np.bool_)
        self._ready: NDArray[np.int64] = np.zeros(0, np.int64)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """The states of these rows have been replaced."""
        if self.fresh[rows].any():
            self.fresh[rows] = False
            self._ready = self._ready[~np.isin(self._ready, rows)]

    def update(self, random: np.random.Generator) -> None:
        """Denoise for the states that have none, once there are enough of them."""
        missing = np.flatnonzero(~self.fresh[: self.replay.rows])
        if len(missing) == 0 or (len(missing) < self.together and len(self._ready)):
            return
        states = self.replay.column("observations")
        for rows in np.array_split(missing, -(-len(missing) * self.each // self.LARGEST)):
            w = random.standard_normal((len(rows), self.each, self.noise.shape[-1]), np.float32)
            noise = np.clip(w / self.bound, -1, 1)
            flat = self.bound * noise.reshape(-1, noise.shape[-1])
            chunks = self.sampler(np.repeat(states[rows], self.each, axis=0), flat)
            self.noise[rows], self.chunks[rows] = noise, chunks.reshape(len(rows), self.each, -1)
            # What was executed is known without denoising; it takes the place of one of them.
            known = rows[self.replay.column("noise_known")[rows]]
            self.noise[known, 0] = self.replay.column("actions")[known]
            self.chunks[known, 0] = self.replay.column("chunks")[known]
        self.fresh[missing] = True
        self._ready = np.flatnonzero(self.fresh[: self.replay.rows])

    def draw(self, count: int, random: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """States [B, S], u [B, D], flat chunks [B, n * A]."""
        rows = self._ready[random.integers(len(self._ready), size=count)]
        which = random.integers(self.each, size=count)
        return self.replay.column("observations")[rows], self.noise[rows, which], self.chunks[rows, which]


class Recent:
    """The actor's noise at next states of the replay, denoised: a ring of the last ``size``.

    Attributes:
        rows: int64 [P], of the replay; noise: u [P, D]; log_prob: [P, 1]; chunks: flat [P, n * A].
    """

    def __init__(self, size: int, dim: int, chunk_size: int) -> None:
        self.rows = np.zeros(size, np.int64)
        self.noise = np.zeros((size, dim), np.float32)
        self.log_prob = np.zeros((size, 1), np.float32)
        self.chunks = np.zeros((size, chunk_size), np.float32)
        self.filled = self.position = 0

    def add(
        self,
        rows: NDArray[np.int64],
        noise: NDArray[np.float32],
        log_prob: NDArray[np.float32],
        chunks: NDArray[np.float32],
    ) -> None:
        """Replace the oldest."""
        place = (self.position + np.arange(len(rows))) % len(self.rows)
        self.rows[place], self.noise[place] = rows, noise
        self.log_prob[place], self.chunks[place] = log_prob, chunks
        self.position = (self.position + len(rows)) % len(self.rows)
        self.filled = min(self.filled + len(rows), len(self.rows))

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Drop what belongs to rows whose transition has been replaced."""
        stays = np.flatnonzero(~np.isin(self.rows[: self.filled], rows))
        if len(stays) == self.filled:
            return
        for name in ("rows", "noise", "log_prob", "chunks"):
            array = getattr(self, name)
            array[: len(stays)] = array[stays]
        self.filled = len(stays)
        self.position = self.filled % len(self.rows)


class DSRLNA(DSRLSAC):
    """DSRL-NA on a ``NoiseEnv``, whose frozen policy it takes from there.

    Args:
        aliases: K, triples of N(0, I) for each state.
        recent: size of the ring of the actor's triples.
        denoise: of them that are drawn anew before each update.
        distill: steps of Q^W for each step of Q^A.
        actor_share: of a distillation batch that is the actor's noise instead of N(0, I).
        demonstration_share: of what the critic of chunks learns from, where the replay was filled before.
        others: as DSRLSAC.
    """

    policy: NoiseAliasingPolicy

    def __init__(
        self,
        *args: Any,
        aliases: int = 8,
        recent: int = 512,
        denoise: int = 64,
        distill: int = 1,
        actor_share: float = 0.5,
        demonstration_share: float = 0.5,
        **kwargs: Any,
    ) -> None:
        self.aliases, self.recent, self.denoise = aliases, recent, denoise
        self.distill, self.actor_share = distill, actor_share
        self.demonstration_share = demonstration_share
        super().__init__(*args, **kwargs)

    def _setup_model(self) -> None:
        super()._setup_model()
        assert self.env is not None and isinstance(self.action_space, Box)
        self._sampler: NoiseSampler = self.env.get_attr("sampler")[0]
        self._bound = np.float32(self.action_space.high[0])
        self._random = np.random.default_rng([self.seed or 0, self.num_timesteps])
        self._forget_stores()

    def _forget_stores(self) -> None:
        replay = self.replay_buffer
        self._aliases = Aliases(replay, self._sampler, float(self._bound), self.aliases, together=16)
        self._recent = Recent(self.recent, replay.action_dim, replay.chunks.shape[-1])

    def set_replay_buffer(self, replay: ChunkReplayBuffer) -> None:
        """Go on with a replay of a run before; its triples are denoised anew."""
        self.replay_buffer = replay
        self._forget_stores()

    def _store_transition(self, replay_buffer: Any, *args: Any) -> None:
        rows = replay_buffer.pos * self.n_envs + np.arange(self.n_envs)
        super()._store_transition(replay_buffer, *args)
        self._aliases.forget(rows)
        self._recent.forget(rows)

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """Denoise once, then update Q^A, Q^W and the actor ``gradient_steps`` times."""
        self._begin()
        self._update_learning_rate([self.policy.chunk_critic.optimizer])
        self._aliases.update(self._random)
        self._denoise_next()
        target = self.policy.chunk_critic_target
        for step in range(gradient_steps):
            which = self._random.integers(self._recent.filled, size=batch_size)
            batch = self.replay_buffer.batch(self._recent.rows[which])
            decided = torch.from_numpy(self.replay_buffer.column("chunks")[self._recent.rows[which]])
            with torch.no_grad():
                next_chunks = torch.from_numpy(self._recent.chunks[which])
                log_prob = torch.from_numpy(self._recent.log_prob[which])
                value = target(batch.next_observations, next_chunks).amin(0) - self.alpha() * log_prob
            self._fit_critic(self.policy.chunk_critic, batch, decided, value)
            follow(self.policy.chunk_critic, target, self.tau)
            for _ in range(self.distill):
                self._distill(batch_size)
            if self._actor_is_due(step):
                self._improve_actor(batch.observations)
        self._end(gradient_steps)

    def _denoise_next(self) -> None:
        """Draw the actor's noise at some next states, and denoise it in one batch."""
        rows = self._draw_rows(self.denoise)
        states = self.replay_buffer.column("next_observations")[rows]
        with torch.no_grad():
            noise, log_prob = (x.numpy() for x in self.actor.action_log_prob(torch.from_numpy(states)))
        chunks = self._sampler(states, self._bound * noise)
        self._recent.add(rows, noise, log_prob, chunks.reshape(len(rows), -1))

    def _draw_rows(self, count: int) -> NDArray[np.int64]:
        """Rows of the replay [B]: a fixed share of demonstrations, so that they never drown what is new."""
        replay, share = self.replay_buffer, round(self.demonstration_share * count)
        own = replay.column("noise_known")[: replay.rows]
        if own.all() or not own.any():
            return self._random.integers(replay.rows, size=count)
        parts = (np.flatnonzero(~own), share), (np.flatnonzero(own), count - share)
        return np.concatenate([rows[self._random.integers(len(rows), size=size)] for rows, size in parts])

    def _distill(self, batch_size: int) -> None:
        """One step of each head of Q^W towards the same head of Q^A."""
        of_actor = round(self.actor_share * batch_size)
        states, noise, chunks = self._aliases.draw(batch_size - of_actor, self._random)
        if of_actor:
            which = self._random.integers(self._recent.filled, size=of_actor)
            there = self.replay_buffer.column("next_observations")[self._recent.rows[which]]
            states = np.concatenate([states, there])
            noise = np.concatenate([noise, self._recent.noise[which]])
            chunks = np.concatenate([chunks, self._recent.chunks[which]])
        at = torch.from_numpy(states)
        with torch.no_grad():
            target = self.policy.chunk_critic(at, torch.from_numpy(chunks))
        loss = 0.5 * (self.critic(at, torch.from_numpy(noise)) - target).square().mean(1).sum()
        self.critic.optimizer.zero_grad()
        loss.backward()
        self.critic.optimizer.step()
        self._note("distillation_loss", loss.detach())

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_sampler", "_aliases", "_recent", "_random"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        states, variables = super()._get_torch_save_params()
        return [*states, "policy.chunk_critic.optimizer"], variables


def make_na(
    env: NoiseEnv, settings: DSRLConfig, seed: int = 0, states: NDArray[np.float32] | None = None
) -> DSRLNA:
    """DSRL-NA on an environment; arguments as ``make_sac``."""
    arguments = learner_arguments(env, settings, seed, states)
    arguments["policy_kwargs"]["chunk_size"] = arguments["replay_buffer_kwargs"]["chunk_size"]
    return DSRLNA(
        NoiseAliasingPolicy,
        **arguments,
        aliases=settings.aliases,
        recent=settings.recent,
        denoise=settings.denoise,
        distill=settings.distill,
        actor_share=settings.actor_share,
        demonstration_share=settings.demonstration_share,
    )

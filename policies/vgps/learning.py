"""Two ways to learn the value of a chunk offline: Cal-QL and IQL.

Cal-QL knows, for each state of the data, some chunks that the base policy would draw there: what will be
ranked is drawn from them, so that is where the critic must be right.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pilotfish.policies.vgps.config import VGPSConfig
from pilotfish.policies.vgps.network import CriticNetwork


@dataclass(frozen=True)
class Batch:
    """Rows of the data, ready for the networks.

    Attributes:
        features, rewards, discounts, failed, returns: of the data's chunks, [B, inputs] and [B].
        drawn: features of the base policy's chunks at the same states, [B, K, inputs]; K may be 0.
        next_drawn: the same at the next states.
        next_states: features of the next states alone, [B, states + task].
        states: of the states alone.
    """

    features: Tensor
    rewards: Tensor
    discounts: Tensor
    failed: Tensor
    returns: Tensor
    drawn: Tensor
    next_drawn: Tensor
    states: Tensor
    next_states: Tensor


class Learner:
    """Critic, target and optimiser.

    Args:
        critic: that is learned.
        state_value: V(s) of IQL, a network of one head; not used by Cal-QL.
        settings: of the training.
        failure: what failing for ever is worth.
    """

    def __init__(
        self, critic: CriticNetwork, state_value: CriticNetwork, settings: VGPSConfig, failure: float
    ) -> None:
        self.critic, self.state_value, self.settings = critic, state_value, settings
        self.failure = failure
        self.target = copy.deepcopy(critic).requires_grad_(False)
        parameters = [*critic.parameters(), *state_value.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=settings.learning_rate)

    def update(self, batch: Batch) -> dict[str, float]:
        """One step on a batch; returns the losses."""
        losses = self._calql(batch) if self.settings.method == "calql" else self._iql(batch)
        self.optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        self.optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.critic.parameters(), strict=True):
                slow.lerp_(fast, self.settings.tau)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _fit(self, batch: Batch, following: Tensor) -> Tensor:
        """Squared error of all heads to r + disc * following; failing goes on for ever."""
        following = torch.where(batch.failed, self.failure, following)
        target = batch.rewards + batch.discounts * following
        return 0.5 * (self.critic(batch.features) - target).square().mean(1).sum()

    def _iql(self, batch: Batch) -> dict[str, Tensor]:
        """V(s) <- expectile of min Q(s, a) over the data's chunks; Q(s, a) <- r + disc V(s').

        Kostrikov et al., 2021, equations 5 and 6.
        """
        with torch.no_grad():
            following = self.state_value(batch.next_states)[0]
            value = self.target(batch.features).amin(0)
        error = value - self.state_value(batch.states)[0]
        tau = self.settings.expectile
        weight = torch.where(error > 0, tau, 1 - tau)
        return {"td": self._fit(batch, following), "expectile": (weight * error.square()).mean()}

    def _calql(self, batch: Batch) -> dict[str, Tensor]:
        """Q(s, a) <- r + disc min Q'(s', a'), a' the base policy's; pushed down where the data is silent.

        The conservative term is logsumexp over the policy's chunks of max(Q, return of the data) - Q(s, a):
        Nakamoto et al., 2023, equation 5.1. Calibration by the return keeps what was reached from being
        pushed below what it was worth.
        """
        count, several = batch.drawn.shape[:2]
        with torch.no_grad():
            options = self.target(batch.next_drawn.flatten(0, 1)).amin(0).reshape(count, several)
            following = options.mean(1)
        drawn = self.critic(batch.drawn.flatten(0, 1)).reshape(-1, count, several)
        calibrated = torch.maximum(drawn, batch.returns[:, None])
        data = self.critic(batch.features)
        spread = torch.logsumexp(calibrated, 2) - torch.log(torch.tensor(float(several)))
        conservative = (spread - data).mean(1).sum()
        return {
            "td": self._fit(batch, following),
            "conservative": self.settings.conservatism * conservative,
        }


def make_networks(
    inputs: int, states: int, features: Tensor, bare: Tensor, settings: VGPSConfig
) -> tuple[CriticNetwork, CriticNetwork]:
    """Critic and state value, normalised by the data's features."""

    def network(length: int, data: Tensor, heads: int) -> CriticNetwork:
        spread = data.std(0).clamp(min=0.02)
        return CriticNetwork(length, heads, settings.width, settings.layers, data.mean(0), spread)

    return network(inputs, features, settings.heads), network(states, bare, 1)


def state_dicts(learner: Learner) -> dict[str, dict]:
    """Everything of a learner that a checkpoint needs."""
    parts: dict[str, nn.Module | torch.optim.Optimizer] = {
        "critic": learner.critic,
        "state_value": learner.state_value,
        "target": learner.target,
        "optimizer": learner.optimizer,
    }
    return {name: part.state_dict() for name, part in parts.items()}


def load_state_dicts(learner: Learner, saved: dict[str, dict]) -> None:
    """Go on from ``state_dicts``."""
    for name in ("critic", "state_value", "target", "optimizer"):
        getattr(learner, name).load_state_dict(saved[name])

"""What explorers saw, and what came of it: from this the network learns whether the team has seen all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

from pilotfish.policies.training import StageSettings

SPLIT = 10
"""The last of so many parts of the decisions is kept for the check."""


class Outcomes:
    """Contexts of decisions with their outcomes, kept in a file.

    Args:
        file: .npz; read if it is there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._contexts: list[NDArray[np.float32]] = []
        self._outcomes: list[NDArray[np.float32]] = []
        if file.exists():
            with np.load(file) as kept:
                self._contexts, self._outcomes = [kept["contexts"]], [kept["outcomes"]]

    def add(self, contexts: NDArray[np.float32], outcomes: NDArray[np.float32]) -> None:
        """Note a round of decisions: contexts [B, n_global], and 1 where the team had seen all [B]."""
        self._contexts.append(contexts.copy())
        self._outcomes.append(outcomes.copy())

    def save(self) -> None:
        """Write all to the file, atomically."""
        part = self._file.with_suffix(".part.npz")
        np.savez_compressed(
            part, contexts=np.concatenate(self._contexts), outcomes=np.concatenate(self._outcomes)
        )
        os.replace(part, self._file)

    def teach(self, chance: nn.Module, stage: StageSettings) -> dict[str, float]:
        """Fit ``chance`` (contexts [B, n_global] -> logits [B, 1]) over the stage's epochs.

        Returns: ``cross_entropy`` on the last decisions, which it was not taught on, and ``base_rate``: that
        of always answering how often the team had seen all in these.
        """
        contexts = torch.from_numpy(np.concatenate(self._contexts))
        outcomes = torch.from_numpy(np.concatenate(self._outcomes))
        taught = len(outcomes) - len(outcomes) // SPLIT
        optimizer = torch.optim.AdamW(chance.parameters(), stage.learning_rate, weight_decay=0.05)
        for _ in range(stage.epochs):
            for rows in torch.randperm(taught).split(stage.batch):
                loss = binary_cross_entropy_with_logits(chance(contexts[rows])[:, 0], outcomes[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            checked = binary_cross_entropy_with_logits(chance(contexts[taught:])[:, 0], outcomes[taught:])
        share = outcomes[taught:].mean()
        base = binary_cross_entropy(share.expand(len(outcomes) - taught), outcomes[taught:])
        return {"cross_entropy": float(checked), "base_rate": float(base)}

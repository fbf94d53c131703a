"""Demonstrations as transitions of chunks, for the replay of noise aliasing: no noise need be known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pilotfish.policies.dsrl.replay import ChunkTransitions
from pilotfish.policies.manipulation.recorded import load_recorded


def transitions_of(root: Path, length: int, gamma: float) -> ChunkTransitions:
    """All chunks of a LeRobotDataset, one beginning at each frame.

    The dataset holds no observation after an episode's last action; the one before it stands in, which
    matters only where the time ran out.

    Args:
        length: n, of a chunk.
        gamma: discount of a whole chunk.

    Raises:
        FileNotFoundError: there is no dataset.
        ValueError: it lacks a feature.
    """
    recorded = load_recorded(root)
    recorded.require("action", "next.success")
    columns = recorded.columns
    states = recorded.states
    success = columns["next.success"][:, 0].astype(bool)
    parts = []
    for episode in np.unique(recorded.episode):
        rows = np.flatnonzero(recorded.episode == episode)
        seen = states[np.append(rows, rows[-1])]
        parts.append(
            ChunkTransitions.of_episode(
                seen,
                columns["action"][rows],
                bool(success[rows[-1]]),
                length,
                step_discount=gamma ** (1 / length),
                reward_scale=1 / length,
            )
        )
    return ChunkTransitions.concatenate(parts)

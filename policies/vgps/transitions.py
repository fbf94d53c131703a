"""Chunks of recorded episodes, with what they led to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.manipulation.recorded import Recorded, load_recorded


@dataclass(frozen=True)
class Transitions:
    """One row for each frame of the data: the chunk of n actions that begins there.

    Rewards are -1 for a whole chunk without success. An episode that ran out of time counts as one that
    fails for ever: the dataset does not hold what came after its end, and nothing in it succeeded.

    Attributes:
        states, next_states: float32 [N, S], features side by side by name, raw.
        chunks: float32 [N, n, A]; past the end of the episode the last action is repeated.
        rewards: float32 [N], of the steps executed, discounted inside the chunk.
        discounts: float32 [N], of what follows; 0 after success.
        failed: bool [N], the time ran out within the chunk: what follows is worth failing for ever.
        returns: float32 [N], what the episode brought from here on.
        success: bool [N], of the episode.
        following: int64 [N], row of the next state.
        episode, task: int64 [N]; task is an index into ``sentences``.
        sentences: the tasks in words.
    """

    states: NDArray[np.float32]
    chunks: NDArray[np.float32]
    rewards: NDArray[np.float32]
    next_states: NDArray[np.float32]
    discounts: NDArray[np.float32]
    failed: NDArray[np.bool_]
    returns: NDArray[np.float32]
    success: NDArray[np.bool_]
    following: NDArray[np.int64]
    episode: NDArray[np.int64]
    task: NDArray[np.int64]
    sentences: list[str]

    def rows(self, chosen: NDArray[Any]) -> Transitions:
        """Some of the rows; ``following`` still counts those of the whole."""
        picked = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "sentences"}
        return Transitions(**picked, sentences=self.sentences)


def load_transitions(root: str | Path, length: int, gamma: float) -> Transitions:
    """Of a LeRobotDataset with the columns of ``pilotfish worlds demonstrate``.

    Args:
        length: n, of a chunk.
        gamma: discount of a whole chunk.

    Raises:
        FileNotFoundError: there is no dataset.
        ValueError: it lacks a column.
    """
    recorded = load_recorded(root)
    recorded.require("action", "next.success")
    return transitions_of(recorded, length, gamma)


def transitions_of(recorded: Recorded, length: int, gamma: float) -> Transitions:
    """Of the frames of a dataset; arguments as ``load_transitions``."""
    columns: Mapping[str, NDArray[Any]] = recorded.columns
    frames = np.arange(len(recorded.episode))
    last = recorded.last
    step = gamma ** (1 / length)
    states = recorded.states
    success = columns["next.success"][:, 0].astype(bool)[last]
    left = last - frames + 1  # steps to the end of the episode, this one included
    executed = np.minimum(left, length)
    ends = left <= length
    following = np.minimum(frames + length, last)
    # The step that succeeds costs nothing; all others cost 1 / n each.
    costly = executed - (ends & success)
    failure = failure_value(gamma, length)
    until = _discounted(left - success, step) / length
    returns = np.where(success, -until, -until + step**left * failure)
    return Transitions(
        states=states,
        chunks=columns["action"][recorded.windows(length)].astype(np.float32),
        rewards=(-_discounted(costly, step) / length).astype(np.float32),
        next_states=states[following],
        discounts=np.where(ends & success, 0.0, step**executed).astype(np.float32),
        failed=ends & ~success,
        returns=returns.astype(np.float32),
        success=success,
        following=following,
        episode=recorded.episode,
        task=recorded.task,
        sentences=recorded.tasks,
    )


def failure_value(gamma: float, length: int) -> float:
    """What a failure that never ends is worth: -1 / n a step, discounted by gamma^(1/n)."""
    return -1 / length / (1 - gamma ** (1 / length))


def _discounted(steps: NDArray[np.int64], discount: float) -> NDArray[np.floating]:
    """1 + g + ... of so many steps."""
    return (1 - discount**steps) / (1 - discount)


def together(parts: Sequence[Transitions]) -> Transitions:
    """Several datasets as one, for a critic of several tasks; zeros fill shorter states and actions."""
    widths = {name: max(getattr(part, name).shape[-1] for part in parts) for name in ("states", "chunks")}
    widths["next_states"] = widths["states"]
    sentences = list(dict.fromkeys(sentence for part in parts for sentence in part.sentences))
    columns: dict[str, list[NDArray[Any]]] = {}
    episodes = rows = 0
    for part in parts:
        for field in fields(part):
            values = getattr(part, field.name)
            if field.name == "sentences":
                continue
            if field.name in widths:
                values = widen(values, widths[field.name])
            elif field.name == "task":
                values = np.array([sentences.index(sentence) for sentence in part.sentences])[values]
            elif field.name == "episode":
                values = values + episodes
            elif field.name == "following":
                values = values + rows
            columns.setdefault(field.name, []).append(values)
        episodes += int(part.episode.max()) + 1
        rows += len(part.episode)
    return Transitions(
        **{name: np.concatenate(values) for name, values in columns.items()}, sentences=sentences
    )


def widen(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Zeros behind the last axis until it is ``width`` long."""
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])])

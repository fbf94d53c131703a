"""What an explorer chooses between, priced by the planner: the frame of the expert and of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

EXPLORE, MEET, LAST_CORNER, HOME, WAIT = range(5)
"""Kinds of option: a frontier, a robot out of reach, a place where little is left to see, where the team
began, and to stay."""

KINDS = 5


@dataclass(frozen=True)
class Options:
    """M things that a robot may do next; the last is always to wait.

    Attributes:
        kind: int8 [M].
        block: int64 [M] where to go; -1 to wait.
        way: float32 [M] to there [px].
        cost: float32 [M] the planner's price [px]; the least is its choice.
        size, pocket: float32 [M] blocks of frontier, and of unknown behind it.
        peer: int8 [M] who is to be met; -1 for none.
    """

    kind: NDArray[np.int8]
    block: NDArray[np.int64]
    way: NDArray[np.float32]
    cost: NDArray[np.float32]
    size: NDArray[np.float32]
    pocket: NDArray[np.float32]
    peer: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.block)

    @property
    def best(self) -> int:
        """The planner's choice."""
        return int(self.cost.argmin())

    def subset(self, rows: NDArray[np.int64]) -> Options:
        """Some of the options."""
        return Options(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Options]) -> Options:
        """Several behind each other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

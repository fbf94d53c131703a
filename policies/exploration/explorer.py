"""What leads one robot of an exploring team: its own belief in, the way to drive out.

No ROS, no simulator. The simulated world, the evaluation and the node on a robot call the same object.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.situation import Situation

STAY = -1
"""Chosen instead of a block: stand still. An action of its own."""

NO_PATH = np.empty((0, 2), np.float32)


@runtime_checkable
class ExplorationPolicy(Protocol):
    """A policy that leads one robot.

    ``needs_full_radio`` marks an optimistic bound: it is measured with a radio that always reaches.
    """

    name: str
    needs_full_radio: bool

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief.

        Args:
            belief: of the robot; whoever runs the episode keeps it up to date.
            seed: of every draw of the policy.
            clearance: obstacles grow by this much [px]; 0 for a robot of a pixel.
        """

    def act(self) -> NDArray[np.float32]:
        """Decide on the belief as it is now, and write the choice into ``belief.target``.

        Returns: float32 [M, 2] corners (row, col) [px] of the way to drive, empty to stay.
        """


class TargetPolicy:
    """A policy that chooses a block to drive to; this class finds the way there.

    Subclasses implement ``choose``.

    Args:
        every: chooses anew every so many calls, and before when it is there, nothing is left to see there,
            nothing leads there any more, or other robots are in reach than were.
    """

    needs_full_radio = False

    def __init__(self, name: str, every: int = 1) -> None:
        self.name = name
        self.every = every

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief."""
        self.belief = belief
        self.navigation = Navigation(belief, clearance)
        self.rng = np.random.default_rng([seed, belief.me])
        self._age = self.every  # calls since the last choice
        self._chosen = STAY
        self._to_see = np.empty(0, np.int64)  # the frontier that was chosen, blocks
        self._linked = belief.connected.copy()

    def act(self) -> NDArray[np.float32]:
        """Decide now; float32 [M, 2] corners (row, col) [px] of the way to drive, empty to stay."""
        if self._goes_on():
            way = self.way_on()
            if len(way) or self._chosen == STAY:
                return way
        situation = Situation.of(self.belief, self.navigation)
        return self.path_to(situation, self.choose(situation))

    def path_to(self, situation: Situation, block: int) -> NDArray[np.float32]:
        """Go for a block: note the target, and find the way to it; for STAY, none."""
        belief = self.belief
        self._age, self._chosen, self._linked = 0, block, belief.connected.copy()
        self._to_see = situation.frontiers.members_of(block)
        if block == STAY:
            belief.target[belief.me] = belief.position[belief.me]
            return NO_PATH
        belief.target[belief.me] = self.navigation.anchors(np.array([block]))[0]
        return situation.path_to(block)

    def way_on(self) -> NDArray[np.float32]:
        """The rest of the way to the last choice, on the map as it is now; corners as of ``act``."""
        if self._chosen == STAY:
            return NO_PATH
        self.navigation.update()
        return self.navigation.way(self.belief.position[self.belief.me], self._chosen)

    def _goes_on(self) -> bool:
        """Whether the last choice still holds."""
        self._age += 1
        if self._age >= self.every or (self.belief.connected != self._linked).any():
            return False
        self.navigation.update()
        return not len(self._to_see) or bool(self.navigation.is_frontier(self._to_see).any())

    def choose(self, situation: Situation) -> int:
        """The block to go to, or STAY."""
        raise NotImplementedError

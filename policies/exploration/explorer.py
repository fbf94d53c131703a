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
    """

    needs_full_radio = False

    def __init__(self, name: str) -> None:
        self.name = name

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief."""
        self.belief = belief
        self.navigation = Navigation(belief, clearance)
        self.rng = np.random.default_rng([seed, belief.me])
        self._chosen = STAY

    def act(self) -> NDArray[np.float32]:
        """Decide now; float32 [M, 2] corners (row, col) [px] of the way to drive, empty to stay."""
        situation = Situation.of(self.belief, self.navigation)
        return self.path_to(situation, self.choose(situation))

    def path_to(self, situation: Situation, block: int) -> NDArray[np.float32]:
        """Go for a block: note the target, and find the way to it; for STAY, none."""
        belief = self.belief
        self._chosen = block
        if block == STAY:
            belief.target[belief.me] = belief.position[belief.me]
            return NO_PATH
        belief.target[belief.me] = self.navigation.anchors(np.array([block]))[0]
        return situation.path_to(block)

    def way_on(self) -> NDArray[np.float32]:
        """The rest of the way to the last target, on the map as it is now, without a decision."""
        if self._chosen == STAY:
            return NO_PATH
        self.navigation.update()
        return self.navigation.way(self.belief.position[self.belief.me], self._chosen)

    def choose(self, situation: Situation) -> int:
        """The block to go to, or STAY."""
        raise NotImplementedError

"""What a robot can choose between at a decision: frontiers, peers to meet, or to stay."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import FAINT
from pilotfish.policies.exploration.frontiers import Frontiers, find_frontiers
from pilotfish.policies.exploration.navigation import Navigation, pixels_of
from pilotfish.policies.exploration.search import OpenSearch


@dataclass
class Situation:
    """A robot's view of one decision, on its own belief.

    Attributes:
        belief: of the robot.
        navigation: up to date.
        field: int32 [h * w] distances from the robot [1/SCALE px].
        frontiers: clear ones that can be reached, C of them.
    """

    belief: TeamBelief
    navigation: Navigation
    field: NDArray[np.int32]
    frontiers: Frontiers
    _searches: dict[int, OpenSearch] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, belief: TeamBelief, navigation: Navigation) -> Situation:
        """The situation now: updates the navigation and searches once from the robot."""
        navigation.update()
        own = navigation.field(navigation.block_at(belief.position[belief.me]))
        return cls(belief, navigation, own, find_frontiers(navigation, own))

    @cached_property
    def peer_block(self) -> NDArray[np.int64]:
        """int64 [N] block where each robot is believed to be; -1 where that is not known."""
        at = self.navigation.block_at
        places = self.belief.position.tolist()
        return np.array([at(p) if isfinite(p[0]) and isfinite(p[1]) else -1 for p in places], np.int64)

    def ways(self, robot: int, blocks: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [B] way from where a robot is believed to be to different blocks [px]; inf if not known."""
        if robot == self.belief.me:
            return pixels_of(self.field[blocks])
        if robot not in self._searches:
            self._searches[robot] = OpenSearch(self.navigation.links, int(self.peer_block[robot]))
        return pixels_of(self._searches[robot].to(blocks))

    @cached_property
    def distance(self) -> NDArray[np.float32]:
        """float32 [C] way from this robot to each frontier [px]."""
        return pixels_of(self.field[self.frontiers.block])

    def distances(self, robots: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [R, C] way from each robot's believed place to each frontier [px]; inf if not known."""
        return np.stack([self.ways(int(robot), self.frontiers.block) for robot in robots])

    @cached_property
    def peer_distance(self) -> NDArray[np.float32]:
        """float32 [N] way from this robot to each robot's believed place [px]; inf if not known."""
        blocks = self.peer_block
        return np.where(blocks >= 0, pixels_of(self.field[np.maximum(blocks, 0)]), np.inf)

    @cached_property
    def surplus(self) -> NDArray[np.int64]:
        """int64 [N] free pixels that each robot is believed to lack, as ``TeamBelief.surplus``."""
        return self.belief.surplus()

    def nearest_faint(self) -> int:
        """The nearest place where little is left to see; -1 where there is none."""
        faint = find_frontiers(self.navigation, self.field, FAINT)
        return int(faint.block[self.field[faint.block].argmin()]) if len(faint) else -1

    def path_to(self, block: int) -> NDArray[np.float32]:
        """Corners of the way to a block, as ``Navigation.path``."""
        return self.navigation.path(self.belief.position[self.belief.me], self.field, block)

"""What a robot asks of its policy's navigation: is anything left to explore, and which way leads there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.explorer import NO_PATH, ExplorationPolicy
from pilotfish.policies.exploration.gaps import way_through_gap
from pilotfish.policies.exploration.navigation import Navigation
from pilotfish.policies.exploration.situation import Situation


def nothing_left(policy: ExplorationPolicy) -> bool:
    """Whether a policy that has chosen to stay knows of no frontier that can be reached.

    A policy that does not tell what it navigates by is believed.
    """
    navigation: Navigation | None = getattr(policy, "navigation", None)
    if navigation is None:
        return True
    situation = Situation.of(navigation.belief, navigation)
    return len(situation.frontiers) == 0 and situation.nearest_faint() < 0


def last_resort(policy: ExplorationPolicy) -> NDArray[np.float32]:
    """Corners [M, 2] (row, col) [px] of a way that the policy does not see; empty if there is none.

    To be asked when ``nothing_left``.
    """
    navigation: Navigation | None = getattr(policy, "navigation", None)
    return NO_PATH if navigation is None else way_through_gap(navigation)


def way_to(policy: ExplorationPolicy, place: NDArray[np.float64]) -> NDArray[np.float32]:
    """Corners [M, 2] (row, col) [px] of the shortest way to the free place nearest to one; empty for none."""
    navigation: Navigation | None = getattr(policy, "navigation", None)
    if navigation is None:
        return NO_PATH
    navigation.update()
    belief = navigation.belief
    position = belief.position[belief.me]
    block = navigation.block_at(place)
    if block < 0:
        return NO_PATH
    return navigation.path(position, navigation.field(navigation.block_at(position)), block)

"""What a fleet policy sees and says. No ROS, no simulator: numpy in, numpy out.

Every fleet policy works on a batch of agents: all of a simulated fleet, or (in a robot's own node)
the robot itself in row 0 followed by the peers it has heard from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.maps.grid_map import GridMap

STAY, UP, DOWN, LEFT, RIGHT = range(5)
"""Actions of the grid fleet; UP is towards row 0."""

ROW_STEP = np.array([0, -1, 1, 0, 0], dtype=np.int32)
COL_STEP = np.array([0, 0, 0, -1, 1], dtype=np.int32)

VIEW_RADIUS = 5
"""Agents see, and hear, each other within this many cells (Chebyshev): an 11x11 window."""


@dataclass(frozen=True)
class FleetObservation:
    """One tick of N agents.

    Attributes:
        cell: int32 [N] own cell, ``row * width + col``.
        goal: int32 [N] the cell to reach.
        window: uint8 [N, 11, 11] centred on the agent, row 0 towards UP: 1 where an agent is seen,
            the agent itself included.
    """

    cell: NDArray[np.int32]
    goal: NDArray[np.int32]
    window: NDArray[np.uint8]


@dataclass(frozen=True)
class Proposal:
    """What an agent would like to do, before conflicts are resolved; what communicating agents send.

    Attributes:
        scores: float32 [N, 5] preference for each action, higher is better, -inf into walls.
        priority: float32 [N] who goes first where two want the same cell, higher first; equal
            priorities are broken by the lower agent index.
    """

    scores: NDArray[np.float32]
    priority: NDArray[np.float32]


@runtime_checkable
class FleetPolicy(Protocol):
    """A policy for fleets on a grid.

    ``information`` names the track: "window" agents use only their own observation;
    "neighbours" also exchange proposals with agents within ``VIEW_RADIUS``.
    """

    name: str
    information: Literal["window", "neighbours"]

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        """Start an episode: forget every belief, seed every draw."""

    def propose(self, observation: FleetObservation) -> Proposal:
        """Update the beliefs with one observation and score the actions. Call once a tick."""

    def resolve(self, observation: FleetObservation, proposal: Proposal) -> NDArray[np.int8]:
        """Actions int8 [N] from proposals: sampled or best ("window"), negotiated ("neighbours")."""

    def act(self, observation: FleetObservation) -> NDArray[np.int8]:
        """``resolve(observation, propose(observation))``."""

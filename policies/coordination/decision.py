"""Asks a fleet policy for one robot's next move, from what that robot sees and hears."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.wire import Intent
from pilotfish.policies.fleet import STAY, VIEW_RADIUS, FleetObservation, FleetPolicy, Proposal

_SIDE = 2 * VIEW_RADIUS + 1


@dataclass(frozen=True)
class Neighbour:
    """A robot in view.

    Attributes:
        robot: its index.
        cell: where it is, or, if it has said so, where it will be when it acts on ``intent``.
        intent: what it has proposed; None if it has said nothing, then it is expected to stay.
    """

    robot: int
    cell: int
    intent: Intent | None


class Decider:
    """One robot's policy.

    A "window" policy sees a batch of one. For a "neighbours" policy the batch is the robot itself (row 0)
    and the robots in view, with the proposals that they have broadcast; ``intent`` is this robot's own.
    """

    def __init__(self, graph: CellGraph, policy: FleetPolicy, robot: int, seed: int) -> None:
        self.graph = graph
        self.policy = policy
        self.robot = robot
        self.intent: Intent | None = None
        self.seconds: deque[float] = deque(maxlen=200)
        """How long the last decisions took [s]."""
        policy.reset(graph.grid, 1, seed)

    def decide(
        self,
        cell: int,
        goal: int,
        others: dict[int, tuple[float, float]],
        neighbours: Sequence[Neighbour],
        masked: Iterable[int],
    ) -> int:
        """The action (`pilotfish.policies.fleet`) to take from ``cell``.

        Args:
            cell: where the robot is or is about to be.
            goal: the cell to reach.
            others: positions (x, y) [m, map frame] of the robots in view.
            neighbours: the same robots, with what they said.
            masked: actions that have just failed.
        """
        begun = time.perf_counter()
        seen = [self.graph.cell_at(xy) for xy in others.values()]
        observation = FleetObservation(
            cell=np.array([cell], dtype=np.int32),
            goal=np.array([goal], dtype=np.int32),
            window=self._window(cell, seen)[None],
        )
        proposal = self.policy.propose(observation)
        scores = np.array(proposal.scores, dtype=np.float32)
        masked = list(masked)
        scores[0, masked] = -np.inf
        proposal = Proposal(scores, np.array(proposal.priority, dtype=np.float32))
        if self.policy.information == "neighbours":
            self.intent = Intent(cell, goal, float(proposal.priority[0]), tuple(scores[0].tolist()))
            observation, proposal = self._with_neighbours(observation, proposal, neighbours)
        action = int(self.policy.resolve(observation, proposal)[0])
        self.seconds.append(time.perf_counter() - begun)
        return STAY if action in masked else action

    def _window(self, cell: int, seen: Iterable[int]) -> NDArray[np.uint8]:
        """uint8 [11, 11], 1 where a robot is, this one included."""
        width = self.graph.grid.width
        row, col = divmod(cell, width)
        window = np.zeros((_SIDE, _SIDE), dtype=np.uint8)
        window[VIEW_RADIUS, VIEW_RADIUS] = 1
        for other in seen:
            other_row, other_col = divmod(other, width)
            r, c = other_row - row + VIEW_RADIUS, other_col - col + VIEW_RADIUS
            if 0 <= r < _SIDE and 0 <= c < _SIDE:
                window[r, c] = 1
        return window

    def _with_neighbours(
        self, observation: FleetObservation, proposal: Proposal, neighbours: Sequence[Neighbour]
    ) -> tuple[FleetObservation, Proposal]:
        """Add a row for each neighbour; those that have proposed nothing stay, and come first."""
        cells, goals = [int(observation.cell[0])], [int(observation.goal[0])]
        scores, order_keys = [proposal.scores[0]], [(1, -float(proposal.priority[0]), self.robot)]
        stay = np.full(5, -np.inf, dtype=np.float32)
        stay[STAY] = 0.0
        # Where two claim the same cell (old news), the one that has spoken is believed.
        for neighbour in sorted(neighbours, key=lambda n: n.intent is None):
            if neighbour.cell in cells:
                continue
            cells.append(neighbour.cell)
            intent = neighbour.intent
            goals.append(neighbour.cell if intent is None else intent.goal)
            scores.append(stay if intent is None else np.array(intent.scores, dtype=np.float32))
            order_keys.append(
                (0 if intent is None else 1, 0.0 if intent is None else -intent.priority, neighbour.robot)
            )
        n = len(cells)
        # Ranks instead of priorities: rows are not in the order of robot indices, which breaks ties.
        priority = np.empty(n, dtype=np.float32)
        for place, k in enumerate(sorted(range(n), key=order_keys.__getitem__)):
            priority[k] = n - place
        window = np.zeros((n, _SIDE, _SIDE), dtype=np.uint8)
        for k, cell in enumerate(cells):
            window[k] = self._window(cell, cells)
        rows = FleetObservation(np.array(cells, dtype=np.int32), np.array(goals, dtype=np.int32), window)
        return rows, Proposal(np.array(scores, dtype=np.float32), priority)

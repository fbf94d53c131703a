"""A new fleet policy: greedy on the straight-line distance to the goal, with a drop of noise.

    python examples/extending/add_a_policy.py

To keep it: its own file under ``policies/``, and a line in ``policies/registry.py``. From then on
``pilotfish eval follower --policy greedy`` measures it, ``pilotfish run fleet policy:=greedy`` drives robots
with it, and the contract tests over the registry check it.
"""

import numpy as np

from pilotfish.cli.report import print_rows
from pilotfish.policies.fleet import COL_STEP, ROW_STEP, FleetObservation, Proposal
from pilotfish.policies.registry import FLEET_POLICIES, make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.rollout import rollout


class GreedyPolicy:
    """Steps to the neighbouring cell that is nearest to the goal."""

    name = "greedy"
    information = "window"  # it sees the 11x11 window and talks to nobody

    def __init__(self, noise: float = 1.5) -> None:
        self.noise = noise

    def reset(self, grid, n_agents, seed):
        """Start an episode."""
        self._walls = np.pad(grid.walls, 1, constant_values=True)
        self._width = grid.width
        self._rng = np.random.default_rng(seed)

    def propose(self, observation: FleetObservation) -> Proposal:
        """Minus the distance after each of the five actions, scores [N, 5]; -inf into walls."""
        row, col = np.divmod(observation.cell, self._width)
        goal_row, goal_col = np.divmod(observation.goal, self._width)
        rows = row[:, None] + ROW_STEP
        cols = col[:, None] + COL_STEP
        distance = np.abs(rows - goal_row[:, None]) + np.abs(cols - goal_col[:, None])
        scores = self._rng.normal(-distance, self.noise).astype(np.float32)
        scores[self._walls[rows + 1, cols + 1]] = -np.inf
        return Proposal(scores, np.zeros(len(row), dtype=np.float32))

    def resolve(self, observation: FleetObservation, proposal: Proposal):
        """The best action of each agent; the world makes agents stay that want the same cell."""
        return proposal.scores.argmax(axis=1).astype(np.int8)

    def act(self, observation: FleetObservation):
        """One decision, int8 [N]."""
        return self.resolve(observation, self.propose(observation))


def main() -> None:
    FLEET_POLICIES["greedy"] = ("greedy on the straight-line distance, with noise", GreedyPolicy)

    world = GridFleet(load_map("random"), n_agents=16)
    rows = []
    for name in ("random", "greedy", "follow"):
        result = rollout(world, make_fleet_policy(name), seed=0, steps=256)
        rows.append({"policy": name, "goals": int(result.goals.sum()), "throughput": result.throughput})
    print_rows(rows)


if __name__ == "__main__":
    main()

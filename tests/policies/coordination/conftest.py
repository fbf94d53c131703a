import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph

from pilotfish.policies.fleet import COL_STEP, ROW_STEP, FleetObservation, Proposal
from pilotfish.worlds.maps.grid_map import GridMap


class ShortestPath:
    """Steps down the distance to the goal, with a little noise so that standoffs end."""

    name = "shortest_path"
    information = "window"

    def reset(self, grid: GridMap, n_agents: int, seed: int) -> None:
        self.grid = grid
        self.rng = np.random.default_rng(seed)
        self.distance: dict[int, np.ndarray] = {}

    def propose(self, observation: FleetObservation) -> Proposal:
        n = len(observation.cell)
        scores = np.full((n, 5), -np.inf, dtype=np.float32)
        for k in range(n):
            distance = self._distance(int(observation.goal[k]))
            row, col = divmod(int(observation.cell[k]), self.grid.width)
            for action in range(5):
                r, c = row + ROW_STEP[action], col + COL_STEP[action]
                if 0 <= r < self.grid.height and 0 <= c < self.grid.width and not self.grid.walls[r, c]:
                    occupied = action > 0 and observation.window[k, 5 + r - row, 5 + c - col]
                    scores[k, action] = -distance[r * self.grid.width + c] - 1.5 * occupied
        return Proposal(scores, np.zeros(n, dtype=np.float32))

    def resolve(self, observation: FleetObservation, proposal: Proposal) -> np.ndarray:
        noise = self.rng.gumbel(size=proposal.scores.shape) * 0.5
        return np.argmax(proposal.scores + noise, axis=1).astype(np.int8)

    def act(self, observation: FleetObservation) -> np.ndarray:
        return self.resolve(observation, self.propose(observation))

    def _distance(self, goal: int) -> np.ndarray:
        if goal not in self.distance:
            free = ~self.grid.walls.ravel()
            index = np.arange(free.size).reshape(self.grid.walls.shape)
            pairs = np.concatenate(
                [
                    np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()]),
                    np.stack([index[:-1].ravel(), index[1:].ravel()]),
                ],
                axis=1,
            )
            pairs = pairs[:, free[pairs].all(axis=0)]
            graph = sparse.coo_matrix((np.ones(pairs.shape[1]), pairs), shape=(free.size, free.size))
            self.distance[goal] = csgraph.dijkstra(
                graph.tocsr(), directed=False, indices=goal, unweighted=True
            )
        return self.distance[goal]


@pytest.fixture
def shortest_path():
    return ShortestPath

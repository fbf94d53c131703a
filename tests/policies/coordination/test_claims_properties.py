"""The invariant of the claim protocol under faults: a discrete-event simulation of nothing but claims.

Robots are points that glide along their chains at full speed and want to go to random neighbours, which
is harder than any policy. Whatever the network and the processes do, no two robots hold one cell.
"""

import heapq
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.claims import MAX_CHAIN, ClaimParameters, Claims, Perception
from pilotfish.worlds.maps.grid_map import GridMap

PARAMETERS = ClaimParameters(footprint=0.35, max_speed=1.0)
COAST = 0.3  # how far a robot still rolls when its process dies; it keeps that room in its own cells
MAPS = {
    "yard": ("......", ".#..#.", "......", "..#...", "......"),
    "crossing": ("#.#", "...", "#.#"),
    "hall": ("...", "...", "..."),
}


@dataclass
class Network:
    delay_max: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    stall: float = 0.0  # chance that a tick is followed by a pause of up to 2 s
    kill: float = 0.0  # chance that a tick is the last one of a life


class Simulation:
    def __init__(self, n_robots: int, seed: int, network: Network, world: str = "yard") -> None:
        walls = np.array([[character == "#" for character in row] for row in MAPS[world]])
        self.graph = CellGraph(GridMap(world, walls))
        self.rng = np.random.default_rng(seed)
        self.network = network
        free = self.graph.grid.free_cells
        starts = self.rng.choice(free, n_robots, replace=False).tolist()
        self.xy = [self.graph.centre(cell) for cell in starts]
        self.epochs = [1] * n_robots
        self.claims: list[Claims | None] = [self._born(i) for i in range(n_robots)]
        self.moved = [0.0] * n_robots  # when each robot's position was last updated
        self.want_until = [0.0] * n_robots
        self.taken = 0
        self.now = 0.0
        self.events = [(self.rng.uniform(0, 0.1), k, "tick", i, None) for k, i in enumerate(range(n_robots))]
        self.count = n_robots
        self.pictures = deque([(0.0, list(self.xy))], maxlen=200)

    def _born(self, i: int) -> Claims:
        return Claims(self.graph, i, PARAMETERS, epoch=self.epochs[i] * 1_000_000_000)

    def push(self, after: float, kind: str, robot: int, message=None) -> None:
        self.count += 1
        heapq.heappush(self.events, (self.now + after, self.count, kind, robot, message))

    def run(self, seconds: float) -> None:
        while self.events[0][0] < seconds:
            self.now, _, kind, robot, message = heapq.heappop(self.events)
            if kind == "message":
                if self.claims[robot] is not None:
                    self.claims[robot].receive(message, self.now)
            elif kind == "restart":
                self.epochs[robot] += 1
                self.claims[robot] = self._born(robot)
                self.push(0.0, "tick", robot)
            else:
                self.tick(robot)
                self.pictures.append((self.now, list(self.xy)))
            self.check()

    def tick(self, i: int) -> None:
        claims, rng, network = self.claims[i], self.rng, self.network
        self.glide(i)
        held = len(claims.chain)
        message = claims.tick(self.now, self.perceive(i))
        self.taken += len(claims.chain) > held
        if claims.pending is not None and self.now > self.want_until[i]:
            claims.withdraw()
        if claims.pending is None and claims.ready(self.now) and len(claims.chain) < MAX_CHAIN:
            options = [c for c in self.graph.neighbours(claims.chain[-1]) if c not in claims.chain]
            if options and rng.random() < 0.5:
                claims.request(int(rng.choice(options)), self.now)
                self.want_until[i] = self.now + rng.uniform(0.3, 5.0)
        for k in range(len(self.claims)):
            if k != i and rng.random() >= network.loss:
                for _ in range(1 + (rng.random() < network.duplicate)):
                    self.push(rng.uniform(0, network.delay_max), "message", k, message)
        if rng.random() < network.kill:
            self.glide(i, coast=COAST)
            self.claims[i] = None
            self.push(rng.uniform(0.6, 3.0), "restart", i)
        else:
            pause = rng.uniform(0.1, 2.0) if rng.random() < network.stall else 0.0
            self.push(rng.uniform(0.05, 0.15) + pause, "tick", i)

    def perceive(self, i: int) -> Perception:
        """Own position, and a picture of the others that may be a little old."""
        taken = self.now - self.rng.uniform(0, PARAMETERS.pose_timeout - COAST)
        xy = next(xy for time, xy in reversed(self.pictures) if time <= taken or time == 0.0)
        others = {k: xy[k] for k in range(len(xy)) if k != i}
        # Here robots move in jumps of up to COAST: that, too, is an age.
        return Perception(self.xy[i], self.now, others, taken - COAST)

    def glide(self, i: int, coast: float | None = None) -> None:
        """Move along the chain; the command of the last tick holds for as long as the watchdog lets it."""
        claims = self.claims[i]
        step = coast if coast is not None else min(self.now - self.moved[i], COAST) * PARAMETERS.max_speed
        self.moved[i] = self.now
        for cell in claims.chain:
            target = self.graph.centre(cell)
            if cell != claims.chain[-1] and self._passed(i, cell):
                continue
            distance = math.dist(self.xy[i], target)
            if distance > 0:
                part = min(1.0, step / distance)
                self.xy[i] = tuple(p + part * (t - p) for p, t in zip(self.xy[i], target, strict=True))
                step -= part * distance
            if step <= 0:
                return

    def _passed(self, i: int, cell: int) -> bool:
        """Whether the robot is between this cell's centre and the next one of its chain."""
        chain = self.claims[i].chain
        after = self.graph.centre(chain[chain.index(cell) + 1])
        here = self.graph.centre(cell)
        along = [(a - h) for a, h in zip(after, here, strict=True)]
        offset = [(p - h) for p, h in zip(self.xy[i], here, strict=True)]
        return (
            sum(a * o for a, o in zip(along, offset, strict=True)) > 0
            and abs(along[0] * offset[1] - along[1] * offset[0]) < 1e-6
        )

    def check(self) -> None:
        owner: dict[int, int] = {}
        for i, claims in enumerate(self.claims):
            for cell in () if claims is None else {*claims.chain, *claims.touched}:
                assert owner.setdefault(cell, i) == i, f"robots {owner[cell]} and {i} hold {cell}"
        for i in range(len(self.xy)):
            for k in range(i):
                assert math.dist(self.xy[i], self.xy[k]) >= 2 * PARAMETERS.footprint - 1e-9, (
                    f"{k} and {i} touch"
                )


NETWORKS = {
    "perfect": Network(),
    "delay": Network(delay_max=0.5),
    "loss": Network(loss=0.2),
    "delay and loss": Network(delay_max=0.5, loss=0.2, duplicate=0.2),
    "stalls": Network(delay_max=0.2, stall=0.02),
    "kills": Network(delay_max=0.2, kill=0.01),
    "everything": Network(delay_max=0.5, loss=0.2, duplicate=0.2, stall=0.01, kill=0.005),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_no_cell_has_two_holders_and_nobody_touches(name, seed):
    simulation = Simulation(8, seed, NETWORKS[name])
    simulation.run(25.0)
    assert simulation.taken > 15  # and the robots do get around


@pytest.mark.parametrize(("world", "n_robots"), [("crossing", 3), ("hall", 6)])
@pytest.mark.parametrize("seed", range(3))
def test_where_it_is_tight_and_messages_take_longer_than_a_lease(world, n_robots, seed):
    network = Network(delay_max=4.0 * seed, loss=0.3, duplicate=0.3, stall=0.02, kill=0.01)
    Simulation(n_robots, seed, network, world).run(25.0)


@given(
    seed=st.integers(0, 2**32 - 1),
    n_robots=st.integers(2, 12),
    network=st.builds(
        Network,
        delay_max=st.floats(0, 2.0),
        loss=st.floats(0, 0.5),
        duplicate=st.floats(0, 0.5),
        stall=st.floats(0, 0.05),
        kill=st.floats(0, 0.02),
    ),
)
@settings(max_examples=15, deadline=None, derandomize=True)
def test_whatever_the_network_does(seed, n_robots, network):
    Simulation(n_robots, seed, network).run(12.0)

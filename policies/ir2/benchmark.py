"""What a decision of an explorer costs, whole and in parts: ``pilotfish bench ir2``."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.ir2.episode import Cap
from pilotfish.policies.ir2.evaluation import make_team
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap

WORLD = "pilotfish.worlds.exploration.world"
POLICY = "pilotfish.policies.exploration"

PARTS: dict[str, tuple[str, ...]] = {
    "sensor": (f"{WORLD}:scan",),
    "radio_exchange": (
        f"{WORLD}:signal_strength",
        f"{WORLD}:components",
        f"{WORLD}:exchange",
        f"{POLICY}.belief:TeamBelief.doubt",
    ),
    "navigation": (f"{POLICY}.navigation:Navigation.update",),
    "search": (f"{POLICY}.navigation:Navigation.field", f"{POLICY}.navigation:Navigation.path"),
    "frontiers": (f"{POLICY}.situation:find_frontiers",),
}
"""Part -> the functions that it consists of, where they are called from.

What is left of a step of the world is ``world_rest``, of a decision ``policy_rest``. ``network`` are a
learned policy's attributes ``network`` and ``prospects``, called.
"""


class Stopwatch:
    """CPU time by part; what runs inside of another part counts once, for the inner one."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside: list[float] = []  # of each open part, what its inner parts took

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Everything in the block counts for a part."""
        self._inside.append(0.0)
        began = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - began
            self.seconds[name] += took - self._inside.pop()
            if self._inside:
                self._inside[-1] += took

    def timed(self, name: str, function: Callable) -> Callable:
        """The function, its calls counting for a part."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return run


@contextmanager
def _replaced(watch: Stopwatch) -> Iterator[None]:
    """PARTS are timed inside of the block."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for part, places in PARTS.items():
            for place in places:
                module, path = place.split(":")
                *owners, name = path.split(".")
                owner = functools.reduce(getattr, owners, import_module(module))
                before.append((owner, name, getattr(owner, name)))
                setattr(owner, name, watch.timed(part, getattr(owner, name)))
        yield
    finally:
        for owner, name, function in reversed(before):
            setattr(owner, name, function)


@contextmanager
def _network_timed(team: tuple[ExplorationPolicy, ...], watch: Stopwatch) -> Iterator[None]:
    """The networks of learned policies are timed inside of the block; planners have none."""
    learned = [
        (policy, name, network)
        for policy in team
        for name in ("network", "prospects")
        if (network := getattr(policy, name, None)) is not None
    ]
    try:
        for policy, name, network in learned:
            setattr(policy, name, watch.timed("network", network))
        yield
    finally:
        for policy, name, network in learned:
            setattr(policy, name, network)


def _drive(policy: str, grid: GridMap, robots: int, episodes: int, watch: Stopwatch) -> int:
    """Run whole episodes; world and decisions count for "world_rest" and "policy_rest". Returns decisions."""
    team, cap, decisions = make_team(policy, robots), Cap.of(grid, "distance"), 0
    regime = "full" if team[0].needs_full_radio else "random"
    world = ExplorationWorld(grid, robots, regime)
    with _network_timed(team, watch):
        for seed in range(episodes):
            for member, belief in zip(team, world.reset(seed), strict=True):
                member.reset(belief, seed)
            done, steps = False, 0
            while not done and not cap.reached(float(world.travelled.max()), world.time, steps):
                with watch.part("policy_rest"):
                    paths = [member.act() for member in team]
                with watch.part("world_rest"):
                    done = world.step(paths).done
                steps += 1
            decisions += steps * robots
    return decisions


def decision_rows(policy: str, name: str, grid: GridMap, robots: int, episodes: int) -> list[dict[str, Any]]:
    """Rows of a policy on a map, microseconds of CPU time a robot's decision, mean over whole episodes.

    ``world_decision`` is a decision and its share of the world's step without the network, ``decision`` with
    it. Rows ``part: NAME`` are of a second run whose parts are timed, which makes it a bit slower, with their
    share of that run. An episode takes a random radio from its seed.

    Args:
        name: of the map, for the column ``set``.
        episodes: how many, seeds 0, 1 ...
    """
    names = {"policy": policy, "set": name, "robots": robots}
    _drive(policy, grid, robots, 1, Stopwatch())  # numba compiles at first, which no decision should bear
    whole = Stopwatch()
    decisions = _drive(policy, grid, robots, episodes, whole)
    total = sum(whole.seconds.values())
    rows = [
        {"case": case, **names, "decision_us": 1e6 * seconds / decisions, "decisions": decisions}
        for case, seconds in (
            ("world_decision", total - whole.seconds["network"]),
            ("decision", total),
        )
    ]
    parts = Stopwatch()
    with _replaced(parts):
        decisions = _drive(policy, grid, robots, episodes, parts)
    everything = sum(parts.seconds.values())
    for part in (*PARTS, "network", "policy_rest", "world_rest"):
        seconds = parts.seconds[part]
        row = {"case": f"part: {part}", **names, "decision_us": 1e6 * seconds / decisions}
        rows.append(row | {"share": seconds / everything})
    return rows

"""One episode of an exploring team in the fast simulator, and what is measured of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.blocks import FREE
from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.worlds.exploration.sensor import ray_table, scan
from pilotfish.worlds.exploration.world import DONE, ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap

PROTOCOLS = ("distance", "published")

SMALL_EDGE = 640
"""Larger edge of the maps that have the smaller cap [px]."""

DISTANCE_CAPS = (5000.0, 12000.0)
"""Way of the robot that drives most, on small maps and on others up to 1000 px [px]."""

DECISION_CAPS = (196, 384)
"""The same in decisions, as published."""

PATIENCE = 2.0
"""Robots that wait end an episode when its time is the distance cap times this [s, at 1 px a second]."""


@dataclass(frozen=True)
class Cap:
    """When an episode ends that is not done.

    Attributes:
        protocol: "distance" or "published".
        limit: way of the robot that drives most [px], or decisions.

    Raises:
        ValueError: another protocol, or a limit that is not positive.
    """

    protocol: str
    limit: float

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol {self.protocol!r}: choose one of {', '.join(PROTOCOLS)}")
        if not self.limit > 0:
            raise ValueError(f"a cap must be positive, got {self.limit}")

    @classmethod
    def of(cls, grid: GridMap, protocol: str) -> Cap:
        """The cap of a map; beyond 1000 px the distance grows with the map's edge."""
        edge = max(grid.walls.shape)
        large = edge > SMALL_EDGE
        if protocol == "published":
            return cls(protocol, float(DECISION_CAPS[large]))
        return cls(protocol, DISTANCE_CAPS[large] * max(1.0, edge / 1000))

    def reached(self, driven: float, seconds: float, decisions: int) -> bool:
        """Whether an episode is over: after a way [px], a time [s] and decisions a robot."""
        if self.protocol == "published":
            return decisions >= self.limit
        return driven >= self.limit or seconds >= PATIENCE * self.limit


class Footprints:
    """What each robot has scanned itself, apart from what it was told.

    Attributes:
        pixels: uint8 [N, H, W], as the map of a robot that talks to nobody.
    """

    def __init__(self, world: ExplorationWorld) -> None:
        blocks = world.beliefs[0].known.shape
        self.pixels = np.zeros((world.robots, *world.walls.shape), np.uint8)
        self._known = np.zeros((world.robots, *blocks), np.uint8)
        self._free = np.zeros((world.robots, *blocks), np.uint8)
        self._changed = np.zeros(blocks, bool)
        self._rays = ray_table()
        self._world = world
        self.look()

    def look(self) -> None:
        """Take in what the robots' lasers see from where they are."""
        for robot, (row, col) in enumerate(np.rint(self._world.position).astype(int)):
            maps = (self.pixels[robot], self._known[robot], self._free[robot], self._changed)
            scan(self._world.walls, *self._rays, row, col, *maps)

    @property
    def areas(self) -> NDArray[np.int64]:
        """int64 [N] free pixels that each robot has scanned itself."""
        return self._free.sum(axis=(1, 2), dtype=np.int64)

    @property
    def union(self) -> int:
        """Free pixels that anybody has scanned."""
        return int((self.pixels == FREE).any(axis=0).sum())


class Contacts:
    """Who could reach whom after each step.

    Args:
        robots: how many.
        stride: time of a step [s].
    """

    def __init__(self, robots: int, stride: float) -> None:
        self._pairs = list(combinations(range(robots), 2))
        self._stride = stride
        self._steps: list[NDArray[np.int64]] = []

    def add(self, component: NDArray[np.int64]) -> None:
        """Component of each robot int64 [N], after a step."""
        self._steps.append(component.copy())

    @cached_property
    def _linked(self) -> NDArray[np.bool_]:
        """bool [steps, pairs]."""
        steps = np.stack(self._steps)
        return np.stack([steps[:, a] == steps[:, b] for a, b in self._pairs], axis=1)

    def measures(self) -> dict[str, float]:
        """``connectivity``: share of steps in which the team is one component; ``pairs_connected``: mean
        share of connected pairs; ``disconnect_mean`` and ``_longest``: time for which a pair is apart [s], of
        all such times of all pairs, 0 if there are none. A lone robot is connected."""
        if not self._pairs:
            return dict(connectivity=1.0, pairs_connected=1.0, disconnect_mean=0.0, disconnect_longest=0.0)
        apart = np.pad(~self._linked, ((1, 1), (0, 0))).astype(np.int8).T  # pairs in rows
        change = np.diff(apart, axis=1)
        lengths = (np.nonzero(change == -1)[1] - np.nonzero(change == 1)[1]) * self._stride
        return {
            "connectivity": float(self._linked.all(axis=1).mean()),
            "pairs_connected": float(self._linked.mean()),
            "disconnect_mean": float(lengths.mean()) if len(lengths) else 0.0,
            "disconnect_longest": float(lengths.max(initial=0.0)),
        }

    def timeline(self) -> list[list[Any]]:
        """``[time [s], "0011"]`` wherever the component of a robot changes: each robot's, in base 36."""
        entries: list[list[Any]] = []
        for step, component in enumerate(self._steps):
            text = "".join(np.base_repr(label, 36) for label in component)
            if not entries or entries[-1][1] != text:
                entries.append([(step + 1) * self._stride, text])
        return entries


def explore(
    world: ExplorationWorld,
    team: Sequence[ExplorationPolicy],
    seed: int,
    cap: Cap,
    on_step: Callable[[list[NDArray[np.float32]]], None] | None = None,
) -> dict[str, Any]:
    """Run a team until every robot knows the map, or the cap.

    Args:
        team: a policy of its own for each robot; they are reset here.
        on_step: called after each step with the paths [M, 2] (row, col) [px] that the robots were given.

    Returns: the metrics of ``METRICS`` and, a value a robot, ``known`` (share of the free space in its own
    belief), ``coverage`` (share that it has scanned itself) and ``travelled`` [px]; ``components``: see
    `Contacts.timeline`.
    """
    beliefs = world.reset(seed)
    for policy, belief in zip(team, beliefs, strict=True):
        policy.reset(belief, seed)
    footprints, contacts = Footprints(world), Contacts(world.robots, world.stride)
    deciding, decisions, driven = 0.0, 0, 0.0
    known = np.array([belief.free_pixels for belief in beliefs]) / world.free_total
    team_path = 0.0 if known.max() >= DONE else None
    done = bool((known >= DONE).all())
    while not done and not cap.reached(driven, world.time, decisions):
        before = time.process_time()
        paths = [policy.act() for policy in team]
        deciding += time.process_time() - before
        result = world.step(paths)
        footprints.look()
        contacts.add(result.component)
        decisions += 1
        driven, done, known = float(world.travelled.max()), result.done, result.known
        if team_path is None and result.team_known >= DONE:
            team_path = driven
        if on_step is not None:
            on_step(paths)
    if not decisions:
        contacts.add(np.zeros(world.robots, np.int64))
    # Who fails early, because it waits, has not done better than who drives up to the cap.
    lost = max(driven, cap.limit) if cap.protocol == "distance" else driven
    areas, union = footprints.areas, footprints.union
    return {
        "success": done,
        "path_length": driven if done else lost,
        "makespan": world.time,
        "decisions": decisions,
        "explored": float(known.min()),
        "team_explored": union / world.free_total,
        "path_to_team_99": lost if team_path is None else team_path,
        **contacts.measures(),
        "overlap": float(areas.sum() / union),
        "decision_us": 1e6 * deciding / max(decisions * world.robots, 1),
        "known": np.round(known, 5).tolist(),
        "coverage": np.round(areas / world.free_total, 5).tolist(),
        "travelled": np.round(world.travelled, 1).tolist(),
        "components": contacts.timeline(),
    }


METRICS = (
    "path_length",
    "makespan",
    "decisions",
    "explored",
    "team_explored",
    "path_to_team_99",
    "connectivity",
    "pairs_connected",
    "disconnect_mean",
    "disconnect_longest",
    "overlap",
    "decision_us",
)
"""What is averaged over episodes.

``path_length``: of the robot that drives most [px]; the cap where an episode fails (with decision caps:
what was driven). ``makespan``: time at the end [s]. ``decisions``: of each robot. ``explored``: share of the
free space in the belief of the robot that knows least; ``team_explored``: share that anybody has scanned.
``path_to_team_99``: driven when the team together knew 99 % [px]; as a failure if it never did. ``overlap``:
free area that each robot has scanned itself, summed, over their union: 1 is none, N is everything N times.
``decision_us``: CPU time of a robot's decision, its network included [microseconds].
"""

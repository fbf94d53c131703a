"""Exploration policies on maps and seeds, in one process or many: ``pilotfish eval ir2``."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property, lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.ir2.episode import Cap, explore
from pilotfish.policies.registry import make_exploration_policy
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.grid_map import GridMap

if TYPE_CHECKING:
    from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory

IDENTITY = ("policy", "set", "map", "map_hash", "robots", "radio", "seed", "protocol", "cap")
"""What tells an episode from the others."""


@dataclass(frozen=True)
class Case:
    """One episode to run: policies by name, one a robot, in a map of a set.

    Attributes:
        radio: the regime asked for; a policy that needs a full radio runs with that (``radio_used``).
        seed: of start, radio and policies.
    """

    policy: str
    set: str
    grid: GridMap
    robots: int
    radio: str
    seed: int
    cap: Cap

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Values of IDENTITY, as they stand in the episode's row."""
        starts = b"" if self.grid.starts is None else self.grid.starts.tobytes()
        return {
            "policy": self.policy,
            "set": self.set,
            "map": self.grid.name,
            "map_hash": f"{zlib.crc32(starts, zlib.crc32(self.grid.walls.tobytes())):08x}",
            "robots": self.robots,
            "radio": self.radio,
            "seed": self.seed,
            "protocol": self.cap.protocol,
            "cap": self.cap.limit,
        }


def identity_of(row: Mapping[str, Any]) -> tuple:
    """What tells an episode's row from the others."""
    return tuple(row[name] for name in IDENTITY)


@lru_cache(maxsize=8)
def make_team(policy: str, robots: int) -> tuple[ExplorationPolicy, ...]:
    """A policy object a robot, after an episode in a small room: compiling is no part of a decision."""
    team = tuple(make_exploration_policy(policy) for _ in range(robots))
    walls = np.ones((40, 240), bool)
    walls[4:36, 4:236] = False
    walls[4:30, 100:104] = True
    explore(ExplorationWorld(GridMap("room", walls), robots, "closed"), team, 0, Cap("published", 4))
    return team


def make_world(case: Case) -> tuple[ExplorationWorld, str]:
    """The world of a case, and the regime of its radio."""
    full = make_team(case.policy, case.robots)[0].needs_full_radio
    radio = "full" if full else case.radio
    return ExplorationWorld(case.grid, case.robots, radio), radio


def run_case(case: Case) -> dict[str, Any]:
    """Run one episode: its identity and what `explore` measures, a flat row.

    Raises:
        RuntimeError: the policy or the world has failed; the message names the episode.
    """
    world, radio = make_world(case)
    try:
        result = explore(world, make_team(case.policy, case.robots), case.seed, case.cap)
    except Exception as error:
        place = f"{case.policy} on {case.grid.name}, {case.robots} robots, radio {radio}, seed {case.seed}"
        raise RuntimeError(f"{place}: {type(error).__name__}: {error}") from error
    return {**case.identity, "radio_used": radio, **result}


def _end_with_parent() -> None:
    """Let this worker end when its parent has been killed; it would wait for work forever."""

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def run_cases(cases: Sequence[Case], workers: int = 1) -> Iterator[dict[str, Any]]:
    """Rows of the episodes as they come, in processes of their own where ``workers`` > 1."""
    if workers <= 1:
        yield from map(run_case, cases)
        return
    # One thread a process: networks are small, and the processes share the cores.
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        for done in as_completed([pool.submit(run_case, case) for case in cases]):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def record_case(case: Case) -> tuple[ExplorationTrajectory, str]:
    """Run an episode once more: what happened and what everybody believed, and a title for it."""
    from pilotfish.worlds.exploration.film import EpisodeFilm

    world, radio = make_world(case)
    films: list[EpisodeFilm] = []

    def film(paths: list) -> None:
        films[0].add(paths)

    # The film begins with the world as it is after its reset, which ``explore`` makes again.
    world.reset(case.seed)
    films.append(EpisodeFilm(world))
    explore(world, make_team(case.policy, case.robots), case.seed, case.cap, film)
    title = f"{case.policy}, {case.grid.name}, radio {radio}, seed {case.seed}"
    return films[0].trajectory(), title


def picture_case(case: Case, path: Path) -> Path:
    """Draw the end of an episode, a PNG: the truth, every belief, trails and links."""
    from pilotfish.worlds.render.exploration_2d import picture_exploration

    trajectory, title = record_case(case)
    return picture_exploration(trajectory, path, title=title)


def film_case(case: Case, path: Path) -> tuple[Path, Path]:
    """Video of an episode, .mp4 or .gif, and beside it a picture of when half of the time is over."""
    from pilotfish.worlds.render.exploration_2d import film_exploration, picture_exploration

    trajectory, title = record_case(case)
    film_exploration(trajectory, path, title=title)
    moment = trajectory.duration / 2
    return path, picture_exploration(trajectory, path.with_suffix(".png"), moment=moment, title=title)

"""Timing of the grid fleet and of decisions, and of POGEMA beside them: ``pilotfish bench follower``."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.grid.engine import GridFleet
from pilotfish.worlds.maps.formats.rows import rows_from_grid
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.rollout import rollout

STEPS = 200

POGEMA_SCRIPT = """
import json, sys, time
import numpy as np
from pogema import GridConfig, pogema_v0
case = json.load(sys.stdin)
env = pogema_v0(GridConfig(map=case["map"], num_agents=case["agents"], seed=0, obs_radius=5,
    on_target="restart", collision_system="soft", observation_type="POMAPF", max_episode_steps=10**9))
env.reset()
actions = np.random.default_rng(0).integers(0, 5, (case["steps"], case["agents"])).tolist()
seconds = []
for _ in range(case["rounds"]):
    start = time.process_time()
    for row in actions:
        env.step(row)
    seconds.append(time.process_time() - start)
print(json.dumps(seconds))
"""
"""Runs under another Python, which has POGEMA; reads the case as JSON, prints CPU seconds a round."""


def environment_rows(name: str, grid: GridMap, agents: int, rounds: int) -> list[dict[str, Any]]:
    """Rows ``step`` and ``step_with_observations``: random actions on one map."""
    world = GridFleet(grid, agents)
    world.reset(0)
    actions = np.random.default_rng(0).integers(0, 5, (STEPS, agents)).astype(np.int8)

    def advance() -> None:
        for row in actions:
            world.advance(row)

    def step() -> None:
        for row in actions:
            world.step(row)
            world.wall_windows()

    return [
        _row("step", name, agents, _median_seconds(advance, rounds)),
        _row("step_with_observations", name, agents, _median_seconds(step, rounds)),
    ]


def decision_row(policy: str, name: str, grid: GridMap, agents: int, rounds: int) -> dict[str, Any]:
    """Row ``decision``: a whole episode from its first step, decision and environment step together."""
    world, maker = GridFleet(grid, agents), make_fleet_policy(policy)
    rollout(world, maker, 0, 5)
    results = [rollout(world, maker, seed, STEPS) for seed in range(rounds)]
    micros = float(np.median([r.step_us for r in results]))
    return {
        "case": "decision",
        "policy": policy,
        "set": name,
        "agents": agents,
        "steps_per_s": 1e6 / micros,
        "decision_us": micros,
    }


def pogema_row(
    name: str, grid: GridMap, agents: int, rounds: int, python: Path, ours: float
) -> dict[str, Any]:
    """Row ``step_with_observations`` of POGEMA on the same map, and our rate over its.

    Raises:
        ValueError: that Python cannot run POGEMA; the message carries what it said.
    """
    if grid.starts is not None:
        # Its ASCII maps know no start and goal cells; the walls are what costs time.
        grid = GridMap(grid.name, grid.walls)
    case = {
        "map": "\n".join(rows_from_grid(grid)),
        "agents": agents,
        "steps": STEPS,
        "rounds": min(rounds, 3),
    }
    # Another environment's libraries are not for it.
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "PYTHONPATH")}
    try:
        result = subprocess.run(
            [str(python), "-c", POGEMA_SCRIPT],
            input=json.dumps(case),
            capture_output=True,
            text=True,
            env=environment,
        )
    except OSError as error:
        raise ValueError(f"{python} cannot run POGEMA: {error}") from error
    if result.returncode != 0:
        raise ValueError(f"{python} cannot run POGEMA: {result.stderr.strip()[-400:]}")
    row = _row(
        "step_with_observations", name, agents, float(np.median(json.loads(result.stdout.splitlines()[-1])))
    )
    return {**row, "policy": "POGEMA 1.3.0", "pilotfish_ratio": ours / row["steps_per_s"]}


def _median_seconds(run: Callable[[], None], rounds: int) -> float:
    run()  # Compiles, and warms the caches.
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def _row(case: str, name: str, agents: int, seconds: float) -> dict[str, Any]:
    per_second = STEPS * agents / seconds
    return {
        "case": case,
        "policy": "pilotfish",
        "set": name,
        "agents": agents,
        "steps_per_s": per_second,
    }

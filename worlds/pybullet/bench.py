"""Real-time factor of the PyBullet fleet: ``python -m pilotfish.worlds.pybullet.bench [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence

import numpy as np

from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.pybullet.fleet import PyBulletFleetWorld
from pilotfish.worlds.pybullet.robots import DRIVES, DriveName

CONTROL_PERIOD = 0.05
"""Time between two velocity commands [s]."""


def shelves(rows: int = 6, columns: int = 4) -> GridMap:
    """A plain hall of shelves, 5 cells long each, with aisles one cell wide and a border of two."""
    walls = np.zeros((2 * rows + 3, 6 * columns + 3), dtype=bool)
    for row in range(rows):
        for column in range(columns):
            walls[2 + 2 * row, 2 + 6 * column : 7 + 6 * column] = True
    return GridMap(name=f"shelves {rows}x{columns}", walls=walls)


def measure(
    n_robots: int, drive: DriveName, seconds: float = 5.0, seed: int = 0
) -> dict[str, float | int | str]:
    """CPU cost of ``seconds`` of simulated time, every robot driving in random arcs among the shelves.

    Returns one flat row: ``realtime_factor`` (simulated over CPU seconds) and ``core_share`` (its inverse).
    """
    world = PyBulletFleetWorld(shelves(rows=12, columns=5), n_robots, drive=drive)
    rng = np.random.default_rng(seed)
    world.reset(seed)
    start = time.process_time()
    for _ in range(round(seconds / CONTROL_PERIOD)):
        velocity = np.stack([rng.uniform(0.0, 1.0, n_robots), rng.uniform(-1.5, 1.5, n_robots)], axis=1)
        world.step(velocity, CONTROL_PERIOD)
    cpu = time.process_time() - start
    world.close()
    return {
        "case": "pybullet_fleet",
        "drive": drive,
        "robots": n_robots,
        "n": 1,
        "realtime_factor": round(seconds / cpu, 2),
        "core_share": round(cpu / seconds, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Real-time factor of the PyBullet fleet on one core.")
    parser.add_argument("--robots", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="simulated time per row")
    parser.add_argument("--json", help="write the rows to this file")
    options = parser.parse_args(arguments)
    rows = []
    for drive in DRIVES:
        for n_robots in options.robots:
            rows.append(measure(n_robots, drive, options.seconds))
            print(
                f"{drive:8} {n_robots:4} robots: {rows[-1]['realtime_factor']:7.1f} x real time, "
                f"{rows[-1]['core_share']:.1%} of a core"
            )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"command": "worlds.pybullet.bench", "machine": os.uname().machine, "rows": rows}, file)


if __name__ == "__main__":
    main()

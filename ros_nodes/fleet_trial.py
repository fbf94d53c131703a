"""How gracefully a fleet degrades: throughput and collisions under faults, as a table.

    pilotfish eval fleet --world warehouse --robots 32 --seeds 0-2
    pilotfish eval fleet --live --faults none,delay+loss,kill --robots 16

Without ``--live`` the nodes' inner parts run in this process and in simulated time, without ROS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pilotfish.cli.options import parse_seeds
from pilotfish.cli.report import print_rows, summarise, write_report
from pilotfish.hardware.robots import get_robot
from pilotfish.policies.coordination.faults import FAULTS
from pilotfish.policies.coordination.trial import FleetTrial, TrialResult
from pilotfish.policies.registry import make_fleet_policy
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.registry import make_fleet_world

app = typer.Typer(add_completion=False, help=__doc__)


def simulate(
    world: str, robots: int, policy: str, faults: str, seed: int, seconds: float, backend: str = "grid"
) -> TrialResult:
    """One trial in this process."""
    grid, spec = load_map(world), get_robot("carrier")
    body = make_fleet_world(backend, grid, robots, seed, spec.radius)
    try:
        trial = FleetTrial(
            grid, robots, lambda: make_fleet_policy(policy), seed, FAULTS[faults], spec, world=body
        )
        return trial.run(seconds)
    finally:
        body.close()


def run_live(
    world: str, robots: int, policy: str, faults: str, seed: int, seconds: float, backend: str = "grid"
) -> TrialResult:
    """One trial with ROS 2 nodes; when a process fails, up to four robots do."""
    from pilotfish.ros_nodes.live_fleet import LiveFleet

    arguments = {"policy": policy, "backend": backend, "processes": -(-robots // 4)}
    with LiveFleet(world, robots, FAULTS[faults], seed, **arguments) as fleet:
        return fleet.run(seconds)


def trial_rows(
    world: str,
    robots: int,
    policies: Sequence[str],
    faults: Iterable[str],
    seeds: Sequence[int],
    seconds: float,
    backend: str = "grid",
    live: bool = False,
) -> Iterator[dict[str, Any]]:
    """A row for each policy and kind of fault; see `pilotfish.cli.report` for what rows are.

    Raises:
        ValueError: a kind of fault or a policy is unknown; before the first trial.
        FileNotFoundError: so is the file of a policy.
    """
    policies, faults = ([name.strip() for name in names] for names in (policies, faults))
    unknown = [name for name in faults if name not in FAULTS]
    if unknown:
        raise ValueError(f"no faults called {', '.join(unknown)}: choose from {', '.join(FAULTS)}")
    for policy in policies:
        make_fleet_policy(policy)
    run = run_live if live else simulate
    for policy in policies:
        for name in faults:
            results = [run(world, robots, policy, name, seed, seconds, backend) for seed in seeds]
            yield {
                "policy": policy,
                "map": load_map(world).name,
                "robots": robots,
                "backend": backend,
                "nodes": "ros2" if live else "in process",
                "faults": name,
                "n": len(results),
                **summarise({"throughput": [result.throughput for result in results]}),
                "overlaps": sum(result.overlaps for result in results),
                **summarise({"cpu_ms": [result.cpu_ms for result in results]}),
                **summarise({"real_time_factor": [result.real_time_factor for result in results]}),
            }


@app.command()
def main(
    world: Annotated[str, typer.Option(help="Map, as for `pilotfish run fleet`.")] = "warehouse",
    robots: Annotated[int, typer.Option(min=1)] = 16,
    policy: Annotated[str, typer.Option(help="Policies, separated by commas.")] = "follower",
    faults: Annotated[str, typer.Option(help=f"Of {', '.join(FAULTS)}.")] = ",".join(FAULTS),
    seeds: Annotated[str, typer.Option(help="Such as 0-2.")] = "0-2",
    seconds: Annotated[float, typer.Option(help="Simulated, for each trial.")] = 60.0,
    backend: Annotated[str, typer.Option(help="grid or pybullet.")] = "grid",
    live: Annotated[bool, typer.Option("--live", help="With ROS 2 nodes in processes of their own.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Throughput (goals a second), overlaps of footprints, and what an agent costs, under faults.

    cpu_ms is the processor time of one robot's node for one second of its life.
    """
    numbers = parse_seeds(seeds)
    rows = []
    for row in trial_rows(
        world, robots, policy.split(","), faults.split(","), numbers, seconds, backend, live
    ):
        rows.append(row)
        typer.echo(f"{row['policy']}, faults {row['faults']}: {row['throughput']:.3f} goals/s", err=True)
    shown = ("policy", "faults", "n", "throughput", "overlaps", "cpu_ms", "real_time_factor")
    print_rows(rows, shown, f"{robots} robots on {rows[0]['map']}, {backend}, {rows[0]['nodes']}")
    if json is not None:
        write_report(json, rows, numbers)


if __name__ == "__main__":
    app()

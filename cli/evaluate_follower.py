"""``pilotfish eval follower``: throughput of fleet policies on any maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pilotfish.cli.options import parse_counts, parse_seeds
from pilotfish.policies.registry import FLEET_POLICIES

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Throughput (goals reached a step) of fleet policies, with 95 % intervals over episodes.

Every policy sees the same maps, starts and goal streams. A row says which track the policy is in:
"window" (what it sees, no communication) or "neighbours" (agents within 5 cells talk); never compare
across tracks. `throughput_largest` counts only agents in the map's largest connected component. The
JSON file also holds every single episode.

\b
pilotfish eval follower --maps warehouse --agents 64,128 --policy follower,follow
pilotfish eval follower --maps maps/ --maps city.map --agents 32 --seeds 0-9 --json out.json
pilotfish eval follower --maps "gen:mazes?size=65&seed=0-9" --policy follower,onnx:follower-lite.onnx
"""


@app.command(help=HELP)
def follower(
    maps: Annotated[
        list[str], typer.Option(help="A map, a file or folder of maps, or gen:FAMILY?...; may be repeated.")
    ],
    agents: Annotated[str, typer.Option(help="Numbers of agents, such as 32,64.")] = "64",
    seeds: Annotated[str, typer.Option(help="Seeds of starts, goals and policies, such as 0-9.")] = "0-2",
    steps: Annotated[int, typer.Option(help="Steps an episode.", min=1)] = 512,
    policy: Annotated[
        str,
        typer.Option(help=f"{', '.join(FLEET_POLICIES)}; a model folder; onnx:FILE. Comma between."),
    ] = "follower,follow,follower_pibt,planner_pibt,pibt",
    workers: Annotated[int, typer.Option(help="Processes to share the episodes.", min=1)] = 1,
    json: Annotated[Path | None, typer.Option("--json", help="Write the rows here too.")] = None,
) -> None:
    from rich.progress import track

    from pilotfish.cli.report import mean_ci95, print_rows, write_report
    from pilotfish.policies.follower.evaluation import Case, episode, run_cases, summarise
    from pilotfish.policies.registry import make_fleet_policy
    from pilotfish.worlds.maps.load import load_maps

    policies = [name.strip() for name in policy.split(",")]
    for name in policies:
        make_fleet_policy(name)  # A typo should not cost the episodes before it.
    every_seed = parse_seeds(seeds)
    cases = [
        Case(name, _set_name(path), grid, count, seed, steps)
        for path in maps
        for grid in load_maps(path)
        for count in parse_counts(agents, "agents")
        for name in policies
        for seed in every_seed
    ]
    outcomes = list(track(run_cases(cases, workers), total=len(cases), description="episodes"))
    # Workers finish in any order; rows come in the order asked for.
    order = {id_of(case): k for k, case in enumerate(cases)}
    outcomes.sort(key=lambda outcome: order[id_of(outcome.case)])
    rows = summarise(outcomes, mean_ci95)
    print_rows(rows)
    if any(row["no_room"] for row in rows):
        typer.echo("no_room: episodes left out because the map has no room for so many agents.")
    if json is not None:
        write_report(json, rows, every_seed, episodes=[episode(outcome) for outcome in outcomes])


def id_of(case) -> tuple:
    """What tells a case from the others."""
    return (case.policy, case.set, case.grid.name, case.agents, case.seed)


def _set_name(path: str) -> str:
    """Name of a map set in the table: the last part of a path, the rest as it was given."""
    return path if path.startswith("gen:") else Path(path).name

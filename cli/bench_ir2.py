"""``pilotfish bench ir2``: what a decision of an explorer costs, in CPU time of one core."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Cost of one robot's decision on one core, in microseconds of CPU time, mean over whole episodes.

world_decision: everything but the network - laser, radio, exchange of maps, graph, frontiers, features,
path - with the robot's share of the simulated world's step; decision: with the network. The rows "part: ..."
are of a second run in which the parts are timed, so the figures above them are undisturbed.

For comparison: the published code of IR2 needs 600,000 to 800,000 microseconds a decision.

\b
pilotfish bench ir2
pilotfish bench ir2 --policy hungarian,pursuit --episodes 1 --json bench.json
pilotfish bench ir2 --map "gen:corridor?seed=3" --robots 6
"""

SETS = (
    ("hybrid 500x500", "gen:hybrid?seed=0", 4),
    ("complex 1000x1000", "gen:complex?seed=0", 5),
)

DEFAULT_POLICIES = ("hungarian_lastseen", "ir2")
"""A model that is not there is left out, and said so."""


@app.command(help=HELP)
def ir2(
    policy: Annotated[
        str | None, typer.Option(help="Policies; comma between. Default: hungarian_lastseen and ir2.")
    ] = None,
    map: Annotated[str | None, typer.Option(help="One map instead of the usual two.")] = None,
    robots: Annotated[
        int | None,
        typer.Option(help="Size of the team on every map.", min=1, show_default="4 or 5; 4 on --map"),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Whole episodes a map, each with another radio.", min=1)] = 3,
    json: Annotated[Path | None, typer.Option("--json", help="Write the rows here too.")] = None,
) -> None:
    from rich.progress import track

    from pilotfish.cli.report import print_rows, write_report
    from pilotfish.policies.ir2.benchmark import decision_rows
    from pilotfish.policies.registry import make_exploration_policy
    from pilotfish.worlds.maps.load import load_map

    policies = list(DEFAULT_POLICIES) if policy is None else [name.strip() for name in policy.split(",")]
    for name in list(policies):
        try:
            make_exploration_policy(name)  # A typo should not cost the episodes before it.
        except ValueError as error:
            if policy is not None:
                raise
            typer.echo(f"{name} is left out: {error}")
            policies.remove(name)
    sets = SETS if map is None else ((map, map, 4),)
    work = [(name, path, robots or count, chosen) for name, path, count in sets for chosen in policies]
    rows = []
    for name, path, count, chosen in track(work, description="policies on maps"):
        rows += decision_rows(chosen, name, load_map(path), count, episodes)
    print_rows(rows)
    if json is not None:
        write_report(json, rows, list(range(episodes)))

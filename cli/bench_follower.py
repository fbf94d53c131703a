"""``pilotfish bench follower``: what the grid fleet and a decision cost, in CPU time of one core."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Cost of the grid fleet on one core, median over rounds (CPU time).

step: the environment alone; step_with_observations: with obstacle and agent windows of every agent;
decision: planning + features + network + step, batched over the agents, in microseconds an agent
(decision_us); steps_per_s counts agent-steps; pilotfish_ratio is our rate over the peer's. With
--pogema-python the environment is timed next to POGEMA's own, which needs an environment of its own:

\b
python3 -m venv pogema && pogema/bin/pip install pogema==1.3.0
pilotfish bench follower --pogema-python pogema/bin/python
"""

SETS = (
    ("warehouse 33x46", "gen:warehouses?aisle_width=2&shelf_length=10&seed=0", 192),
    ("maze 65x65", "gen:mazes?size=65&density=0.35&seed=0", 256),
)


@app.command(help=HELP)
def follower(
    policy: Annotated[
        str, typer.Option(help="Policies whose decisions are timed.")
    ] = "follower,follower_pibt,follow",
    rounds: Annotated[int, typer.Option(help="Rounds of 200 steps; the median counts.", min=3)] = 7,
    pogema_python: Annotated[
        Path | None, typer.Option(help="Python of an environment that has POGEMA 1.3.0.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the rows here too.")] = None,
) -> None:
    from rich.progress import track

    from pilotfish.cli.report import print_rows, write_report
    from pilotfish.policies.follower.benchmark import decision_row, environment_rows, pogema_row
    from pilotfish.worlds.maps.load import load_map

    rows = []
    for name, path, agents in track(SETS, description="maps"):
        grid = load_map(path)
        rows += environment_rows(name, grid, agents, rounds)
        if pogema_python is not None:
            rows.append(pogema_row(name, grid, agents, rounds, pogema_python, rows[-1]["steps_per_s"]))
        rows += [decision_row(p.strip(), name, grid, agents, rounds) for p in policy.split(",")]
    print_rows(rows)
    if json is not None:
        write_report(json, rows, [0])

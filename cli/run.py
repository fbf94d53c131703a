"""``pilotfish run SYSTEM``: the nodes of a system as processes, without a ROS launch installation."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Start the nodes of a system and stop them all with Ctrl-C.

The arguments are those of its launch file: `ros2 launch pilotfish SYSTEM.launch.py` starts the same nodes.
Without a SYSTEM, the systems are listed; `--show-args` lists the arguments of one.

\b
pilotfish run fleet
pilotfish run fleet --show-args
pilotfish run fleet world:=warehouse robots:=32 backend:=pybullet record:=fleet.mcap
pilotfish run fleet world:=maps.yaml#maze-3 robots:=64 --duration 60
pilotfish run explore "world:=gen:offices?seed=7" robots:=6 radio:=closed record:=team.mcap
"""


@app.command(help=HELP)
def run(
    system: Annotated[str, typer.Argument(help="What to start, such as fleet.", show_default=False)] = "",
    arguments: Annotated[
        list[str] | None, typer.Argument(help="name:=value ...", metavar="[NAME:=VALUE]...")
    ] = None,
    duration: Annotated[
        float | None, typer.Option(help="Stop after so many seconds.", min=0.0, show_default="never")
    ] = None,
    show_args: Annotated[
        bool, typer.Option("--show-args", help="List the system's arguments instead.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands of the processes instead.")
    ] = False,
) -> None:
    from pilotfish.ros_nodes import launcher, plan

    if not system:
        for name in plan.SYSTEMS:
            typer.echo(f"{name}: {(plan.system_module(name).__doc__ or '').splitlines()[0]}")
    elif show_args:
        _print_arguments(plan.system_module(system).ARGUMENTS)
    else:
        specs = plan.plan_system(system, arguments or ())
        if dry_run:
            import shlex

            for spec in specs:
                typer.echo(shlex.join(launcher.command_line(spec)))
        else:
            launcher.require_ros()
            raise typer.Exit(launcher.run_system(specs, duration))


def _print_arguments(declared: list) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    folding = [Column(name, overflow="fold") for name in ("default", "meaning")]
    table = Table(Column("argument", no_wrap=True), *folding, header_style="bold")
    for argument in declared:
        choices = f" One of: {', '.join(argument.choices)}." if argument.choices else ""
        table.add_row(argument.name, argument.default_text or "-", argument.description + choices)
    Console().print(table)

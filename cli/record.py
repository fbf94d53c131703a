"""``pilotfish record``: a running system into an MCAP recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Record a running system until Ctrl-C; `pilotfish run ... record:=PATH` records from the first moment on.

Without --topic, what belongs to a --system of --robots robots is recorded: maps, odometry, commands, goals.

\b
pilotfish record outputs/fleet.mcap --robots 16
pilotfish record outputs/team.mcap --system explore --robots 4
pilotfish record outputs/radio.mcap --topic /robot_0/claims --topic /robot_0/inbox --duration 20
pilotfish view outputs/fleet.mcap
"""


@app.command(help=HELP)
def record(
    path: Annotated[Path, typer.Argument(help="Where to; it must not exist.")],
    system: Annotated[str, typer.Option(help="Whose topics: fleet or explore.")] = "fleet",
    robots: Annotated[int, typer.Option(min=1, help="How many robots it has.")] = 16,
    topic: Annotated[
        list[str] | None, typer.Option(help="A topic to record instead; may be repeated.", show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(min=0.0, help="Messages a second and topic; 0: all.")] = 5.0,
    namespace: Annotated[str, typer.Option(help="Namespace of the system.")] = "",
    duration: Annotated[
        float | None, typer.Option(help="Stop after so many seconds.", min=0.0, show_default="never")
    ] = None,
    sim_time: Annotated[bool, typer.Option(help="Stamp with the simulator's /clock.")] = True,
) -> None:
    from pilotfish.ros_nodes.launcher import require_ros, run_system
    from pilotfish.ros_nodes.plan import NodeSpec, require_free

    require_free(path)
    parameters: dict[str, Any] = {
        "path": str(path.resolve()),
        "system": system,
        "robots": robots,
        "rate": rate,
        "use_sim_time": sim_time,
    }
    if topic:
        parameters["topics"] = topic
    require_ros()
    spec = NodeSpec("recorder_node", "recorder", namespace=namespace, parameters=parameters, required=True)
    raise typer.Exit(run_system([spec], duration))

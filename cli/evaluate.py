"""``pilotfish eval SYSTEM``: measure policies on maps and seeds, with 95 % intervals."""

from __future__ import annotations

import typer

from pilotfish.cli.lazy import lazy_group

app = typer.Typer(
    cls=lazy_group(
        {
            "follower": ("pilotfish.cli.evaluate_follower:app", "Throughput of fleet policies on grid maps."),
            "ir2": (
                "pilotfish.cli.evaluate_ir2:app",
                "Exploring teams: path, success, connectivity.",
            ),
            "explore": (
                "pilotfish.cli.evaluate_explore:app",
                "The same with live ROS 2 nodes.",
            ),
            "dsrl": (
                "pilotfish.cli.evaluate_manipulation:dsrl",
                "Steered diffusion policies on the arm's tasks.",
            ),
            "vgps": (
                "pilotfish.cli.evaluate_manipulation:vgps",
                "Diffusion policies guided by a value, on the arm's tasks.",
            ),
            "fleet": (
                "pilotfish.ros_nodes.fleet_trial:app",
                "Driving robots under delay, loss, kill.",
            ),
        }
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure policies on maps and seeds, with 95 % intervals.",
)


@app.callback()
def root() -> None:
    pass

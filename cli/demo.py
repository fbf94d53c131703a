"""``pilotfish demo``: a fleet, with ``explore`` a team, with ``arm`` an arm; live ROS 2 nodes, filmed."""

from __future__ import annotations

from typing import Any

import typer

from pilotfish.cli.lazy import lazy_group

DEMOS = {
    "fleet": ("pilotfish.cli.demo_fleet:app", "A fleet in a warehouse; meant where no demo is named."),
    "explore": ("pilotfish.cli.demo_explore:app", "A team explores a building under intermittent radio."),
    "arm": ("pilotfish.cli.demo_arm:app", "An arm on its table, led by a steered diffusion policy."),
}


class DemoGroup(lazy_group(DEMOS)):  # type: ignore[misc]
    """Takes ``pilotfish demo [MAP] ...`` for ``pilotfish demo fleet [MAP] ...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and args[0] in (*DEMOS, "--help")
        return super().parse_args(ctx, args if named else ["fleet", *args])


HELP = """
Run a system of live ROS 2 nodes in simulation and show what it did: figures, a recording (MCAP), video and
picture. Ctrl-C ends it early and keeps what there is.

\b
pilotfish demo
pilotfish demo my_office.yaml --robots 12
pilotfish demo fleet --help
pilotfish demo explore --robots 4 --backend pybullet
pilotfish demo explore --help
pilotfish demo arm --task push --policy dsrl
"""

app = typer.Typer(cls=DemoGroup, pretty_exceptions_enable=False, help=HELP)


@app.callback()
def root() -> None:
    pass

"""``pilotfish bench SYSTEM``: measure speed, side by side with the peers that are installed."""

from __future__ import annotations

import typer

from pilotfish.cli.lazy import lazy_group

app = typer.Typer(
    cls=lazy_group(
        {
            "follower": ("pilotfish.cli.bench_follower:app", "The grid fleet and the cost of a decision."),
            "dsrl": ("pilotfish.cli.bench_dsrl:app", "The cost of an arm's chunk, sampled and learned from."),
            "ir2": ("pilotfish.cli.bench_ir2:app", "The cost of an explorer's decision, and its parts."),
        }
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure speed, side by side with the peers that are installed.",
)


@app.callback()
def root() -> None:
    pass

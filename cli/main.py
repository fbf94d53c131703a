"""The ``pilotfish`` command: mounts the sub-commands and says errors in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pilotfish.cli.lazy import lazy_group

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("pilotfish.cli.demo:app", "A fleet, a team that explores, an arm: live ROS 2 nodes, filmed."),
    "run": ("pilotfish.cli.run:app", "Start a system's nodes, as its launch file does."),
    "train": ("pilotfish.cli.train:app", "Train a system's policy; goes on from its checkpoints."),
    "eval": ("pilotfish.cli.evaluate:app", "Measure policies on maps and seeds, with 95 % intervals."),
    "bench": ("pilotfish.cli.bench:app", "Measure speed, next to the peers that are installed."),
    "convert": ("pilotfish.cli.convert:app", "Recordings to LeRobot datasets, and back."),
    "worlds": ("pilotfish.cli.worlds:app", "Generate, draw and check worlds."),
    "record": ("pilotfish.cli.record:app", "Record a running system into an MCAP file."),
    "view": ("pilotfish.cli.view:app", "Pictures and videos of a recording."),
    "models": ("pilotfish.cli.models:app", "List, describe and export trained models."),
}
"""Name -> (``module:attribute`` of a ``typer.Typer``, help line)."""

INSTALL_GROUPS: dict[str, str] = {
    **dict.fromkeys(
        ("torch", "torch_geometric", "stable_baselines3", "tensorboard", "onnx", "matplotlib"), "train"
    ),
    **dict.fromkeys(("lerobot", "diffusers", "gymnasium", "datasets"), "manipulation"),
    **dict.fromkeys(
        ("rclpy", "rcl_interfaces", "geometry_msgs", "nav_msgs", "sensor_msgs", "std_msgs"), "ros"
    ),
}
"""Top-level module -> the install group that brings it."""

EXAMPLES = """
Learned robot policies, put to work.

\b
pilotfish demo
pilotfish demo explore
pilotfish demo arm
pilotfish run fleet world:=warehouse robots:=32
pilotfish eval follower --maps maps/ --agents 32,64 --seeds 0-9 --policy follower,pibt
pilotfish worlds show warehouse
pilotfish COMMAND --help
"""

FILE_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)

app = typer.Typer(cls=lazy_group(COMMANDS), no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback(help=EXAMPLES)
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    pass


def missing_module(error: ModuleNotFoundError) -> str:
    """What to do about a module that is not installed."""
    top = (error.name or "").split(".")[0]
    group = INSTALL_GROUPS.get(top)
    if group is None:
        return f"{error}. Install it again: pip install pilotfish"
    return f"{top} is missing: this needs the install group [{group}]: pip install 'pilotfish[{group}]'"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the system failed, 2 a mistake of the user's.

    ``--debug`` may stand anywhere and lets the traceback through.
    """
    # Stated before any command imports rclpy; who wants robots on a network says so beforehand.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        app(args=[word for word in words if word != "--debug"], prog_name="pilotfish")
    except ModuleNotFoundError as error:
        if debug:
            raise
        _stop(missing_module(error))
    except (ValueError, *FILE_ERRORS, ChildProcessError) as error:
        if debug:
            raise
        _stop(str(error))


def _stop(message: str) -> None:
    typer.secho(f"Error: {message}", fg=typer.colors.RED, err=True)
    raise SystemExit(2)


if __name__ == "__main__":
    main()

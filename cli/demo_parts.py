"""What the demos share: their ROS domain, starting and following nodes, the old recording, the end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from pilotfish.cli.fleet_watch import FleetStatus
    from pilotfish.ros_nodes.launcher import Launcher

START_TIMEOUT = 90.0
"""All robots must be at work after this long [s]."""
PATIENCE = 4.0
"""A run may take this many times its simulated seconds, and half a minute, on the wall clock."""
LAST_LINES = 15
"""Printed of a node that died."""


@dataclass
class Run:
    """What is known of a run besides its recording.

    Attributes:
        recording: rosbag2 folder.
        status: the newest that was heard of the nodes.
        clock_at_start: simulated time when all robots were at work [s].
        real_time_factor: simulated over wall seconds since then.
        trouble: what went wrong, a line each.
        interrupted: Ctrl-C was pressed: what there is gets written.
    """

    recording: Path
    status: FleetStatus
    clock_at_start: float = 0.0
    real_time_factor: float | None = None
    trouble: list[str] = field(default_factory=list)
    interrupted: bool = False


def use_own_domain() -> None:
    """Choose a ROS domain, unless there is one: other systems on this machine neither hear nor disturb us."""
    if "ROS_DOMAIN_ID" not in os.environ:
        os.environ["ROS_DOMAIN_ID"] = str(free_domain(first=os.getpid()))


def free_domain(first: int = 0) -> int:
    """A ROS domain id, 1 to 100, in which nothing runs on this machine; tried from ``first`` on.

    The first participant of a domain listens on UDP port 7410 + 250 * domain (DDSI-RTPS 9.6.1.1).
    """
    for offset in range(100):
        domain = 1 + (first + offset) % 100
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("", 7410 + 250 * domain))
            except OSError:
                continue
            return domain
    raise RuntimeError("all ROS domains from 1 to 100 are in use: set ROS_DOMAIN_ID")


def make_folder(out: Path) -> None:
    """Make the folder of the results. Raises ValueError when a file is in its place."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file: name a folder for the results, or remove it")
    out.mkdir(parents=True, exist_ok=True)


def remove_recording(folder: Path) -> None:
    """Delete a recording, if there is one.

    Raises:
        ValueError: the folder is there but is no recording; somebody else's files may be in it.
    """
    if not folder.exists():
        return
    if not (folder / "metadata.yaml").is_file():
        raise ValueError(
            f"{folder} is in the way, and no complete recording that may be replaced (it has no "
            "metadata.yaml): remove it, or choose another --out"
        )
    shutil.rmtree(folder)


def run_nodes(
    system: str,
    arguments: Mapping[str, object],
    out: Path,
    console: Console,
    follow: Callable[[Run, Launcher], None],
) -> Run:
    """Start a system's nodes and its recorder, call ``follow``, stop them; also on Ctrl-C.

    Args:
        system: name of the plan.
        arguments: of its launch file.
        out: folder of the results; the nodes' words go into ``nodes.log``.
        follow: returns when it is over.
    """
    from pilotfish.cli.fleet_watch import FleetWatch
    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.ros_nodes.plan import plan_system

    recording = out / "recording"
    remove_recording(recording)  # of an earlier demo; the recorder does not write over it
    words = {**arguments, "record": recording}
    specs = plan_system(system, [f"{name}:={value}" for name, value in words.items()])
    with _log_file(out / "nodes.log") as log, FleetWatch() as watch:
        run = Run(recording, watch.status)
        with Launcher(specs, output=log) as nodes, _noting_interrupts(run):
            follow(run, nodes)
            if run.interrupted:
                console.print("Stopped; writing what there is. (Ctrl-C again gives that up.)")
            report_deaths(run, nodes, console)
            with console.status("Stopping the nodes ..."):
                nodes.stop()
    return run


@contextmanager
def _noting_interrupts(run: Run) -> Iterator[None]:
    """The first Ctrl-C only leaves a note: raised in the middle of drawing or waiting, it could leave a lock
    taken for ever. The second one is raised."""

    def note(number: int, frame: FrameType | None) -> None:
        if run.interrupted:
            raise KeyboardInterrupt
        run.interrupted = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def goes_on(run: Run, nodes: Launcher, console: Console, deadline: float, state: str, alone: bool) -> bool:
    """Wait a moment; False on Ctrl-C, and when a required node has ended or it takes too long: trouble.

    Args:
        deadline: of ``time.monotonic`` [s].
        state: how far it is, for the message.
        alone: False when nodes of another such system are heard.
    """
    if nodes.wait(0.2) is not None or run.interrupted:
        return False
    report_deaths(run, nodes, console)
    if not alone:
        domain = os.environ["ROS_DOMAIN_ID"]
        run.trouble.append(f"another such system runs in ROS domain {domain}: set another ROS_DOMAIN_ID")
    elif time.monotonic() > deadline:
        run.trouble.append(f"gave up waiting: {state}, the simulator's clock reads {run.status.clock}")
    else:
        return True
    console.print(f"[red]{run.trouble[-1]}[/red]")
    return False


def report_deaths(run: Run, nodes: Launcher, console: Console) -> None:
    """Say, once of every node that has ended, which it was and its last words."""
    for name in nodes.names:
        line = f"{name} ended; its last lines:"
        if nodes.running(name) or line in run.trouble:
            continue
        run.trouble.append(line)
        console.print(f"[red]{line}[/red]")
        for words in nodes.tail(name)[-LAST_LINES:]:
            console.print(f"  {words}", markup=False, highlight=False)


@contextmanager
def _log_file(path: Path) -> Iterator[Callable[[str, str], None]]:
    """A function that writes what the nodes print into a file."""
    with path.open("w", encoding="utf-8", buffering=1) as file:

        def write(name: str, line: str) -> None:
            if not file.closed:  # a process may speak while it is being stopped
                file.write(f"{name} | {line}\n")

        yield write


def progress_bar(console: Console, unit: str = "s") -> Progress:
    """A bar of simulated seconds, or of another unit, with room for ``facts``."""
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}} {unit}  {{task.fields[facts]}}"),
        console=console,
    )


def nothing_to_show(out: Path, error: Exception) -> ValueError:
    """The error of a run whose recording cannot be drawn."""
    return ValueError(f"there is nothing to show: {error}. What the nodes said: {out / 'nodes.log'}")


def print_table(console: Console, lines: list[tuple[str, str]]) -> None:
    """The summary."""
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*line)
    console.print()
    console.print(table)


def print_files(console: Console, files: Mapping[str, Path], started: float) -> None:
    """Where the results lie, and how long all of it took since ``started`` of ``time.monotonic`` [s]."""
    console.print()
    for name, path in files.items():
        console.print(f"{name:17} {path}", highlight=False, soft_wrap=True)
    console.print(f"[dim]Done in {time.monotonic() - started:.0f} s.[/dim]")

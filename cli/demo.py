"""``pilotfish demo``: a fleet in a warehouse, each robot led by a learned policy in its own ROS 2 node."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pilotfish.cli.fleet_watch import FleetStatus
    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.worlds.maps.grid_map import GridMap
    from pilotfish.worlds.render.trajectory import FleetTrajectory

app = typer.Typer(pretty_exceptions_enable=False)

START_TIMEOUT = 90.0
"""All robots must be driving after this long [s]."""
PATIENCE = 4.0
"""A run may take this many times its simulated seconds, and half a minute, on the wall clock."""
LAST_LINES = 15
"""Printed of a node that died."""
SCENE_SECONDS = 24.0
"""Simulated time in the 3D video and in the GIF."""
ROBOT = "carrier"
"""What the fleet's parameter file has the simulator drive."""

HELP = """
Run a fleet in a simulated warehouse, each robot led by a learned policy in its own ROS 2 node, and show
what it did: figures, a recording (MCAP), videos and a picture. Ctrl-C ends it early and keeps what there is.

MAP is any map: a built-in one, a file, FILE#NAME or gen:FAMILY (see `pilotfish worlds`).

\b
pilotfish demo
pilotfish demo --backend pybullet --robots 32
pilotfish demo my_office.yaml --robots 12 --seconds 120 --out outputs/office
"""


@dataclass(frozen=True)
class Settings:
    """What to run, and where its results go."""

    world: str
    robots: int
    backend: str
    policy: str
    seconds: float
    seed: int
    out: Path

    @property
    def title(self) -> str:
        physics = {"pybullet": "PyBullet"}.get(self.backend, f"{self.backend} world")
        return f"{self.robots} robots, {Path(self.world).name}, {physics}"


@app.command(help=HELP)
def demo(
    world: Annotated[str, typer.Argument(metavar="[MAP]", help="Where the fleet drives.")] = "warehouse",
    robots: Annotated[int, typer.Option(min=1, help="How many robots.")] = 24,
    backend: Annotated[str, typer.Option(help="grid (no physics) or pybullet.")] = "grid",
    seconds: Annotated[float, typer.Option(min=1.0, help="Simulated time.")] = 60.0,
    policy: Annotated[str, typer.Option(help="Any of `pilotfish eval follower`.")] = "follower",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("outputs/demo"),
    seed: Annotated[int, typer.Option(help="Starts, goals and every random draw.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="The figures, too.", show_default="OUT/summary.json")
    ] = None,
) -> None:
    from rich.console import Console

    settings = Settings(world, robots, backend, policy, seconds, seed, out)
    console = Console()
    # A domain of its own, so that other ROS systems on this machine neither hear nor disturb it.
    if "ROS_DOMAIN_ID" not in os.environ:
        os.environ["ROS_DOMAIN_ID"] = str(free_domain(first=os.getpid()))
    started = time.monotonic()
    import rclpy  # noqa: F401  (without it, the error says at once which install group is missing)

    from pilotfish.cli.report import write_report
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.mcap import find_mcap

    grid = load_map(world)
    out.mkdir(parents=True, exist_ok=True)
    with console.status("Compiling the planner and loading the policy (once after installation) ..."):
        _warm_up(grid, settings)
    run = _run_fleet(settings, console)
    trajectory = _load(settings, grid, run)
    row = _figures(settings, trajectory, run)
    figures = json_file or out / "summary.json"
    write_report(figures, [row], seeds=[seed])
    _print_figures(console, row)
    files = {**_draw(settings, trajectory), "figures": figures, "recording": find_mcap(run.recording)}
    console.print()
    for name, path in files.items():
        console.print(f"{name:17} {path}", highlight=False, soft_wrap=True)
    console.print(f"[dim]Done in {time.monotonic() - started:.0f} s.[/dim]")
    if run.trouble:
        raise typer.Exit(1)


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


def _warm_up(grid: GridMap, settings: Settings) -> None:
    """Fill numba's cache, so that the nodes start at once instead of all compiling the same functions."""
    from pilotfish.policies.registry import make_fleet_policy
    from pilotfish.worlds.grid.engine import GridFleet

    policy = make_fleet_policy(settings.policy)
    fleet = GridFleet(grid, settings.robots)
    observation = fleet.reset(settings.seed)
    policy.reset(grid, settings.robots, settings.seed)
    fleet.step(policy.act(observation))


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


@dataclass
class Run:
    """What is known of a run besides its recording.

    Attributes:
        recording: rosbag2 folder.
        status: the newest that was heard of the nodes.
        clock_at_start: simulated time when all robots were driving [s].
        real_time_factor: simulated over wall seconds since then.
        trouble: what went wrong, a line each.
    """

    recording: Path
    status: FleetStatus
    clock_at_start: float = 0.0
    real_time_factor: float | None = None
    trouble: list[str] = field(default_factory=list)


def _run_fleet(settings: Settings, console: Console) -> Run:
    """Start the nodes, follow them for the simulated time, stop them."""
    from pilotfish.cli.fleet_watch import FleetWatch
    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.ros_nodes.plan import plan_system

    recording = settings.out / "recording"
    remove_recording(recording)  # of an earlier demo; the recorder does not write over it
    specs = plan_system(
        "fleet",
        [
            f"world:={settings.world}",
            f"robots:={settings.robots}",
            f"backend:={settings.backend}",
            f"policy:={settings.policy}",
            f"seed:={settings.seed}",
            f"record:={recording}",
        ],
    )
    with _log_file(settings.out / "nodes.log") as log, FleetWatch() as watch:
        run = Run(recording, watch.status)
        with Launcher(specs, output=log) as system:
            try:
                _follow(settings, run, system, console)
            except KeyboardInterrupt:
                console.print("Stopped; writing what there is. (Ctrl-C again gives that up.)")
            _report_deaths(run, system, console)
            with console.status("Stopping the nodes ..."):
                system.stop()
    return run


def _follow(settings: Settings, run: Run, system: Launcher, console: Console) -> None:
    """Show the progress until the simulated time is over, or a required node has died."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s  {task.fields[facts]}"),
    )
    status = run.status
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Starting the nodes", total=settings.seconds, facts="")

        def goes_on(deadline: float) -> bool:
            """Wait a moment; False when a required node has ended or it takes too long."""
            if system.wait(0.2) is not None:
                return False
            _report_deaths(run, system, console)
            if len(status.followers) > settings.robots:
                domain = os.environ["ROS_DOMAIN_ID"]
                run.trouble.append(f"another fleet runs in ROS domain {domain}: set another ROS_DOMAIN_ID")
            elif time.monotonic() > deadline:
                led = f"{status.led} of {settings.robots} robots have had a goal"
                run.trouble.append(f"gave up waiting: {led}, the simulator's clock reads {status.clock}")
            else:
                return True
            console.print(f"[red]{run.trouble[-1]}[/red]")
            return False

        deadline = time.monotonic() + START_TIMEOUT
        while status.led < settings.robots:
            progress.update(bar, facts=f"{status.led} of {settings.robots} robots have a goal")
            if not goes_on(deadline):
                return
        run.clock_at_start, first_goals = status.clock or 0.0, status.goals
        started = time.monotonic()
        deadline = started + 30.0 + PATIENCE * settings.seconds
        progress.update(bar, description="Driving")
        elapsed = 0.0
        while elapsed < settings.seconds:
            elapsed = (status.clock or 0.0) - run.clock_at_start
            run.real_time_factor = round(elapsed / max(time.monotonic() - started, 1e-9), 3)
            goals = status.goals - first_goals
            facts = f"{goals} goals  {goals / max(elapsed, 1.0):.2f}/s  {status.overlaps or 0} collisions"
            progress.update(bar, completed=min(elapsed, settings.seconds), facts=facts)
            if not goes_on(deadline):
                return


def _report_deaths(run: Run, system: Launcher, console: Console) -> None:
    """Say, once of every node that has ended, which it was and its last words."""
    for name in system.names:
        line = f"{name} ended; its last lines:"
        if system.running(name) or line in run.trouble:
            continue
        run.trouble.append(line)
        console.print(f"[red]{line}[/red]")
        for words in system.tail(name)[-LAST_LINES:]:
            console.print(f"  {words}", markup=False, highlight=False)


@contextmanager
def _log_file(path: Path) -> Iterator[Callable[[str, str], None]]:
    """A function that writes what the nodes print into a file."""
    with path.open("w", encoding="utf-8", buffering=1) as file:

        def write(name: str, line: str) -> None:
            if not file.closed:  # a process may speak while it is being stopped
                file.write(f"{name} | {line}\n")

        yield write


def _load(settings: Settings, grid: GridMap, run: Run) -> FleetTrajectory:
    """The recorded run from the moment when all robots were driving."""
    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.render.recording import load_recording

    try:
        return load_recording(run.recording, grid, run.clock_at_start, get_robot(ROBOT).radius)
    except (FileNotFoundError, ValueError) as error:
        log = settings.out / "nodes.log"
        raise ValueError(f"there is nothing to show: {error}. What the nodes said: {log}") from error


def _figures(settings: Settings, trajectory: FleetTrajectory, run: Run) -> dict[str, Any]:
    """One flat row."""
    goals, duration = int(trajectory.delivered[-1]), max(trajectory.duration, 1e-9)
    return {
        "policy": settings.policy,
        "map": trajectory.grid.name,
        "robots": settings.robots,
        "backend": settings.backend,
        "seed": settings.seed,
        "n": 1,
        "simulated_seconds": round(trajectory.duration, 2),
        "goals": goals,
        "throughput": round(goals / duration, 4),
        "goals_per_robot_minute": round(60 * goals / duration / settings.robots, 3),
        "overlaps": run.status.overlaps,
        **run.status.latency_ms(),
        "real_time_factor": run.real_time_factor,
        "trouble": run.trouble,
    }


def _print_figures(console: Console, row: dict[str, Any]) -> None:
    from rich.table import Table

    def said(key: str, form: str) -> str:
        return "not reported" if row[key] is None else form.format(row[key])

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("goals reached", f"{row['goals']} in {row['simulated_seconds']:.0f} s")
    table.add_row("throughput", f"{row['throughput']:.2f} goals/s")
    table.add_row("", f"{row['goals_per_robot_minute']:.2f} goals per robot and minute")
    table.add_row("collisions", said("overlaps", "{}"))
    table.add_row("decision latency", said("decision_p50_ms", "{:.2f} ms median"))
    table.add_row("", said("decision_p99_ms", "{:.2f} ms 99th percentile"))
    table.add_row("", said("decision_p99_slowest_ms", "{:.2f} ms 99th percentile of the slowest robot"))
    table.add_row("real-time factor", said("real_time_factor", "{:.2f}"))
    console.print()
    console.print(table)


def _draw(settings: Settings, trajectory: FleetTrajectory) -> dict[str, Path]:
    """The videos and the picture, by what to call them."""
    from pilotfish.worlds.render.fleet_2d import animate_fleet, picture_fleet
    from pilotfish.worlds.render.fleet_3d import film_fleet

    out, title = settings.out, settings.title
    end = trajectory.times[-1]
    scene = trajectory.between(max(0.0, end - SCENE_SECONDS), end)
    # Twice as fast as it was.
    whole, part = max(1.0, trajectory.duration / 2), max(1.0, scene.duration / 2)
    return {
        "video": animate_fleet(trajectory, out / "fleet.mp4", title=title, seconds=whole),
        "3D video": film_fleet(scene, out / "fleet_3d.mp4", title=title, seconds=part),
        "GIF": animate_fleet(scene, out / "fleet.gif", title=title, seconds=part, width=560, fps=10.0),
        "picture": picture_fleet(trajectory, out / "fleet.png", title=title),
    }

"""``pilotfish demo``: a fleet in a warehouse, each robot led by a learned policy in its own ROS 2 node."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pilotfish.cli.demo_parts import (
    PATIENCE,
    START_TIMEOUT,
    Run,
    goes_on,
    make_folder,
    nothing_to_show,
    print_files,
    print_table,
    progress_bar,
    run_nodes,
    use_own_domain,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.worlds.maps.grid_map import GridMap
    from pilotfish.worlds.render.trajectory import FleetTrajectory

app = typer.Typer(pretty_exceptions_enable=False)

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
def fleet(
    world: Annotated[str, typer.Argument(metavar="[MAP]", help="Where the fleet drives.")] = "warehouse",
    robots: Annotated[int, typer.Option(min=1, help="How many robots.")] = 24,
    backend: Annotated[str, typer.Option(help="grid (no physics) or pybullet.")] = "grid",
    seconds: Annotated[float, typer.Option(min=1.0, help="Simulated time.")] = 60.0,
    policy: Annotated[str, typer.Option(help="Any of `pilotfish eval follower`.")] = "follower",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("outputs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Starts, goals and every random draw.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="The figures, too.", show_default="OUT/summary.json")
    ] = None,
) -> None:
    from rich.console import Console

    settings = Settings(world, robots, backend, policy, seconds, seed, out)
    console = Console()
    use_own_domain()
    started = time.monotonic()
    import rclpy  # noqa: F401  (without it, the error says at once which install group is missing)

    from pilotfish.cli.report import write_report
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.mcap import find_mcap

    grid = load_map(world)
    make_folder(out)
    with console.status("Compiling the planner and loading the policy (once after installation) ..."):
        _warm_up(grid, settings)
    arguments = {
        "world": world,
        "robots": robots,
        "backend": backend,
        "policy": policy,
        "seed": seed,
    }
    run = run_nodes(
        "fleet", arguments, out, console, lambda run, nodes: _follow(settings, run, nodes, console)
    )
    trajectory = _load(settings, grid, run)
    row = _figures(settings, trajectory, run)
    figures = json_file or out / "summary.json"
    write_report(figures, [row], seeds=[seed])
    _print_figures(console, row)
    files = {**_draw(settings, trajectory), "figures": figures, "recording": find_mcap(run.recording)}
    print_files(console, files, started)
    if run.trouble:
        raise typer.Exit(1)


def _warm_up(grid: GridMap, settings: Settings) -> None:
    """Fill numba's cache, so that the nodes start at once instead of all compiling the same functions."""
    from pilotfish.policies.registry import make_fleet_policy
    from pilotfish.worlds.grid.engine import GridFleet

    policy = make_fleet_policy(settings.policy)
    fleet = GridFleet(grid, settings.robots)
    observation = fleet.reset(settings.seed)
    policy.reset(grid, settings.robots, settings.seed)
    fleet.step(policy.act(observation))


def _follow(settings: Settings, run: Run, nodes: Launcher, console: Console) -> None:
    """Show the progress until the simulated time is over, or a required node has died."""
    status = run.status
    with progress_bar(console) as progress:
        bar = progress.add_task("Starting the nodes", total=settings.seconds, facts="")

        def go_on(deadline: float) -> bool:
            led = f"{status.led} of {settings.robots} robots have had a goal"
            alone = len(status.followers) <= settings.robots
            return goes_on(run, nodes, console, deadline, led, alone)

        deadline = time.monotonic() + START_TIMEOUT
        while status.led < settings.robots:
            progress.update(bar, facts=f"{status.led} of {settings.robots} robots have a goal")
            if not go_on(deadline):
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
            if not go_on(deadline):
                return


def _load(settings: Settings, grid: GridMap, run: Run) -> FleetTrajectory:
    """The recorded run from the moment when all robots were driving."""
    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.render.recording import load_recording

    try:
        return load_recording(run.recording, grid, run.clock_at_start, get_robot(ROBOT).radius)
    except (FileNotFoundError, ValueError) as error:
        raise nothing_to_show(settings.out, error) from error


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
    def said(key: str, form: str) -> str:
        return "not reported" if row[key] is None else form.format(row[key])

    print_table(
        console,
        [
            ("goals reached", f"{row['goals']} in {row['simulated_seconds']:.0f} s"),
            ("throughput", f"{row['throughput']:.2f} goals/s"),
            ("", f"{row['goals_per_robot_minute']:.2f} goals per robot and minute"),
            ("collisions", said("overlaps", "{}")),
            ("decision latency", said("decision_p50_ms", "{:.2f} ms median")),
            ("", said("decision_p99_ms", "{:.2f} ms 99th percentile")),
            ("", said("decision_p99_slowest_ms", "{:.2f} ms 99th percentile of the slowest robot")),
            ("real-time factor", said("real_time_factor", "{:.2f}")),
        ],
    )


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

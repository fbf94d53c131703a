"""``pilotfish demo explore``: a team explores a building, each robot on its own map in its own ROS 2 node."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
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
from pilotfish.policies.exploration.wire import MAX_ROBOTS

if TYPE_CHECKING:
    from rich.console import Console

    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.worlds.render.exploration_trajectory import ExplorationTrajectory

app = typer.Typer(pretty_exceptions_enable=False)

WHOLE = 0.99
"""A map that holds this share of the free space that can be reached is whole."""
LINGER = 4.0
"""The nodes go on for this long when all maps are whole [s, wall clock], until they are recorded, too."""
MOVED = 0.02
"""A robot that is this far from its start has begun [m]."""
ROBOT = "scout"
"""What the team's parameter file has the simulator drive."""

HELP = """
Let a team explore an unknown building, each robot on its own map in its own ROS 2 node, until every map
holds 99 % of the free space. Robots hear of each other only what the simulated radio lets through. Shows
figures, a recording (MCAP), a video, a GIF and a picture. Ctrl-C ends it early and keeps what there is.

MAP is any map, at real scale (a laser reaches 8 m): a file, FILE#NAME or gen:offices?... (see
`pilotfish worlds`). `--speed 0` lets the simulated time go as fast as the computer allows.

\b
pilotfish demo explore
pilotfish demo explore --robots 4 --backend pybullet --radio closed
pilotfish demo explore "gen:offices?seed=7" --robots 6 --seconds 600 --out outputs/offices
"""


@dataclass(frozen=True)
class Settings:
    """What to run, and where its results go."""

    world: str
    robots: int
    radio: str
    backend: str
    policy: str
    seconds: float
    seed: int
    out: Path

    @property
    def title(self) -> str:
        physics = {"pybullet": "PyBullet"}.get(self.backend, f"{self.backend} world")
        return f"{self.robots} robots, {self.policy}, radio {self.radio}, {physics}"


@app.command(help=HELP)
def explore(
    world: Annotated[
        str, typer.Argument(metavar="[MAP]", help="The building.")
    ] = "gen:offices?size=120x160&seed=3",
    robots: Annotated[int, typer.Option(min=1, max=MAX_ROBOTS, help="How many robots.")] = 3,
    radio: Annotated[str, typer.Option(help="open, mid, closed, random or full.")] = "mid",
    backend: Annotated[str, typer.Option(help="grid (no physics) or pybullet.")] = "grid",
    seconds: Annotated[float, typer.Option(min=1.0, help="Simulated time, at most.")] = 240.0,
    policy: Annotated[str, typer.Option(help="Any that `pilotfish eval ir2 --help` lists.")] = "ir2",
    speed: Annotated[
        float, typer.Option(min=0.0, help="Simulated seconds a second; 0: as fast as it goes.")
    ] = 1.0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("outputs/explore"),
    seed: Annotated[int, typer.Option(min=0, help="Starts, radio and every random draw.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="The figures, too.", show_default="OUT/summary.json")
    ] = None,
) -> None:
    from rich.console import Console

    settings = Settings(world, robots, radio, backend, policy, seconds, seed, out)
    console = Console()
    use_own_domain()
    started = time.monotonic()
    import rclpy  # noqa: F401  (without it, the error says at once which install group is missing)

    from pilotfish.cli.report import write_report
    from pilotfish.hardware.robots import get_robot
    from pilotfish.policies.exploration.warm_up import warm_up
    from pilotfish.worlds.render.mcap import find_mcap

    make_folder(out)
    with console.status("Compiling the explorer (once after installation) ..."):
        warm_up(policy, get_robot(ROBOT))
    arguments = {
        "world": world,
        "robots": robots,
        "radio": radio,
        "backend": backend,
        "policy": policy,
        "real_time_factor": speed,
        "seed": seed,
    }
    facts = Facts()
    run = run_nodes(
        "explore", arguments, out, console, lambda run, nodes: _follow(settings, run, facts, nodes, console)
    )
    trajectory = _load(settings, run)
    row = _figures(settings, trajectory, run, facts)
    figures = json_file or out / "summary.json"
    write_report(figures, [row], seeds=[seed])
    _print_figures(console, row)
    files = {**_draw(settings, trajectory), "figures": figures, "recording": find_mcap(run.recording)}
    print_files(console, files, started)
    if run.trouble:
        raise typer.Exit(1)


@dataclass
class Facts:
    """What was heard while the team explored.

    Attributes:
        whole: whether all maps were.
        known: share of the free space in each robot's map.
        collisions: counted by the simulator; None if it has not said so.
        bytes_per_minute: sent by each robot, over the last minute or the run, if that is shorter.
        connected_share: of the time, in which all robots were connected.
    """

    whole: bool = False
    known: tuple[float, ...] = ()
    collisions: int | None = None
    bytes_per_minute: tuple[int, ...] = ()
    connected_share: float | None = None

    def hear(self, run: Run, robots: int) -> None:
        """Take in the newest that the nodes have said."""
        world, radio = run.status.team_world, run.status.team_radio
        self.known = tuple(run.status.known(robots))
        if "overlaps" in world:
            self.collisions = int(world["overlaps"])
        if "connected_share" in radio:
            self.connected_share = float(radio["connected_share"])
            self.bytes_per_minute = tuple(run.status.bytes_per_minute(robots))


def _follow(settings: Settings, run: Run, facts: Facts, nodes: Launcher, console: Console) -> None:
    """Show the progress until all maps are whole, time is over, or a required node has died."""
    status, robots = run.status, settings.robots
    with progress_bar(console) as progress:
        bar = progress.add_task("Starting the nodes", total=settings.seconds, facts="")

        def go_on(deadline: float) -> bool:
            facts.hear(run, robots)
            shares = " ".join(f"{share:4.0%}" for share in facts.known)
            progress.update(bar, facts=f"known {shares}  {facts.collisions or 0} collisions")
            alone = len(status.explorers) <= robots
            return goes_on(run, nodes, console, deadline, f"the maps hold {shares}", alone)

        deadline = time.monotonic() + START_TIMEOUT
        while min(status.known(robots)) <= 0.0:
            if not go_on(deadline):
                return
        run.clock_at_start = status.clock or 0.0
        started = time.monotonic()
        deadline = started + 30.0 + PATIENCE * settings.seconds
        progress.update(bar, description="Exploring")
        elapsed, end = 0.0, float("inf")
        while elapsed < settings.seconds and time.monotonic() < end:
            elapsed = (status.clock or 0.0) - run.clock_at_start
            run.real_time_factor = round(elapsed / max(time.monotonic() - started, 1e-9), 3)
            progress.update(bar, completed=min(elapsed, settings.seconds))
            if not facts.whole and min(status.known(robots)) >= WHOLE:
                facts.whole, end = True, time.monotonic() + LINGER
            if not go_on(deadline):
                return


def _load(settings: Settings, run: Run) -> ExplorationTrajectory:
    """The recorded run from the moment when the first robot moved."""
    import numpy as np

    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.render.exploration_recording import load_exploration

    try:
        whole = load_exploration(run.recording, radius=get_robot(ROBOT).radius)
    except (FileNotFoundError, ValueError) as error:
        raise nothing_to_show(settings.out, error) from error
    away = np.hypot(*(whole.poses - whole.poses[:1])[..., :2].T).max(axis=0) > MOVED
    return whole.between(whole.times[max(int(away.argmax()) - 1, 0)], whole.times[-1])


def whole_after(trajectory: ExplorationTrajectory) -> float | None:
    """When all recorded maps were whole [s after the start], or None."""
    from pilotfish.worlds.render.coverage import Coverage

    coverage = Coverage(trajectory)
    for time_ in sorted(time_ for history in trajectory.maps for time_ in history.times):
        if all(coverage.share(robot, time_) >= WHOLE for robot in range(trajectory.n_robots)):
            return round(time_ - float(trajectory.times[0]), 1)
    return None


def _figures(settings: Settings, trajectory: ExplorationTrajectory, run: Run, facts: Facts) -> dict[str, Any]:
    """One flat row; what is measured of each robot ends with its index."""
    import numpy as np

    ways = np.hypot(*np.diff(trajectory.poses[..., :2], axis=0).T).sum(axis=1).tolist()
    end = round(trajectory.duration, 1) if facts.whole else None  # the last maps were not recorded any more
    row: dict[str, Any] = {
        "policy": settings.policy,
        "map": settings.world,
        "robots": settings.robots,
        "radio": settings.radio,
        "backend": settings.backend,
        "seed": settings.seed,
        "n": 1,
        "simulated_seconds": round(trajectory.duration, 2),
        "whole_after": whole_after(trajectory) or end,
        "known": min(facts.known, default=0.0),
        "path_length": round(max(ways), 2),
        "overlaps": facts.collisions,
        "bytes_per_minute": round(mean(facts.bytes_per_minute)) if facts.bytes_per_minute else None,
        "connected_share": facts.connected_share,
        **run.status.latency_ms(),
        "real_time_factor": run.real_time_factor,
        "trouble": run.trouble,
    }
    for robot in range(settings.robots):
        row[f"known_{robot}"] = facts.known[robot] if facts.known else 0.0
        row[f"path_length_{robot}"] = round(ways[robot], 2)
        row[f"bytes_per_minute_{robot}"] = facts.bytes_per_minute[robot] if facts.bytes_per_minute else None
    return row


def _print_figures(console: Console, row: dict[str, Any]) -> None:
    def said(key: str, form: str) -> str:
        return "not reported" if row[key] is None else form.format(row[key])

    def each(key: str, form: str) -> str:
        return "  ".join(said(f"{key}_{robot}", form) for robot in range(row["robots"]))

    whole = f"{row['whole_after']:.0f} s simulated" if row["whole_after"] is not None else "not in this time"
    print_table(
        console,
        [
            (f"every map {WHOLE:.0%}", whole),
            ("known, each robot", each("known", "{:.1%}")),
            ("way, each robot", each("path_length", "{:.1f} m")),
            ("collisions", said("overlaps", "{}")),
            ("all connected", said("connected_share", "{:.0%} of the time")),
            ("bytes a minute", each("bytes_per_minute", "{:,}")),
            ("decision latency", said("decision_p50_ms", "{:.1f} ms median")),
            ("", said("decision_p99_ms", "{:.1f} ms 99th percentile")),
            ("", said("decision_p99_slowest_ms", "{:.1f} ms 99th percentile of the slowest robot")),
            ("real-time factor", said("real_time_factor", "{:.2f}")),
        ],
    )


def _draw(settings: Settings, trajectory: ExplorationTrajectory) -> dict[str, Path]:
    """The videos and the picture, by what to call them."""
    from pilotfish.worlds.render.exploration_2d import film_exploration, picture_exploration

    out, title = settings.out, settings.title
    # Five times as fast as it was, within limits.
    seconds = min(max(trajectory.duration / 5, 4.0), 30.0)
    return {
        "video": film_exploration(trajectory, out / "explore.mp4", title=title, seconds=seconds),
        "GIF": film_exploration(trajectory, out / "explore.gif", title=title, seconds=seconds),
        "picture": picture_exploration(trajectory, out / "explore.png", title=title),
    }

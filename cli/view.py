"""``pilotfish view``: pictures and videos of a recording."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Turn an MCAP recording of a fleet or of an exploring team into a video and a picture.

A fleet's recording needs robot_<i>/odom, and map unless --map names one; robot_<i>/goal_pose adds the goals.
One with a true_map is of an exploring team: robot_<i>/map, waypoint and links add what robots believe, want
and hear. A recording that was cut off is shown as far as it goes.

\b
pilotfish view outputs/demo/recording
pilotfish view fleet.mcap -o fleet.gif --from 30 --until 50 --seconds 10
pilotfish view fleet.mcap --map warehouse --3d -o fleet_3d.mp4
pilotfish view team.mcap --seconds 20
"""


@app.command(help=HELP)
def view(
    recording: Annotated[Path, typer.Argument(help="MCAP file, or the folder of a rosbag2 recording.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help=".mp4 or .gif; the picture lies beside it.", show_default="RECORDING.mp4"
        ),
    ] = None,
    world: Annotated[
        str, typer.Option("--map", help="The map, if none was recorded.", show_default=False)
    ] = "",
    robot: Annotated[
        str, typer.Option(help="Which robot it was, for its size.", show_default="carrier, or scout")
    ] = "",
    start: Annotated[float, typer.Option("--from", min=0.0, help="Begin here [s].")] = 0.0,
    end: Annotated[
        float, typer.Option("--until", min=0.0, help="End here [s].", show_default="the end")
    ] = math.inf,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Length of the video.", show_default="real time")
    ] = None,
    fps: Annotated[float, typer.Option(min=1.0, max=60.0, help="Frames a second.")] = 25.0,
    width: Annotated[
        int | None, typer.Option(min=160, max=3840, help="Of the video [px].", show_default="960, or 1280")
    ] = None,
    in_3d: Annotated[bool, typer.Option("--3d", help="A flight over the map instead of a plan.")] = False,
    still: Annotated[bool, typer.Option("--still", help="With --3d, keep the camera where it is.")] = False,
    title: Annotated[str, typer.Option(help="Written on the video.", show_default="the file's name")] = "",
) -> None:
    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.exploration_recording import holds_exploration, load_exploration
    from pilotfish.worlds.render.recording import load_recording

    grid = load_map(world) if world else None
    exploring = holds_exploration(recording)
    if exploring and in_3d:
        raise ValueError(f"--3d shows fleets; {recording} is of an exploring team")
    radius = get_robot(robot or ("scout" if exploring else "carrier")).radius
    load = load_exploration if exploring else load_recording
    whole = load(recording, grid, radius=radius)
    if start >= min(end, whole.duration):
        raise ValueError(f"--from {start:g} leaves nothing of {min(end, whole.duration):.1f} s")
    show = _show_exploration if exploring else _show_flight if in_3d else _show_fleet
    options = {"title": title or recording.stem, "seconds": seconds, "fps": fps}
    if width:
        options["width"] = width
    if in_3d:
        options["still"] = still
    output = output or recording.with_suffix(".mp4")
    picture = output.with_suffix(".png")
    part = whole.between(start, end)
    facts = show(part, output, picture, options)
    typer.echo(f"{whole.n_robots} robots, {whole.duration:.1f} s, {facts}")
    typer.echo(f"video:   {output}")
    typer.echo(f"picture: {picture}")


def _show_fleet(trajectory: Any, output: Path, picture: Path, options: dict[str, Any]) -> str:
    from pilotfish.worlds.render.fleet_2d import animate_fleet, picture_fleet

    animate_fleet(trajectory, output, **options)
    picture_fleet(trajectory, picture, **_still(options))
    return f"{int(trajectory.delivered[-1])} goals reached"


def _show_flight(trajectory: Any, output: Path, picture: Path, options: dict[str, Any]) -> str:
    from pilotfish.worlds.render.fleet_3d import film_fleet, photograph_fleet

    width = options.pop("width", 960)
    size = (width // 2 * 2, width * 9 // 32 * 2)
    film_fleet(trajectory, output, **options, size=size)
    photograph_fleet(trajectory, picture, title=options["title"], size=size)
    return f"{int(trajectory.delivered[-1])} goals reached"


def _show_exploration(trajectory: Any, output: Path, picture: Path, options: dict[str, Any]) -> str:
    from pilotfish.worlds.render.coverage import Coverage
    from pilotfish.worlds.render.exploration_2d import animate_exploration, picture_exploration

    animate_exploration(trajectory, output, **options)
    picture_exploration(trajectory, picture, **_still(options))
    coverage, end = Coverage(trajectory), float(trajectory.times[-1])
    shares = ", ".join(f"{coverage.share(robot, end):.1%}" for robot in range(trajectory.n_robots))
    return f"explored {coverage.team(end):.1%} together; each: {shares}"


def _still(options: dict[str, Any]) -> dict[str, Any]:
    """What a picture takes of a video's options."""
    return {name: value for name, value in options.items() if name in ("title", "width")}

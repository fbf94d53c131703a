"""``pilotfish view``: pictures and videos of a recording."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Turn an MCAP recording of a fleet into a video and a picture.

The recording needs robot_<i>/odom, and map unless --map names one; robot_<i>/goal_pose adds the goals.
A recording that was cut off is shown as far as it goes.

\b
pilotfish view outputs/demo/recording
pilotfish view fleet.mcap -o fleet.gif --from 30 --until 50 --seconds 10
pilotfish view fleet.mcap --map warehouse --3d -o fleet_3d.mp4
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
    robot: Annotated[str, typer.Option(help="Which robot it was, for its size.")] = "carrier",
    start: Annotated[float, typer.Option("--from", min=0.0, help="Begin here [s].")] = 0.0,
    end: Annotated[
        float, typer.Option("--until", min=0.0, help="End here [s].", show_default="the end")
    ] = math.inf,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Length of the video.", show_default="real time")
    ] = None,
    fps: Annotated[float, typer.Option(min=1.0, max=60.0, help="Frames a second.")] = 25.0,
    width: Annotated[int, typer.Option(min=160, max=3840, help="Of the video [px].")] = 960,
    in_3d: Annotated[bool, typer.Option("--3d", help="A flight over the map instead of a plan.")] = False,
    still: Annotated[bool, typer.Option("--still", help="With --3d, keep the camera where it is.")] = False,
    title: Annotated[str, typer.Option(help="Written on the video.", show_default="the file's name")] = "",
) -> None:
    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.fleet_2d import animate_fleet, picture_fleet
    from pilotfish.worlds.render.fleet_3d import film_fleet, photograph_fleet
    from pilotfish.worlds.render.recording import load_recording

    grid = load_map(world) if world else None
    whole = load_recording(recording, grid, radius=get_robot(robot).radius)
    if start >= min(end, whole.duration):
        raise ValueError(f"--from {start:g} leaves nothing of {min(end, whole.duration):.1f} s")
    trajectory = whole.between(start, end)
    output = output or recording.with_suffix(".mp4")
    picture = output.with_suffix(".png")
    title = title or recording.stem
    goals = int(trajectory.delivered[-1])
    typer.echo(f"{trajectory.n_robots} robots, {whole.duration:.1f} s, {goals} goals reached")
    if in_3d:
        size = (width // 2 * 2, width * 9 // 32 * 2)
        film_fleet(trajectory, output, title=title, seconds=seconds, fps=fps, size=size, still=still)
        photograph_fleet(trajectory, picture, title=title, size=size)
    else:
        animate_fleet(trajectory, output, title=title, seconds=seconds, fps=fps, width=width)
        picture_fleet(trajectory, picture, title=title, width=width)
    typer.echo(f"video:   {output}")
    typer.echo(f"picture: {picture}")

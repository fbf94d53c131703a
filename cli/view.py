"""``pilotfish view``: pictures and videos of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Turn an MCAP recording of a fleet into a video and a picture.

The recording needs robot_<i>/odom, and map unless --map names one; robot_<i>/goal_pose adds the goals.
A recording that was cut off is shown as far as it goes.

\b
pilotfish view outputs/demo/fleet.mcap
pilotfish view fleet.mcap -o fleet.gif --seconds 10
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
    in_3d: Annotated[bool, typer.Option("--3d", help="A flight over the map instead of a plan.")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Length of the video.", show_default="real time")
    ] = None,
    title: Annotated[str, typer.Option(help="Written on the video.", show_default="the file's name")] = "",
) -> None:
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.fleet_2d import animate_fleet, picture_fleet
    from pilotfish.worlds.render.fleet_3d import film_fleet
    from pilotfish.worlds.render.recording import load_recording

    trajectory = load_recording(recording, load_map(world) if world else None)
    output = output or recording.with_suffix(".mp4")
    title = title or recording.stem
    goals = int(trajectory.delivered[-1])
    typer.echo(f"{trajectory.n_robots} robots, {trajectory.duration:.1f} s, {goals} goals reached")
    make = film_fleet if in_3d else animate_fleet
    typer.echo(f"video:   {make(trajectory, output, title=title, seconds=seconds)}")
    typer.echo(f"picture: {picture_fleet(trajectory, output.with_suffix('.png'), title=title)}")

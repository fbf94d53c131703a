"""``pilotfish view``: pictures and videos of a recording."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Turn an MCAP recording of a fleet, of an exploring team or of an arm into a video and a picture.

A fleet's recording needs robot_<i>/odom, and map unless --map names one; robot_<i>/goal_pose adds the goals.
One with a true_map is of an exploring team: robot_<i>/map, waypoint and links add what robots believe, want
and hear. One with hand_pose is of an arm: things and joint_states add the scene; hand_twist, gripper, episode
and success add what was asked for and what came of it.
A recording that was cut off is shown as far as it goes.

\b
pilotfish view outputs/demo/recording
pilotfish view fleet.mcap -o fleet.gif --from 30 --until 50 --seconds 10
pilotfish view fleet.mcap --map warehouse --3d -o fleet_3d.mp4
pilotfish view team.mcap --seconds 20
pilotfish view outputs/arm/recording -o arm.gif --until 10 --fps 10 --width 800
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
        int | None, typer.Option(min=160, max=3840, help="Of the video [px].", show_default="960 or 1280")
    ] = None,
    in_3d: Annotated[bool, typer.Option("--3d", help="A flight over the map instead of a plan.")] = False,
    still: Annotated[bool, typer.Option("--still", help="With --3d, keep the camera where it is.")] = False,
    title: Annotated[
        str, typer.Option(help="Written on the video.", show_default="task and policy, or the file's name")
    ] = "",
) -> None:
    from pilotfish.worlds.render.arm_recording import holds_arm
    from pilotfish.worlds.render.exploration_recording import holds_exploration

    kind = "arm" if holds_arm(recording) else "team" if holds_exploration(recording) else "fleet"
    if in_3d and kind != "fleet":
        raise ValueError(f"--3d shows fleets; {recording} is of an {kind.replace('team', 'exploring team')}")
    if kind == "arm" and (world or robot):
        raise ValueError(f"{recording} is of an arm: leave out {'--map' if world else '--robot'}")
    whole = _load(kind, recording, world, robot)
    if start >= min(end, whole.duration):
        raise ValueError(f"--from {start:g} leaves nothing of {min(end, whole.duration):.1f} s")
    show = {"arm": _show_arm, "team": _show_exploration, "fleet": _show_fleet}[kind]
    if in_3d:
        show = _show_flight
    named = ", ".join(filter(None, (whole.task, whole.policy))) if kind == "arm" else ""
    options = {"title": title or named or recording.stem, "seconds": seconds, "fps": fps}
    if width:
        options["width"] = width
    if in_3d:
        options["still"] = still
    output = output or recording.with_suffix(".mp4")
    picture = output.with_suffix(".png")
    facts = show(whole.between(start, end), output, picture, options)
    who = "an arm" if kind == "arm" else f"{whole.n_robots} robots"
    typer.echo(f"{who}, {whole.duration:.1f} s, {facts}")
    typer.echo(f"video:   {output}")
    typer.echo(f"picture: {picture}")


def _load(kind: str, recording: Path, world: str, robot: str) -> Any:
    """The trajectory of a kind of recording, with the map and the robot's size that were named."""
    from pilotfish.hardware.robots import get_robot
    from pilotfish.worlds.maps.load import load_map
    from pilotfish.worlds.render.arm_recording import load_arm
    from pilotfish.worlds.render.exploration_recording import load_exploration
    from pilotfish.worlds.render.recording import load_recording

    if kind == "arm":
        return load_arm(recording)
    grid = load_map(world) if world else None
    radius = get_robot(robot or ("scout" if kind == "team" else "carrier")).radius
    return (load_exploration if kind == "team" else load_recording)(recording, grid, radius=radius)


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


def _show_arm(trajectory: Any, output: Path, picture: Path, options: dict[str, Any]) -> str:
    from pilotfish.worlds.render.arm_replay import animate_arm, picture_arm

    animate_arm(trajectory, output, **options)
    picture_arm(trajectory, picture, **_still(options))
    decided = trajectory.decided
    if not decided:
        return f"{len(trajectory.twists)} commands, no episode that came to an end"
    return f"{sum(bool(one.success) for one in decided)} of {len(decided)} episodes succeeded"


def _still(options: dict[str, Any]) -> dict[str, Any]:
    """What a picture takes of a video's options."""
    return {name: value for name, value in options.items() if name in ("title", "width")}

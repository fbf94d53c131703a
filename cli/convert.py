"""``pilotfish convert``: recordings into LeRobot datasets, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Turn a ROS 2 recording (MCAP or sqlite3) into a LeRobotDataset, or a dataset into an MCAP recording.

Which of the two is seen from SOURCE. The mapping is that of policy_node: a YAML file that says which fields
of which topics make up a policy's features and actions (launch/params/policy_arm.yaml shows one), or the name
of a preset in launch/params: policy_arm, policy_base, arm_push ...

A dataset's frames are samples at t0 + i/fps: of each source the newest message that is not later and not
older than --max-age; the action is the first command from there on. Time is a message's stamp; stamps out of
order are sorted. Where a source is too old, a gap ends the episode. Whatever was sorted, left out or missing
is told. Episodes are where policy_node's status was "running", if it was recorded.

\b
pilotfish convert arm.mcap data/arm --mapping policy_arm --fps 10 --task "put the bar on the platform"
pilotfish convert drive/ data/drive --mapping my_base.yaml --fps 20 --namespace robot_1 --max-age 0.2
pilotfish convert arm.mcap data/arm --mapping arm_push --fps 10 --episodes episode --json report.json
pilotfish convert data/arm replay.mcap --mapping policy_arm
"""


@app.command(help=HELP)
def convert(
    source: Annotated[Path, typer.Argument(help="A recording (file or folder), or a dataset's folder.")],
    target: Annotated[Path, typer.Argument(help="Where to: a folder that must not exist.")],
    mapping: Annotated[
        str, typer.Option(help="YAML file or preset: topics to features and back.", show_default=False)
    ],
    fps: Annotated[
        int | None, typer.Option(min=1, help="Frames a second of the dataset.", show_default=False)
    ] = None,
    task: Annotated[str, typer.Option(help="The task in words, where the recording does not tell it.")] = "",
    max_age: Annotated[
        float, typer.Option(min=0.001, help="How old a message may be used [s], if the mapping does not say.")
    ] = 0.5,
    namespace: Annotated[str, typer.Option(help="Of the mapping's topics in the recording.")] = "",
    episodes: Annotated[
        str, typer.Option(help="Topic that marks episodes: policy_node's status, or an Int64, one each.")
    ] = "policy/status",
    min_frames: Annotated[int, typer.Option(min=1, help="Shorter episodes are left out.")] = 2,
    clock: Annotated[str, typer.Option(help="Whose time: stamp, or log (when it was recorded).")] = "stamp",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report there.", show_default=False)
    ] = None,
) -> None:
    from pilotfish.ros_nodes.conversions.bags import bag_to_dataset, dataset_to_bag
    from pilotfish.ros_nodes.conversions.feature_files import load_feature_map

    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist: name a recording or a dataset's folder")
    if clock not in ("stamp", "log"):
        raise ValueError(f"--clock {clock}: write stamp or log")
    features = load_feature_map(mapping)
    if (source / "meta" / "info.json").is_file():
        if fps is not None:
            raise ValueError(f"--fps {fps} is of datasets that are made; {source} has its own")
        report = dataset_to_bag(source, target, features, namespace)
    else:
        if fps is None:
            raise ValueError("--fps is missing: how many frames a second shall the dataset have?")
        report = bag_to_dataset(
            source, target, features, fps, task, max_age, namespace, episodes, clock == "stamp", min_frames
        )
    for line in report.lines():
        typer.echo(line)
    typer.echo(f"written: {target}")
    if json_file is not None:
        facts = {"command": "convert", "source": str(source), "target": str(target)} | report.as_dict()
        from pilotfish.cli.report import write_json

        write_json(json_file, facts)

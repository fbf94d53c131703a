"""``pilotfish train SYSTEM``: train a policy; goes on from its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Train a system's policy under its curriculum (needs the install group [train]).

A run is a folder: its curriculum, the last checkpoint (every two minutes), TensorBoard curves. Kill it at any
time and go on with --resume. When the curriculum is done, the model folder is written: RUN/model.

\b
pilotfish train follower --out runs/mine
pilotfish train follower --config my_curriculum.yaml --out runs/mine --budget 30
pilotfish train follower --resume runs/mine
tensorboard --logdir runs/mine/tensorboard
pilotfish eval follower --maps warehouse --policy runs/mine/model,follower
"""


@app.command(help=HELP)
def train(
    system: Annotated[str, typer.Argument(help="follower")],
    config: Annotated[Path | None, typer.Option(help="Curriculum YAML; the system's own if none.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new run.", show_default="runs/SYSTEM")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a run to go on with.")] = None,
    budget: Annotated[
        float | None, typer.Option(help="Stop (and save) after so many minutes.", min=0.0)
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
) -> None:
    if system != "follower":
        raise ValueError(f"no training for {system!r}: choose follower")
    if resume is not None and (config is not None or out is not None):
        raise ValueError("--resume goes on with a run as it was: leave --config and --out away")
    import torch

    from pilotfish.policies.follower.curves import plot_curves
    from pilotfish.policies.follower.training import DEFAULT_CURRICULUM, export, train

    torch.set_num_threads(threads)
    folder = resume or out or Path("runs") / system
    done = train(config or DEFAULT_CURRICULUM, folder, resume is not None, budget)
    export(folder, folder / "model")
    plot_curves(folder, folder / "model" / "curves.png")
    typer.echo(f"{'finished' if done else 'stopped; go on with --resume ' + str(folder)}: {folder / 'model'}")

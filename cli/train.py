"""``pilotfish train SYSTEM``: train a policy; goes on from its checkpoints."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

TRAININGS = ("follower", "ir2")
"""Systems with ``policies/SYSTEM/training.py``."""

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Train a system's policy under its curriculum (needs the install group [train]): follower or ir2.

A run is a folder: its curriculum, the last checkpoint (every two minutes), TensorBoard curves. Kill it at any
time and go on with --resume. When the curriculum is done, the model folder is written: RUN/model.

\b
pilotfish train follower --out runs/mine
pilotfish train follower --config my_curriculum.yaml --out runs/mine --budget 30
pilotfish train follower --resume runs/mine
pilotfish train ir2 --out runs/ir2 --budget 120
tensorboard --logdir runs/mine/tensorboard
pilotfish eval follower --maps warehouse --policy runs/mine/model,follower
"""


@app.command(help=HELP)
def train(
    system: Annotated[str, typer.Argument(help=", ".join(TRAININGS))],
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
    if system not in TRAININGS:
        raise ValueError(f"no training for {system!r}: choose one of {', '.join(TRAININGS)}")
    if resume is not None and (config is not None or out is not None):
        raise ValueError("--resume goes on with a run as it was: leave --config and --out away")
    import torch

    from pilotfish.policies.curves import plot_curves

    training = import_module(f"pilotfish.policies.{system}.training")
    torch.set_num_threads(threads)
    folder = resume or out or Path("runs") / system
    done = training.train(config or training.DEFAULT_CURRICULUM, folder, resume is not None, budget)
    training.export(folder, folder / "model")
    plot_curves(folder, folder / "model" / "curves.png", *training.CURVES)
    typer.echo(f"{'finished' if done else 'stopped; go on with --resume ' + str(folder)}: {folder / 'model'}")

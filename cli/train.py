"""``pilotfish train SYSTEM``: train a policy; goes on from its checkpoints."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

CURRICULA = ("follower", "ir2")
"""Systems that are trained under a curriculum: ``policies/SYSTEM/training.py``."""
ARM = ("diffusion", "dsrl", "vgps")
"""Systems that are trained for a task of the arm: ``cli/train_arm.py``."""
SYSTEMS = (*CURRICULA, *ARM)

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Train a system's policy: follower or ir2 under a curriculum (install group [train]); diffusion, dsrl or
vgps for a task of the arm (group [manipulation]).

A run is a folder: its settings, the last checkpoint (every two minutes), curves. Kill it at any time and go
on with --resume. When it is done, the model folder is written: RUN/model.

\b
pilotfish train follower --out runs/mine
pilotfish train follower --config my_curriculum.yaml --out runs/mine --budget 30
pilotfish train follower --resume runs/mine
pilotfish train ir2 --out runs/ir2 --budget 120 --workers 2
\b
pilotfish worlds demonstrate push data/push                   demonstrations of mixed quality
pilotfish train diffusion --task push --data data/push        the base policy
pilotfish train dsrl --task push --seed 0                     steers it by noise aliasing
pilotfish train dsrl --task push --config policies/dsrl/curricula/sac.yaml --out runs/push_sac
pilotfish train vgps --task push --data data/push             a value that ranks its samples
pilotfish train vgps --task push,stack --data data/push,data/stack     one value for both
tensorboard --logdir runs
"""


@app.command(help=HELP)
def train(
    system: Annotated[str, typer.Argument(help=", ".join(SYSTEMS))],
    config: Annotated[
        Path | None, typer.Option(help="Curriculum or settings, YAML; the system's own if none.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the new run.", show_default="runs/SYSTEM, runs/SYSTEM_TASK_SEED"),
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a run to go on with.")] = None,
    budget: Annotated[
        float | None, typer.Option(help="Stop (and save) after so many minutes.", min=0.0)
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
    workers: Annotated[
        int, typer.Option(help="Of ir2: processes that the episodes are shared among.", min=1)
    ] = 1,
    task: Annotated[
        str,
        typer.Option(help="Of the arm: pick_place, push, stack or detour; of vgps several, comma between."),
    ] = "",
    data: Annotated[
        str, typer.Option(help="LeRobotDataset of demonstrations; of vgps also a dsrl run. One a task.")
    ] = "",
    base: Annotated[str, typer.Option(help="Folder of the base policy, if not the task's own.")] = "",
    seed: Annotated[
        int | None, typer.Option(help="Of the arm's trainings; a curriculum names its own.", show_default="0")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Environment steps of a dsrl run; more with --resume.", min=1, show_default="20000"
        ),
    ] = None,
) -> None:
    if system not in SYSTEMS:
        raise ValueError(f"no training for {system!r}: choose one of {', '.join(SYSTEMS)}")
    if resume is not None and (config is not None or out is not None):
        raise ValueError("--resume goes on with a run as it was: leave --config and --out away")
    own = {"--task": task, "--data": data, "--base": base, "--seed": seed, "--steps": steps}
    given = [name for name, value in own.items() if value not in (None, "")]
    if system in CURRICULA and given:
        raise ValueError(f"{', '.join(given)} is for {', '.join(ARM)}, not for {system}")
    if resume is not None and set(given) - {"--steps"}:
        raise ValueError(f"--resume goes on with a run as it was: leave {', '.join(given)} away")
    if steps is not None and system != "dsrl":
        raise ValueError(f"--steps is for dsrl; {system} has `steps` in its settings (--config)")
    if workers > 1 and system != "ir2":
        raise ValueError(f"--workers is for ir2; {system} is trained in one process")
    if config is not None and not config.is_file():
        curricula = Path(__file__).parents[1] / "policies" / system / "curricula"
        examples = " or ".join(map(str, sorted(curricula.glob("*.yaml"))))
        change = f"; to change them, copy {examples}" if examples else ""
        raise FileNotFoundError(
            f"--config {config}: no such file. Without --config, {system} has its own settings{change}"
        )
    import torch

    torch.set_num_threads(threads)
    name = f"{system}_{task.replace(',', '_')}_{seed or 0}" if task else system
    folder = resume or out or Path("runs") / name
    if system in ARM:
        from pilotfish.cli.train_arm import ArmRun, train_arm

        goes_on = resume is not None
        done = train_arm(ArmRun(system, folder, goes_on, budget, config, task, data, base, seed, steps))
    else:
        from pilotfish.policies.curves import plot_curves

        training = import_module(f"pilotfish.policies.{system}.training")
        shared = {"workers": workers} if system == "ir2" else {}
        config = config or training.DEFAULT_CURRICULUM
        done = training.train(config, folder, resume is not None, budget, **shared)
        training.export(folder, folder / "model")
        plot_curves(folder, folder / "model" / "curves.png", *training.CURVES)
    typer.echo(f"{'finished' if done else 'stopped; go on with --resume ' + str(folder)}: {folder / 'model'}")

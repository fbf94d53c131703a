"""``pilotfish bench dsrl``: what a chunk costs, sampled and learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(pretty_exceptions_enable=False)

HELP = """
Cost of a chunk of the arm in milliseconds of CPU time on one core.

sample: the diffusion policy denoises a batch, next to LeRobot's own sampling of the same model in the same
run; decision: what leads one arm, and its ratio to the base policy (guided ones draw 16 chunks);
chunk_sac, chunk_na: one chunk of training, with its environment steps, denoising and updates.

For comparison: a first attempt with LeRobot and SB3 as they are needed 50 (SAC) and 260 (noise aliasing).

\b
pilotfish bench dsrl
pilotfish bench dsrl --task stack --chunks 500 --json bench.json
pilotfish bench dsrl --task push --base diffusion/push_unet
"""


@app.command(help=HELP)
def dsrl(
    task: Annotated[str, typer.Option(help="Of the arm.")] = "push",
    base: Annotated[
        str, typer.Option(help="Diffusion policy (model name or folder), if not the task's own.")
    ] = "",
    chunks: Annotated[int, typer.Option(min=10, help="Of training, of each algorithm.")] = 300,
    json: Annotated[Path | None, typer.Option("--json", help="Write the rows here too.")] = None,
) -> None:
    import torch

    from pilotfish.cli.report import print_rows, write_report
    from pilotfish.policies.dsrl.benchmark import chunk_row, decision_rows, sample_rows
    from pilotfish.policies.dsrl.config import DSRLConfig
    from pilotfish.policies.dsrl.training import CURRICULA
    from pilotfish.worlds.registry import task_class

    task_class(task)
    torch.set_num_threads(1)
    rows = sample_rows(task, base or f"diffusion/{task}")
    print_rows(rows)
    decisions = decision_rows(task, base)
    print_rows(decisions)
    learning = [
        chunk_row(task, DSRLConfig.load(CURRICULA / f"{name}.yaml"), chunks, base) for name in ("sac", "na")
    ]
    print_rows(learning)
    if json is not None:
        write_report(json, rows + decisions + learning)

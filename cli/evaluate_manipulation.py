"""``pilotfish eval dsrl`` and ``pilotfish eval vgps``: arm policies on the tasks of the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pilotfish.cli.options import parse_seeds

HELP = """
Success of arm policies on the same starts, with 95 % intervals.

Policies: base (the diffusion policy as it is), w0 and wbest (its noise held at zero, and at the best constant
of a search), dsrl_sac and dsrl (steered), random_k and vgps (16 samples, one chosen at random or by value),
dsrl+vgps; vgps@K@TEMPERATURE draws another number of samples, and chooses by softmax. NAME=FOLDER evaluates
another model of that kind, and {seed} in FOLDER is one training run each.
Seeds are those of a policy's own draws, or of its training. The starts are fixed; no shipped actor, critic or
base policy was trained or chosen on them (worlds/manipulation/seeds.py). Intervals: bootstrap over seeds and
starts (10,000 resamples); `difference` is to the first policy of the list.

\b
pilotfish eval dsrl --task push
pilotfish eval dsrl --task push,stack --policy base,w0,wbest,dsrl_sac,dsrl --seeds 0-4 --json dsrl.json
pilotfish eval dsrl --task push --policy base,dsrl=runs/push_{seed}/model --seeds 0-4
pilotfish eval vgps --task push --policy base,random_k,vgps --episodes 200 --json vgps.json
pilotfish eval vgps --task push --base diffusion/push_unet --policy base,random_k,vgps
pilotfish eval dsrl --task push --policy base,dsrl --film push.mp4
"""

DEFAULTS = {
    "dsrl": "base,w0,wbest,dsrl_sac,dsrl",
    "vgps": "base,random_k,vgps,dsrl+vgps",
}


def make_app(system: str) -> typer.Typer:
    """The command of a system: they differ in the policies that are evaluated where none are named."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command(name=system, help=HELP)
    def evaluate(
        task: Annotated[str, typer.Option(help="pick_place, push, stack, detour or all; comma between.")],
        policy: Annotated[str, typer.Option(help="See above; comma between.")] = DEFAULTS[system],
        episodes: Annotated[int, typer.Option(min=1, help="Starts of each seed.")] = 200,
        seeds: Annotated[str, typer.Option(help="Such as 0-4.")] = "0",
        json: Annotated[Path | None, typer.Option("--json", help="Write rows and outcomes here.")] = None,
        base: Annotated[
            str, typer.Option(help="Diffusion policy (model name or folder), if not the task's own.")
        ] = "",
        film: Annotated[
            Path | None, typer.Option(help="Video (.mp4, .gif) of the policies side by side.")
        ] = None,
        film_episodes: Annotated[int, typer.Option(min=1, help="Episodes in it.")] = 4,
    ) -> None:
        _run(task, policy, base, episodes, parse_seeds(seeds), json, film, film_episodes)

    return app


def _run(
    task: str,
    policy: str,
    base: str,
    episodes: int,
    seeds: list[int],
    json: Path | None,
    film: Path | None,
    film_episodes: int,
) -> None:
    from pilotfish.policies.registry import make_chunk_policy
    from pilotfish.worlds.manipulation.seeds import evaluation_starts
    from pilotfish.worlds.registry import MANIPULATION_TASKS, task_class

    tasks = list(MANIPULATION_TASKS) if task == "all" else [name.strip() for name in task.split(",")]
    for name in tasks:
        task_class(name)
    policies = [name.strip() for name in policy.split(",")]
    if film is not None and film.suffix not in (".mp4", ".gif"):
        raise ValueError(f"--film {film}: the name of a video ends with .mp4 or .gif")
    starts = evaluation_starts(episodes)
    # A name that is not there should not cost the episodes before it.
    made = {
        (task_name, name): [
            make_chunk_policy(name.replace("{seed}", str(seed)), task_name, base) for seed in seeds
        ]
        for task_name in tasks
        for name in policies
    }
    rows, outcomes = _measure(made, tasks, policies, starts, seeds)
    from pilotfish.cli.report import print_rows, write_report

    columns = ["task", "policy", "n", "success_rate", "difference", "worst_seed", "steps", "ms_per_chunk"]
    print_rows(rows, columns)
    if json is not None:
        write_report(json, rows, seeds, outcomes=outcomes, first_start=starts.start)
    if film is not None:
        from pilotfish.worlds.render.arm_film import film_side_by_side

        shown = {name: made[tasks[0], name][0] for name in policies}
        film_side_by_side(tasks[0], shown, evaluation_starts(film_episodes), film)
        typer.echo(film)


def _measure(
    made: dict[tuple[str, str], list], tasks: list[str], policies: list[str], starts: range, seeds: list[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the table, and the success of every episode."""
    import time
    from functools import partial

    import numpy as np
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pilotfish.policies.manipulation.comparison import paired_row, success_row
    from pilotfish.policies.manipulation.evaluation import Evaluator
    from pilotfish.worlds.registry import make_task

    rows, outcomes = [], []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("episodes", total=len(made) * len(seeds) * len(starts))
        for task_name in tasks:
            evaluator = Evaluator(partial(make_task, task_name))
            first = None
            for name in policies:
                progress.update(bar, description=f"{task_name} {name}")
                ran = [
                    evaluator(made[task_name, name][k], starts, seed, lambda: progress.advance(bar))
                    for k, seed in enumerate(seeds)
                ]
                success = np.stack([one.success for one in ran])
                steps = np.stack([one.steps for one in ran])
                first = success if first is None else first
                row = {"task": task_name, "policy": name, **success_row(success, steps)}
                row |= paired_row(success, first)
                row["ms_per_chunk"] = _chunk_cost(made[task_name, name][0], make_task(task_name), time)
                rows.append(row)
                outcomes.append({"task": task_name, "policy": name, "success": success.astype(int)})
    return rows, outcomes


def _chunk_cost(policy, task, time) -> float:
    """CPU time of one decision for one robot [ms], the median of 30."""
    import numpy as np

    from pilotfish.worlds.manipulation.seeds import TUNING

    seen, _ = task.reset(seed=TUNING.start)
    alone = {name: value[None] for name, value in seen.items()}
    policy.reset(0)
    costs = []
    for _ in range(30):
        began = time.process_time()
        policy.act(alone)
        costs.append(1000 * (time.process_time() - began))
    task.close()
    return float(np.median(costs))


dsrl = make_app("dsrl")
vgps = make_app("vgps")

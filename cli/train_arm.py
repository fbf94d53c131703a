"""Trainings for a task of the arm: the base policy, the steering of its noise, the value of its chunks."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class ArmRun:
    """What was asked for on the command line; what KEPT names is kept for resuming."""

    system: str
    out: Path
    resume: bool
    budget: float | None
    config: Path | None
    task: str
    data: str
    base: str
    seed: int | None
    steps: int | None


STEPS = 20_000
"""Environment steps of a dsrl run."""
KEPT = ("system", "task", "data", "base", "seed", "steps")


def train_arm(run: ArmRun) -> bool:
    """Train, or go on.

    Returns: whether the run is done; ``out/model`` is written either way.

    Raises:
        ValueError: something that the training needs was not said, or said wrongly.
        FileNotFoundError: there is nothing to go on with, or no such dataset or model.
    """
    note = run.out / "arm.json"
    if run.resume:
        return _TRAININGS[run.system](_asked_before(run, note))
    _check(run)
    if note.exists() and not _nothing_began(run.out):
        raise ValueError(f"{run.out} holds a run already: give another --out, or --resume {run.out}")
    run.out.mkdir(parents=True, exist_ok=True)
    run = replace(run, data=",".join(str(path.resolve()) for path in _paths(run.data)))
    words = {name: getattr(run, name) for name in KEPT}
    note.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    try:
        return _TRAININGS[run.system](run)
    except BaseException:
        if _nothing_began(run.out):
            note.unlink()  # the folder is free again
        raise


def _nothing_began(out: Path) -> bool:
    return all(path.name == "arm.json" for path in out.iterdir())


def _asked_before(run: ArmRun, note: Path) -> ArmRun:
    if not note.is_file():
        raise FileNotFoundError(f"{run.out} holds no run to go on with (no arm.json)")
    said = json.loads(note.read_text(encoding="utf-8"))
    if said["system"] != run.system:
        raise ValueError(f"{run.out} is a run of {said['system']}, not of {run.system}")
    if run.steps is not None:
        said["steps"] = run.steps
        note.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return replace(run, **said)


def _paths(data: str) -> list[Path]:
    return [Path(part.strip()) for part in data.split(",") if part.strip()]


def _check(run: ArmRun) -> None:
    from pilotfish.worlds.registry import MANIPULATION_TASKS

    tasks = run.task.split(",")
    if not run.task:
        raise ValueError(f"--task is missing: choose one of {', '.join(MANIPULATION_TASKS)}")
    if unknown := [task for task in tasks if task not in MANIPULATION_TASKS]:
        raise ValueError(f"--task {unknown[0]!r}: choose one of {', '.join(MANIPULATION_TASKS)}")
    if len(tasks) > 1 and run.system != "vgps":
        raise ValueError(f"--task {run.task}: only a value (vgps) is learned for several tasks at once")
    if run.base and run.system == "diffusion":
        raise ValueError(f"--base {run.base}: diffusion trains the base policy itself")
    if run.data and len(_paths(run.data)) != len(tasks):
        raise ValueError(
            f"--data {run.data}: name one folder for each task of --task {run.task}, in that order"
        )
    if run.system != "dsrl" and not run.data:
        place = f"data/{run.task}"
        raise ValueError(
            f"{run.system} learns from demonstrations: make some with "
            f"`pilotfish worlds demonstrate {run.task} {place}` and give --data {place}"
        )


def _diffusion(run: ArmRun) -> bool:
    from pilotfish.policies.diffusion.config import DiffusionSettings
    from pilotfish.policies.diffusion.training import train

    settings = DiffusionSettings.load(run.config) if run.config else DiffusionSettings()
    return train(run.out, None if run.resume else settings, Path(run.data), run.seed or 0, run.budget)


def _dsrl(run: ArmRun) -> bool:
    from pilotfish.policies.dsrl import training
    from pilotfish.policies.dsrl.config import DSRLConfig
    from pilotfish.policies.dsrl.curves import plot_steering
    from pilotfish.policies.dsrl.demonstrations import transitions_of
    from pilotfish.policies.manipulation.compose import base_policy
    from pilotfish.worlds.registry import make_task

    settings = DSRLConfig.load(run.config or training.DEFAULT_CURRICULUM)
    policy = base_policy(run.task, run.base)
    prefill = None
    if run.data and not (run.out / training.CHECKPOINT).exists():
        prefill = transitions_of(Path(run.data), policy.chunk_shape[0], settings.gamma)
    done = training.train(
        lambda: make_task(run.task),
        policy,
        settings,
        run.out,
        run.seed or 0,
        run.steps or STEPS,
        run.resume,
        run.budget,
        prefill,
    )
    training.export(run.out, run.out / "model")
    with contextlib.suppress(FileNotFoundError):  # stopped before the first episode was over
        plot_steering({run.task: [run.out]}, run.out / "model" / "curves.png")
    return done


def _vgps(run: ArmRun) -> bool:
    from pilotfish.policies.manipulation.compose import base_policy, layout_of
    from pilotfish.policies.vgps import training
    from pilotfish.policies.vgps.config import VGPSConfig
    from pilotfish.worlds.registry import task_class

    settings = VGPSConfig.load(run.config or training.DEFAULT_CURRICULUM)
    if run.seed is not None:
        settings = replace(settings, seed=run.seed)
    sources = [
        training.Source(data, base_policy(task, run.base), layout_of(task), task_class(task).SENTENCE)
        for task, data in zip(run.task.split(","), _paths(run.data), strict=True)
    ]
    return training.train(run.out, sources, settings, run.resume, run.budget)


_TRAININGS = {"diffusion": _diffusion, "dsrl": _dsrl, "vgps": _vgps}

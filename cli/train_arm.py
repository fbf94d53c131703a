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
    seed: int
    steps: int


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
    if note.exists():
        raise ValueError(f"{run.out} holds a run already: give another --out, or --resume {run.out}")
    run.out.mkdir(parents=True, exist_ok=True)
    run = replace(run, data=",".join(str(path.resolve()) for path in _paths(run.data)))
    words = {name: getattr(run, name) for name in KEPT}
    note.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    try:
        return _TRAININGS[run.system](run)
    except Exception:
        if not any(path != note for path in run.out.iterdir()):
            note.unlink()  # nothing began: the folder is free again
        raise


def _asked_before(run: ArmRun, note: Path) -> ArmRun:
    if not note.is_file():
        raise FileNotFoundError(f"{run.out} holds no run to go on with (no arm.json)")
    said = json.loads(note.read_text(encoding="utf-8"))
    if said["system"] != run.system:
        raise ValueError(f"{run.out} is a run of {said['system']}, not of {run.system}")
    return replace(run, **said)


def _paths(data: str) -> list[Path]:
    return [Path(part.strip()) for part in data.split(",") if part.strip()]


def _check(run: ArmRun) -> None:
    from pilotfish.worlds.registry import MANIPULATION_TASKS

    tasks = run.task.split(",")
    if unknown := [task for task in tasks if task not in MANIPULATION_TASKS]:
        raise ValueError(f"--task {unknown[0]!r}: choose one of {', '.join(MANIPULATION_TASKS)}")
    if len(tasks) > 1 and run.system != "vgps":
        raise ValueError(f"--task {run.task}: only a value (vgps) is learned for several tasks at once")
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
    return train(run.out, None if run.resume else settings, Path(run.data), run.seed, run.budget)


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
    if run.data and not run.resume:
        prefill = transitions_of(Path(run.data), policy.chunk_shape[0], settings.gamma)
    done = training.train(
        lambda: make_task(run.task),
        policy,
        settings,
        run.out,
        run.seed,
        run.steps,
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
    settings = replace(settings, seed=run.seed)
    sources = [
        training.Source(data, base_policy(task, run.base), layout_of(task), task_class(task).SENTENCE)
        for task, data in zip(run.task.split(","), _paths(run.data), strict=True)
    ]
    return training.train(run.out, sources, settings, run.resume, run.budget)


_TRAININGS = {"diffusion": _diffusion, "dsrl": _dsrl, "vgps": _vgps}

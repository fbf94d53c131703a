"""Trainings for a task of the arm: the base policy, the steering of its noise, the value of its chunks."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any


def train_arm(
    system: str,
    out: Path,
    resume: bool,
    budget: float | None,
    config: Path | None,
    task: str,
    data: Path | None,
    base: str,
    seed: int,
    steps: int,
) -> bool:
    """Train, or go on; arguments as of ``pilotfish train``.

    Returns: whether the run is done; ``out/model`` is written either way.

    Raises:
        ValueError: something that the training needs was not said, or said wrongly.
        FileNotFoundError: there is nothing to go on with, or no such dataset or model.
    """
    note = out / "arm.json"
    if resume:
        if not note.is_file():
            raise FileNotFoundError(f"{out} holds no run to go on with (no arm.json)")
        said = json.loads(note.read_text(encoding="utf-8"))
        if said["system"] != system:
            raise ValueError(f"{out} is a run of {said['system']}, not of {system}")
        task, base, seed, steps = (said[key] for key in ("task", "base", "seed", "steps"))
        data = Path(said["data"]) if said["data"] else None
    else:
        _check(system, task, data)
        if note.exists():
            raise ValueError(f"{out} holds a run already: give another --out, or --resume {out}")
        out.mkdir(parents=True, exist_ok=True)
        place = str(Path(data).resolve()) if data else ""
        words = {"system": system, "task": task, "base": base, "seed": seed, "steps": steps, "data": place}
        note.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    run: dict[str, Any] = dict(out=out, resume=resume, budget=budget, config=config, task=task)
    try:
        return _TRAININGS[system](**run, data=data, base=base, seed=seed, steps=steps)
    except Exception:
        if not resume and not any(path != note for path in out.iterdir()):
            note.unlink()  # nothing began: the folder is free again
        raise


def _check(system: str, task: str, data: Path | None) -> None:
    from pilotfish.worlds.registry import MANIPULATION_TASKS

    if task not in MANIPULATION_TASKS:
        raise ValueError(f"--task {task!r}: choose one of {', '.join(MANIPULATION_TASKS)}")
    if system != "dsrl" and data is None:
        raise ValueError(
            f"{system} learns from demonstrations: make some with `pilotfish worlds demonstrate {task} "
            f"data/{task}` and give --data data/{task}"
        )


def _diffusion(
    out: Path,
    resume: bool,
    budget: float | None,
    config: Path | None,
    task: str,
    data: Path | None,
    base: str,
    seed: int,
    steps: int,
) -> bool:
    from pilotfish.policies.diffusion.config import DiffusionSettings
    from pilotfish.policies.diffusion.training import train

    settings = DiffusionSettings.load(config) if config else DiffusionSettings()
    return train(out, None if resume else settings, data, seed, budget)


def _dsrl(
    out: Path,
    resume: bool,
    budget: float | None,
    config: Path | None,
    task: str,
    data: Path | None,
    base: str,
    seed: int,
    steps: int,
) -> bool:
    from pilotfish.policies.dsrl import training
    from pilotfish.policies.dsrl.config import DSRLConfig
    from pilotfish.policies.dsrl.curves import plot_steering
    from pilotfish.policies.dsrl.demonstrations import transitions_of
    from pilotfish.policies.manipulation.compose import base_policy
    from pilotfish.worlds.registry import make_task

    settings = DSRLConfig.load(config or training.DEFAULT_CURRICULUM)
    policy = base_policy(task, base)
    prefill = transitions_of(data, policy.chunk_shape[0], settings.gamma) if data and not resume else None
    done = training.train(
        lambda: make_task(task), policy, settings, out, seed, steps, resume, budget, prefill
    )
    training.export(out, out / "model")
    with contextlib.suppress(FileNotFoundError):  # stopped before the first episode was over
        plot_steering({task: [out]}, out / "model" / "curves.png")
    return done


def _vgps(
    out: Path,
    resume: bool,
    budget: float | None,
    config: Path | None,
    task: str,
    data: Path | None,
    base: str,
    seed: int,
    steps: int,
) -> bool:
    import dataclasses

    from pilotfish.policies.manipulation.compose import base_policy, layout_of
    from pilotfish.policies.vgps import training
    from pilotfish.policies.vgps.config import VGPSConfig

    assert data is not None
    settings = VGPSConfig.load(config or training.DEFAULT_CURRICULUM)
    settings = dataclasses.replace(settings, seed=seed)
    return training.train(out, data, base_policy(task, base), layout_of(task), settings, resume, budget)


_TRAININGS = {"diffusion": _diffusion, "dsrl": _dsrl, "vgps": _vgps}

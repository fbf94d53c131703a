"""Demonstrations of mixed strategies, collected from the scripted expert into a LeRobotDataset (v3)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.worlds.manipulation.arm import CONTROL_RATE
from pilotfish.worlds.manipulation.expert import Expert
from pilotfish.worlds.manipulation.seeds import DEMONSTRATIONS, check_demonstrations
from pilotfish.worlds.manipulation.task import (
    ENVIRONMENT_STATE,
    IMAGE,
    IMAGE_SIZE,
    STATE,
    STATE_NAMES,
    ArmTask,
)

SHAKES = (0.03, 0.12)
"""Between which an episode's shake of the hand is drawn: demonstrators are not equally steady."""


@dataclass(frozen=True)
class Collected:
    """What a collection came to: successes of each strategy, bool arrays."""

    outcomes: dict[str, NDArray[np.bool_]]

    @property
    def success(self) -> float:
        """Share of all episodes that succeeded."""
        return float(np.concatenate(list(self.outcomes.values())).mean())


def features_of(task: ArmTask) -> dict[str, dict]:
    """LeRobot's description of a task's frames."""

    def vector(names: tuple[str, ...], dtype: str = "float32") -> dict:
        return {"dtype": dtype, "shape": (len(names),), "names": list(names)}

    features = {
        STATE: vector(STATE_NAMES),
        ENVIRONMENT_STATE: vector(task.ENVIRONMENT_NAMES),
        "action": vector(task.ACTIONS),
        "next.reward": vector(("reward",)),
        **{f"next.{flag}": vector((flag,), "bool") for flag in ("done", "success", "truncated")},
        "strategy": vector(("index",), "int64"),
    }
    if task.images:
        features[IMAGE] = {
            "dtype": "image",
            "shape": (*IMAGE_SIZE, 3),
            "names": ["height", "width", "channel"],
        }
    return features


def collect(
    task: ArmTask,
    root: str | Path,
    episodes: int = 400,
    seed: int = DEMONSTRATIONS,
    on_episode: Callable[[], None] = lambda: None,
) -> Collected:
    """Demonstrate a task; the strategy of each episode is drawn without a look at whether it works.

    Args:
        root: folder of the dataset; written whole or not at all.
        seed: episode i starts from seed + i.

    Raises:
        ValueError: there is something at ``root`` already, no episode is asked for, or seeds that are kept
            for other things.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    datasets.disable_progress_bars()  # it shows one an episode
    root = Path(root)
    if root.exists():
        raise ValueError(f"{root} exists already: name another folder, or remove it")
    if episodes < 1:
        raise ValueError(f"{episodes} episodes: ask for at least one")
    check_demonstrations(seed, episodes)
    part = root.with_name(f".{root.name}.part-{os.getpid()}")
    root.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    outcomes: dict[str, list[bool]] = {strategy: [] for strategy in task.STRATEGIES}
    try:
        dataset = LeRobotDataset.create(
            f"pilotfish/{task.NAME}", int(CONTROL_RATE), features_of(task), root=part, use_videos=False
        )
        try:
            for episode in range(episodes):
                random = np.random.default_rng([seed + episode, 1])
                choice = int(random.integers(len(task.STRATEGIES)))
                shake = float(random.uniform(*SHAKES))
                success = _demonstrate(task, dataset, choice, shake, seed + episode)
                outcomes[task.STRATEGIES[choice]].append(success)
                on_episode()
        finally:
            dataset.finalize()  # also where nothing is kept: it writes when it is collected as garbage
        os.replace(part, root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Collected({name: np.array(values, bool) for name, values in outcomes.items()})


def _demonstrate(task: ArmTask, dataset, choice: int, shake: float, seed: int) -> bool:
    seen, _ = task.reset(seed=seed)
    expert = Expert(task, task.STRATEGIES[choice], shake, seed)
    over = success = False
    while not over:
        action = expert.act()
        following, reward, success, truncated, _ = task.step(action)
        over = success or truncated
        dataset.add_frame(
            {
                **seen,
                "action": action,
                "next.reward": np.array([reward], np.float32),
                "next.done": np.array([success]),
                "next.success": np.array([success]),
                "next.truncated": np.array([truncated]),
                "strategy": np.array([choice]),
                "task": task.SENTENCE,
            }
        )
        seen = following
    dataset.save_episode()
    return success

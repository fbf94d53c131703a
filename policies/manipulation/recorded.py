"""The columns of a LeRobotDataset, loaded once: ``__getitem__`` costs 16 ms a frame."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.manipulation.chunks import flatten


@dataclass(frozen=True)
class Recorded:
    """Frames of a dataset, in order.

    Attributes:
        columns: feature -> float32, bool or int64 [N, D].
        episode: int64 [N], which episode a frame belongs to, from 0.
        tasks: the sentence of each task index.
        task: int64 [N], index into ``tasks``.
        statistics: LeRobot's, feature -> name -> array.
    """

    columns: dict[str, NDArray[Any]]
    episode: NDArray[np.int64]
    tasks: list[str]
    task: NDArray[np.int64]
    statistics: dict[str, dict[str, NDArray[Any]]]

    @property
    def last(self) -> NDArray[np.int64]:
        """Index of the last frame of each frame's episode, int64 [N]."""
        ends = np.flatnonzero(np.r_[np.diff(self.episode) != 0, True])
        return ends[np.searchsorted(ends, np.arange(len(self.episode)))]

    @property
    def states(self) -> NDArray[np.float32]:
        """All observations side by side by name, float32 [N, S], raw."""
        return flatten({name: v for name, v in self.columns.items() if name.startswith("observation.")})

    def require(self, *names: str) -> None:
        """Raises ValueError where the dataset lacks a feature."""
        if missing := [name for name in names if name not in self.columns]:
            raise ValueError(
                f"the dataset has no {', '.join(missing)}, only {', '.join(sorted(self.columns))}: "
                "`pilotfish worlds demonstrate` writes what trainings need"
            )

    def windows(self, length: int) -> NDArray[np.int64]:
        """Frames of the window that begins at each, an episode's last one repeated: int64 [N, length]."""
        first = np.arange(len(self.episode))[:, None]
        return np.minimum(first + np.arange(length), self.last[:, None])


def load_recorded(root: str | Path) -> Recorded:
    """Read a local LeRobotDataset without images.

    Raises:
        FileNotFoundError: there is no dataset at ``root``.
        ValueError: it holds numbers that are not finite.
    """
    root = Path(root)
    if not (root / "meta" / "info.json").is_file():
        raise FileNotFoundError(
            f"no LeRobotDataset at {root} (no meta/info.json): `pilotfish worlds demonstrate` makes one"
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = LeRobotDataset(f"local/{root.name}", root=root)
    frames = dataset.hf_dataset.with_format("numpy")
    columns: dict[str, NDArray[Any]] = {}
    for name, feature in dataset.meta.features.items():
        if feature["dtype"] in ("image", "video"):
            continue
        values = np.asarray(frames[name][:] if hasattr(frames[name], "__getitem__") else frames[name])
        columns[name] = values.reshape(len(values), -1)
    for name, values in columns.items():
        if values.dtype.kind == "f" and not (finite := np.isfinite(values).all(axis=1)).all():
            raise ValueError(f"{root}: frame {int(finite.argmin())} of {name} is not finite")
    return Recorded(
        columns,
        columns.pop("episode_index")[:, 0].astype(np.int64),
        list(dataset.meta.tasks.index),
        columns.pop("task_index")[:, 0].astype(np.int64),
        {
            name: {key: np.asarray(v) for key, v in values.items()}
            for name, values in dataset.meta.stats.items()
        },
    )

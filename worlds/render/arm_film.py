"""Films of the arm's tasks: several policies side by side, from the same starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.worlds.manipulation.arm import CONTROL_RATE
from pilotfish.worlds.manipulation.task import ArmTask
from pilotfish.worlds.registry import make_task
from pilotfish.worlds.render.look import draw_bar
from pilotfish.worlds.render.video import write_video

PAUSE = 5
"""Frames that the end of an episode is shown for."""


def film_side_by_side(
    task: str, policies: Mapping[str, ChunkPolicy], starts: Sequence[int], path: Path
) -> Path:
    """One column a policy, one episode after the other; a policy that is done waits for the others.

    Args:
        policies: name -> policy.
        starts: seeds of the episodes.
        path: .mp4 or .gif.
    """
    tasks = {name: make_task(task) for name in policies}
    try:
        return write_video(_frames(tasks, policies, starts), path, CONTROL_RATE)
    finally:
        for one in tasks.values():
            one.close()


def _frames(
    tasks: Mapping[str, ArmTask], policies: Mapping[str, ChunkPolicy], starts: Sequence[int]
) -> Iterator[NDArray[np.uint8]]:
    done = dict.fromkeys(policies, 0)
    for policy in policies.values():
        policy.reset(0)
    for number, start in enumerate(starts, 1):
        columns = {name: list(_episode(tasks[name], policies[name], start)) for name in policies}
        succeeded = {name: columns[name].pop() for name in policies}
        for moment in range(max(len(frames) for frames in columns.values()) + PAUSE):
            row = []
            for name, frames in columns.items():
                over = moment >= len(frames) - 1
                facts = f"{done[name] + (over and succeeded[name])}/{number}"
                row.append(_titled(frames[min(moment, len(frames) - 1)], name, facts))
            yield np.concatenate(row, axis=1)
        for name in policies:
            done[name] += succeeded[name]


def _episode(task: ArmTask, policy: ChunkPolicy, start: int) -> Iterator:
    """Pictures of an episode, and at last whether it succeeded."""
    seen, _ = task.reset(seed=start)
    yield task.render()
    while True:
        for action in policy.act({name: value[None] for name, value in seen.items()})[0]:
            seen, _, terminated, truncated, _ = task.step(action)
            yield task.render()
            if terminated or truncated:
                yield terminated
                return


def _titled(picture: NDArray[np.uint8], title: str, facts: str) -> NDArray[np.uint8]:
    image = Image.fromarray(picture)
    draw_bar(image, title, facts)
    return np.asarray(image)

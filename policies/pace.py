"""The pace of a training that can be stopped at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rich.progress import track

CHECKPOINT_SECONDS = 60.0


def deadline_after(minutes: float | None) -> float:
    """That much later on the monotonic clock [s]; never for None."""
    return float("inf") if minutes is None else time.monotonic() + 60 * minutes


def paced(
    steps: range,
    description: str,
    deadline: float,
    save: Callable[[], None],
) -> Iterator[int]:
    """The steps of a training under a progress bar, until ``deadline`` [s, monotonic clock].

    ``save`` is called every CHECKPOINT_SECONDS, between two steps.
    """
    saved = time.monotonic()
    for step in track(steps, description=description):
        yield step
        now = time.monotonic()
        if now >= deadline:
            return
        if now - saved > CHECKPOINT_SECONDS:
            save()
            saved = now

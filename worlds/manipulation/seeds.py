"""Which seeds of episodes are for what, so that nothing is trained or chosen on what is reported.

Demonstrations lie below EVALUATION, by default from DEMONSTRATIONS on.
"""

from __future__ import annotations

DEMONSTRATIONS = 100_000
EVALUATION = range(400_000, 2**19)
"""Starts of reported figures."""
TUNING = range(2**19, 2**20)
"""Starts that settings, constants and searches are chosen on."""
TRAINING = 2**20
"""Training draws its episodes from here on."""


def check_demonstrations(first: int, count: int) -> None:
    """Raises ValueError where demonstrations would show starts that are kept for tuning or evaluation."""
    if first < TRAINING and first + count > EVALUATION.start:
        raise ValueError(
            f"seeds {first} to {first + count - 1}: those from {EVALUATION.start} to {TRAINING - 1} are "
            f"kept for evaluation and tuning; begin at {DEMONSTRATIONS}, or at {TRAINING} or above"
        )


def evaluation_starts(count: int) -> range:
    """The first of the reported starts. Raises ValueError for more than there are."""
    if count > len(EVALUATION):
        raise ValueError(f"{count} episodes: there are {len(EVALUATION)} starts that nothing was tuned on")
    return EVALUATION[:count]

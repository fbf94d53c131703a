"""The radio between explorers: path loss over a straight line through walls, and multi-hop components.

The model is IR2's (IROS 2024): a budget of -20 dBm sent and -70 dBm needed; see ``path_loss``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

SENT, NEEDED = -20.0, -70.0
"""Power at the sender and at the limit of reception [dBm]."""


@dataclass(frozen=True)
class Radio:
    """What an episode's radio is like.

    Attributes:
        shadowing: X_g, loss over distance in the open [dB]; range in sight 312/148/70 px at 0/6.5/13.
        wall_loss: K, loss of an obstacle [dB].
        perfect: every robot hears every other, always: the optimistic bound.
    """

    shadowing: float = 6.5
    wall_loss: float = 6.5
    perfect: bool = False

    @property
    def range_in_sight(self) -> float:
        """How far robots that see each other are linked [px]."""
        return float(np.inf) if self.perfect else 35.0 * 10 ** ((SENT - NEEDED - 31.0 - self.shadowing) / 20)


REGIMES = ("open", "mid", "closed", "random", "full")


def draw_radio(regime: str, rng: np.random.Generator) -> Radio:
    """The radio of an episode.

    Args:
        regime: "open", "mid", "closed" (X_g and K of 0, 6.5, 13 dB), "random" (both uniform in 0..13), or
            "full" (perfect).

    Raises:
        ValueError: another word.
    """
    drawn = rng.uniform(0.0, 13.0, 2)  # always, so that other draws of a seed do not depend on the regime
    if regime == "random":
        return Radio(float(drawn[0]), float(drawn[1]))
    fixed = {
        "open": Radio(0.0, 0.0),
        "mid": Radio(),
        "closed": Radio(13.0, 13.0),
        "full": Radio(perfect=True),
    }
    if regime not in fixed:
        raise ValueError(f"radio {regime!r}: choose one of {', '.join(REGIMES)}")
    return fixed[regime]


def path_loss(free: float, obstructed: float, radio: Radio) -> float:
    """Loss [dB] over metres in free space and in obstacles (IR2, section III)."""
    return float(_loss(free, obstructed, radio.shadowing, radio.wall_loss))


def signal_strength(
    walls: NDArray[np.bool_], positions: NDArray, radio: Radio, metres: float = 1.0
) -> NDArray[np.float64]:
    """Received power between robots [dBm], float64 [N, N]; the diagonal is what is sent.

    Args:
        walls: bool [H, W].
        positions: [N, 2] (row, col) [px].
        metres: how long a pixel is for the radio [m].
    """
    if radio.perfect:
        return np.full((len(positions), len(positions)), SENT)
    pixels = np.rint(positions).astype(np.int64)
    return _strength(walls, pixels, radio.shadowing, radio.wall_loss, float(metres))


def components(linked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Component of each robot [N] under multi-hop links bool [N, N]: the lowest index in it."""
    return _components(linked)


@njit(cache=True)
def _loss(free, obstructed, shadowing, wall_loss):
    loss = 31.0
    if obstructed > 0:
        loss += max(40.0 * np.log10(obstructed) + wall_loss, 0.0)  # a wall never helps
    if free >= 35.0:
        loss += 20.0 * np.log10(free / 35.0) + shadowing
    return loss


@njit(cache=True)
def _strength(walls, pixels, shadowing, wall_loss, metres):
    count = len(pixels)
    power = np.full((count, count), SENT)
    for a in range(count):
        for b in range(a + 1, count):
            d_row, d_col = pixels[b, 0] - pixels[a, 0], pixels[b, 1] - pixels[a, 1]
            steps = max(abs(d_row), abs(d_col), 1)
            hits = 0
            for k in range(steps + 1):
                row = int(np.rint(pixels[a, 0] + d_row * k / steps))
                col = int(np.rint(pixels[a, 1] + d_col * k / steps))
                hits += walls[row, col]
            length = metres * np.sqrt(d_row * d_row + d_col * d_col)
            blocked = min(length * hits / steps, length)
            power[a, b] = power[b, a] = SENT - _loss(length - blocked, blocked, shadowing, wall_loss)
    return power


@njit(cache=True)
def _components(linked):
    count = len(linked)
    label = np.arange(count)
    changed = True
    while changed:
        changed = False
        for a in range(count):
            for b in range(count):
                if linked[a, b] and label[b] < label[a]:
                    label[a] = label[b]
                    changed = True
    return label

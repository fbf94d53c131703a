"""How an explorer moves and decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ExplorerParameters:
    """How an explorer moves and decides.

    Attributes:
        margin: added to the robot's radius for what control, map and localisation get wrong [m].
        stride: a new decision is due after this way [px].
        decision_period: ... and after this time [s].
        decision_pause: between decisions, at least [s].
        pose_timeout: older odometry or scans stop the robot [s].
        pose_tolerance: a scan needs a pose of its time, this exactly [s].
        patience: for what stands in the way, before it is driven around [s].
        stuck_after: without getting further on a path for this long, another way is looked for [s].
        peer_margin: returns so near to where a connected peer may be are not walls [m].
        keep_apart: room left to what may move, such as people and other robots [m].
        clear_infinite: laser rays without a return clear what is in their range.

    Raises:
        ValueError: if a number is not positive.
    """

    margin: float = 0.07
    stride: float = 15.0
    decision_period: float = 3.0
    decision_pause: float = 0.5
    pose_timeout: float = 0.5
    pose_tolerance: float = 0.1
    patience: float = 1.5
    stuck_after: float = 5.0
    peer_margin: float = 0.15
    keep_apart: float = 0.15
    clear_infinite: bool = True

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, bool) and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{item.name} must be positive, got {value}")

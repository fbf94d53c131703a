"""What a recording of an arm holds, in order of time: the hand, the things, the commands, the episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

SAME_MOMENT = 0.05
"""Messages of one moment are recorded in any order, this far apart at most [s]; an arm's period is 0.1 s."""
AT_ONCE = 0.5
"""An episode is led from its start when the first command to move comes within this time [s]."""


@dataclass(frozen=True)
class Episode:
    """One attempt at the task.

    Attributes:
        number: as the simulator counts.
        start: [s].
        end: when it was decided, or cut off [s].
        success: None if it was never decided.
    """

    number: int
    start: float
    end: float
    success: bool | None


@dataclass(frozen=True)
class ArmTrajectory:
    """The motion of one arm; all times [s] since its beginning, all lengths [m] in the table frame.

    Attributes:
        times: float64 [T], of the hand's poses.
        hands: float32 [T, 4] x, y, z, yaw [rad].
        joints: float32 [T, J] positions [rad, m], or [T, 0] where none were recorded.
        joint_names: of the J.
        things: float32 [T, K] what lies on the table, or [T, 0].
        thing_names: of the K.
        twists: float64 [C, 5] time, commanded velocity x, y, z [m/s], turn [rad/s].
        grips: float64 [G, 2] time, sum of the commanded finger positions [m].
        episodes: in order.
        task: name, "" if nobody said.
        policy: name, "" if nobody said.
        reports: the last values on /diagnostics, by the name of the status.
    """

    times: NDArray[np.float64]
    hands: NDArray[np.float32]
    joints: NDArray[np.float32]
    joint_names: tuple[str, ...]
    things: NDArray[np.float32]
    thing_names: tuple[str, ...]
    twists: NDArray[np.float64]
    grips: NDArray[np.float64]
    episodes: tuple[Episode, ...]
    task: str = ""
    policy: str = ""
    reports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """[s]"""
        return float(self.times[-1])

    @property
    def decided(self) -> tuple[Episode, ...]:
        """The episodes that came to an end."""
        return tuple(episode for episode in self.episodes if episode.success is not None)

    def row_at(self, time: float) -> int:
        """Index of the newest row that is not later, the first one before that."""
        return max(int(np.searchsorted(self.times, time, side="right")) - 1, 0)

    def rows_of(self, episode: Episode, until: float = np.inf) -> slice:
        """The rows of an episode, up to a time [s]."""
        first = np.searchsorted(self.times, episode.start - SAME_MOMENT)
        last = np.searchsorted(self.times, min(episode.end + SAME_MOMENT, until), side="right")
        return slice(int(first), int(last))

    def led(self) -> tuple[Episode, ...]:
        """The decided episodes from the first one that was led from its start.

        Simulator and policy start together; an episode that passed while the policy was still being loaded
        says nothing of it.
        """
        moving = self.twists[(self.twists[:, 1:] != 0).any(axis=1), 0]
        for place, episode in enumerate(self.decided):
            begun = np.searchsorted(moving, episode.start - SAME_MOMENT)
            if begun < len(moving) and moving[begun] <= episode.start + AT_ONCE:
                return self.decided[place:]
        return ()

    def between(self, start: float, end: float) -> ArmTrajectory:
        """The part from ``start`` to ``end`` [s]; its time begins with 0.

        Poses of the same moment as the start or the end belong to it.

        Raises:
            ValueError: the hand was not recorded in that part.
        """
        rows = (self.times >= start - SAME_MOMENT) & (self.times <= end + SAME_MOMENT)
        if not rows.any():
            raise ValueError(f"nothing of the hand was recorded from {start:g} s to {end:g} s")
        episodes = [
            Episode(
                episode.number,
                max(episode.start, start) - start,
                min(episode.end, end) - start,
                episode.success if episode.end <= end else None,
            )
            for episode in self.episodes
            if episode.end > start and episode.start < end
        ]
        return replace(
            self,
            times=self.times[rows] - start,
            hands=self.hands[rows],
            joints=self.joints[rows],
            things=self.things[rows],
            twists=_between(self.twists, start, end),
            grips=_between(self.grips, start, end),
            episodes=tuple(episodes),
        )


def _between(rows: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """The rows [K, 1 + ...] whose first column lies between times, which then begin with 0."""
    part = rows[(rows[:, 0] >= start) & (rows[:, 0] <= end)].copy()
    part[:, 0] -= start
    return part

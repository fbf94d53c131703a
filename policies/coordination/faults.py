"""What can go wrong in a fleet, by name; the rows of the table of graceful degradation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pilotfish.policies.coordination.radio import RadioParameters


@dataclass(frozen=True)
class Faults:
    """What goes wrong.

    Attributes:
        name: what tables call it.
        radio: delay and loss of messages.
        every: a random robot's process fails this often, in the whole fleet [s]; 0 for never.
        down_for: and does nothing for this long [s].
        kill: it does not freeze but dies: whatever it knew is lost when it restarts.
    """

    name: str
    radio: RadioParameters = field(default_factory=RadioParameters)
    every: float = 0.0
    down_for: float = 0.0
    kill: bool = False

    def schedule(self, n_robots: int, seed: int, until: float = 3600.0) -> list[tuple[float, int]]:
        """(time [s], robot) of each failure."""
        if self.every <= 0:
            return []
        rng = np.random.default_rng([seed, 2])
        times = np.arange(self.every, until, self.every)
        return [
            (float(t), int(r)) for t, r in zip(times, rng.integers(n_robots, size=len(times)), strict=True)
        ]


FAULTS: dict[str, Faults] = {
    faults.name: faults
    for faults in (
        Faults("none"),
        Faults("delay", RadioParameters(delay_max=0.5)),
        Faults("loss", RadioParameters(loss=0.2)),
        Faults("delay+loss", RadioParameters(delay_max=0.5, loss=0.2, duplicate=0.05)),
        Faults("stall", every=8.0, down_for=4.0),
        Faults("kill", every=8.0, down_for=2.0, kill=True),
        Faults(
            "all",
            RadioParameters(delay_max=0.5, loss=0.2, duplicate=0.05),
            every=8.0,
            down_for=2.0,
            kill=True,
        ),
    )
}

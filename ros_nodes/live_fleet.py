"""A fleet of live processes under test: started, watched, frozen, killed and measured.

The twin of `pilotfish.policies.coordination.trial` with real nodes on real topics.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

import numpy as np
import yaml

from pilotfish.policies.coordination.faults import Faults
from pilotfish.policies.coordination.trial import TrialResult
from pilotfish.ros_nodes.live_system import LiveSystem
from pilotfish.ros_nodes.plan import plan_system, share_file

START_TIMEOUT = 90.0
"""How long, on the wall clock, all robots may take to have a goal [s]."""


class LiveFleet(LiveSystem):
    """The processes of a fleet, as a context manager that leaves with all robots driving entered.

    Args:
        faults: radio faults are set at the start; failures of processes are injected by ``run``.
        seed: of the fleet and of the failures.
        arguments: further launch arguments, such as ``processes=4``.

    Raises:
        TimeoutError: on entering, when the robots do not start; with the processes' last words.
    """

    def __init__(
        self, world: str, robots: int, faults: Faults | None = None, seed: int = 0, **arguments: object
    ) -> None:
        self.robots = robots
        self.faults = faults or Faults("none")
        self.seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="pilotfish-trial-")
        words = {
            "world": world,
            "robots": robots,
            "seed": seed,
            "params_file": self._parameters(),
        } | arguments
        super().__init__(plan_system("fleet", [f"{name}:={value}" for name, value in words.items()]))
        self.hosts = [name for name in self.system.names if "follower" in name]

    @property
    def goals(self) -> int:
        """Goals that the task node has counted."""
        return int(self.status.statuses.get("task: goals", ("", {}))[1].get("goals_reached", 0))

    def wait_until_ready(self) -> None:
        """Until all robots drive."""
        self.wait_for(lambda: self.status.led == self.robots, START_TIMEOUT, "all robots to drive")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.cleanup()

    def run(self, seconds: float) -> TrialResult:
        """Let the fleet work for so many simulated seconds, with its failures, and measure."""
        rng = np.random.default_rng([self.seed, 3])
        start, wall = self.status.clock or 0.0, time.monotonic()
        goals, overlaps, now = self.goals, self.status.overlaps or 0, start
        processor = _ProcessorTime()
        next_failure = start + (self.faults.every or np.inf)
        down: dict[str, float] = {}  # process -> when it comes back
        while now < start + seconds:
            time.sleep(0.02)
            now = self.status.clock or now
            processor.add([self.system.pid(name) for name in self.hosts if name not in down])
            if time.monotonic() - wall > 30.0 + 20.0 * seconds:
                raise TimeoutError(f"the fleet's clock stands still at {now - start:.1f} of {seconds} s")
            if now >= next_failure:
                next_failure += self.faults.every
                name = str(rng.choice(self.hosts))
                if name not in down:
                    down[name] = now + self.faults.down_for
                    self._fail(name)
            for name in [name for name, until in down.items() if now >= until]:
                del down[name]
                self._recover(name)
        for name in down:
            self._recover(name)
        elapsed = now - start
        time.sleep(1.2)  # for the last reports
        said = [values for _, values in self.status.followers.values()]
        return TrialResult(
            seconds=elapsed,
            goals=self.goals - goals,
            throughput=(self.goals - goals) / elapsed,
            overlaps=(self.status.overlaps or 0) - overlaps,
            double_claims=0,
            strays=sum(int(values.get("footprint_outside_claim", 0)) for values in said),
            cpu_ms=1000 * processor.total / (elapsed * self.robots),
            real_time_factor=elapsed / (time.monotonic() - wall - 1.2),
        )

    def _fail(self, name: str) -> None:
        if self.faults.kill:
            self.system.kill(name)
        else:
            self.freeze(name, True)

    def _recover(self, name: str) -> None:
        if self.faults.kill:
            self.system.restart(name)
        else:
            self.freeze(name, False)

    def _parameters(self) -> str:
        """The fleet's parameter file with this radio in it."""
        parameters = yaml.safe_load(share_file("launch/params/fleet.yaml").read_text())
        parameters["/**/radio"]["ros__parameters"] |= asdict(self.faults.radio)
        path = Path(self._folder.name) / "fleet.yaml"
        path.write_text(yaml.safe_dump(parameters))
        return str(path)


class _ProcessorTime:
    """Processor time of processes that come and go [s]."""

    def __init__(self) -> None:
        self.total = 0.0
        self._last: dict[int, float] = {}

    def add(self, pids: list[int]) -> None:
        for pid in pids:
            try:
                words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            used = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
            self.total += used - self._last.get(pid, used)
            self._last[pid] = used

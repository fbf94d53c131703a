"""A system of live processes under test: started, watched, frozen and stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from pilotfish.cli.fleet_watch import FleetStatus, FleetWatch
from pilotfish.ros_nodes.launcher import Launcher
from pilotfish.ros_nodes.plan import NodeSpec


class LiveSystem:
    """The processes of a plan, as a context manager.

    Args:
        specs: the nodes.

    Attributes:
        system: the processes.
        watch: what is heard of them.
    """

    def __init__(self, specs: Sequence[NodeSpec]) -> None:
        self.system = Launcher(specs, output=lambda name, line: None)
        self.watch = FleetWatch()

    @property
    def status(self) -> FleetStatus:
        """The newest that was heard of the system."""
        return self.watch.status

    @property
    def last_words(self) -> str:
        """The last lines of every process."""
        return "\n".join(
            f"{name}: {line}" for name in self.system.names for line in self.system.tail(name)[-3:]
        )

    def wait_until_ready(self) -> None:
        """Called when the processes have been started; raises TimeoutError where they do not get ready."""

    def __enter__(self) -> Self:
        self.watch.__enter__()
        self.system.__enter__()
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.system.stop()
        self.watch.__exit__(kind, error, trace)

    def wait_for(self, condition: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait [s, wall clock] until something is so.

        Raises:
            TimeoutError: naming ``what`` was waited for, and what the processes said last.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout:g} s for {what}\n{self.last_words}")
            time.sleep(0.02)

    def freeze(self, name: str, frozen: bool) -> None:
        """Stop a process where it stands, or let it go on."""
        os.kill(self.system.pid(name), signal.SIGSTOP if frozen else signal.SIGCONT)

"""Starts the nodes of a plan as processes of this Python: what ``ros2 launch`` does, without it.

    with Launcher(plan_system("fleet", ["robots:=8"])) as system:
        exit_code = system.wait()

The processes end with the launcher, also where it is killed (on Linux). Nothing here imports ROS.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from types import FrameType

from pilotfish.ros_nodes.plan import NodeSpec

RESPAWN_DELAY = 1.0
"""Seconds between the end of a process and its next start."""

GRACE = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
"""How processes are told to end, and how many seconds they have to obey."""

COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)

PR_SET_PDEATHSIG = 1

Output = Callable[[str, str], None]
"""Takes (process name, line)."""


def command_line(spec: NodeSpec) -> list[str]:
    """The words that start a node: the module of its executable, then its ROS arguments.

    Raises:
        FileNotFoundError: it is a program of ROS's that is not installed.
    """
    words = [sys.executable, "-m", f"{spec.package}.ros_nodes.{spec.executable}"]
    if spec.program:
        words = [_installed(spec)]
    words += [*spec.arguments, "--ros-args", "-r", f"__node:={spec.name}"]
    if spec.namespace:
        words += ["-r", f"__ns:=/{spec.namespace.strip('/')}"]
    for name, target in spec.remappings:
        words += ["-r", f"{name}:={target}"]
    for path in spec.params_files:
        words += ["--params-file", path]
    for name, value in spec.parameters.items():
        # JSON is YAML, which ROS parses: strings stay strings, 1.0 stays a double.
        words += ["-p", f"{name}:={json.dumps(value)}"]
    return words


def _installed(spec: NodeSpec) -> str:
    """Path of an executable that ROS has installed."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    places = [os.path.join(prefix, "lib", spec.package) for prefix in prefixes if prefix]
    found = shutil.which(spec.executable, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        package = spec.package.replace("_", "-")
        raise FileNotFoundError(
            f"{spec.executable} is not installed here (no wheel brings it): install "
            f"ros-$ROS_DISTRO-{package} with apt and source ROS, or leave {spec.name} out"
        )
    return found


def process_name(spec: NodeSpec) -> str:
    """``namespace/name`` without the leading slash: what ``kill`` and ``restart`` take."""
    return f"{spec.namespace.strip('/')}/{spec.name}".lstrip("/")


class Launcher:
    """A running system, as a context manager: entered it is started, left it is stopped.

    Args:
        specs: the nodes; their ``process_name`` must be unique.
        env: environment of every process, that of this process if None.
        output: receives every line the processes print; printed with coloured prefixes if None.

    Raises:
        ValueError: two specs have one name.
        FileNotFoundError: a program of ROS's is not installed.
    """

    def __init__(
        self, specs: Sequence[NodeSpec], env: Mapping[str, str] | None = None, output: Output | None = None
    ) -> None:
        base = dict(os.environ if env is None else env)
        base.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        base["PYTHONUNBUFFERED"] = "1"
        self._changed = threading.Condition()
        self._processes: dict[str, _Process] = {}
        output = output or Printer([process_name(spec) for spec in specs])
        for spec in specs:
            name = process_name(spec)
            if name in self._processes:
                raise ValueError(f"two nodes of the plan are called {name!r}")
            self._processes[name] = _Process(name, spec, base | dict(spec.environment), output, self._changed)

    def __enter__(self) -> Launcher:
        for process in self._processes.values():
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def names(self) -> list[str]:
        """The processes' names, in the order of the plan."""
        return list(self._processes)

    def wait(self, timeout: float | None = None) -> int | None:
        """Block until a required process, or every process, has ended.

        Returns: the exit code of the required process, else the first that is not 0, else 0;
            None after ``timeout`` seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._exit_code() is not None, timeout)
            return self._exit_code()

    def kill(self, name: str, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and wait for its end; it stays down until ``restart``."""
        self._processes[name].end(((signal.Signals(signal_number), 10.0),))

    def restart(self, name: str) -> None:
        """End a process, if it runs, and start it anew."""
        self._processes[name].end(GRACE)
        self._processes[name].start()

    def pid(self, name: str) -> int:
        """Process id of a node's process."""
        return self._processes[name].popen.pid

    def running(self, name: str) -> bool:
        """Whether a node's process runs."""
        process = self._processes[name]
        return process.going and process.popen.poll() is None

    def tail(self, name: str) -> list[str]:
        """The last lines (200 at most) that a process printed."""
        return list(self._processes[name].lines)

    def stop(self) -> None:
        """End all processes, politely first; all at once, so that it takes as long as the slowest."""
        with self._changed:
            for process in self._processes.values():
                process.wanted = False
            self._changed.notify_all()
        for number, seconds in GRACE:
            left = [process for process in self._processes.values() if process.going]
            for process in left:
                process.send(number)
            deadline = time.monotonic() + seconds
            for process in left:
                process.join(max(0.0, deadline - time.monotonic()))

    def _exit_code(self) -> int | None:
        processes = self._processes.values()
        for process in processes:
            if process.spec.required and process.wanted and process.exit_code is not None:
                return process.exit_code
        if any(process.exit_code is None or not process.wanted for process in processes):
            return None
        return next((process.exit_code for process in processes if process.exit_code), 0)


class _Process:
    """One process and the thread that starts it, reads it and starts it again.

    ``wanted`` is False while the process is down, or going down, because the launcher's user said so.
    """

    def __init__(
        self, name: str, spec: NodeSpec, env: dict[str, str], output: Output, changed: threading.Condition
    ) -> None:
        self.name, self.spec, self._env, self._output, self._changed = name, spec, env, output, changed
        self._command = command_line(spec)
        self.lines: deque[str] = deque(maxlen=200)
        self.wanted = False
        self.exit_code: int | None = None
        self.popen: subprocess.Popen[str]
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.wanted, self.exit_code = True, None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name=self.name, daemon=True)
        self._thread.start()
        started.wait()

    @property
    def going(self) -> bool:
        """Whether the process, or a child that holds its output, runs, or is about to run again."""
        return self._thread is not None and self._thread.is_alive()

    def send(self, number: signal.Signals) -> None:
        """To the whole process group: a node may have children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def join(self, timeout: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout)

    def end(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        with self._changed:
            self.wanted = False
            self._changed.notify_all()
        for number, seconds in steps:
            if self.going:
                self.send(number)
                self.join(seconds)

    def _run(self, started: threading.Event) -> None:
        while True:
            code = self._run_once(started)
            with self._changed:
                respawn = self.wanted and self.spec.respawn
                if not respawn:
                    self.exit_code = code
                if self.wanted:
                    again = f", starting it again in {RESPAWN_DELAY:g} s" if respawn else ""
                    self._output(self.name, f"process ended with code {code}{again}")
                self._changed.notify_all()
                if not respawn or self._changed.wait_for(lambda: not self.wanted, RESPAWN_DELAY):
                    return

    def _run_once(self, started: threading.Event) -> int:
        """Exit code of one life of the process, as a shell reports it."""
        self.popen = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C in the terminal reaches the launcher alone
            preexec_fn=_die_with_parent,
        )
        started.set()
        assert self.popen.stdout is not None
        with self.popen.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._output(self.name, self.lines[-1])
        code = self.popen.wait()
        return code if code >= 0 else 128 - code


def _libc_prctl() -> Callable[..., int] | None:
    return ctypes.CDLL(None).prctl if sys.platform == "linux" else None


_prctl = _libc_prctl()


def _die_with_parent() -> None:
    """In the child: be told to stop when the launcher's thread is gone, even by SIGKILL."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGINT)


class Printer:
    """Prints lines behind the aligned, coloured name of the process that said them.

    Args:
        names: the processes; each gets a colour (none where the output is no terminal or NO_COLOR is set).
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._width = min(max(map(len, names), default=0), shutil.get_terminal_size().columns // 3)
        self._colour = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
        self._plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        prefix = f"{name:<{self._width}} |"
        with self._lock:
            print(prefix if self._plain else f"\033[{self._colour[name]}m{prefix}\033[0m", line, flush=True)


def require_ros() -> None:
    """Raise ModuleNotFoundError here, once, instead of in every node."""
    if find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")


def run_system(specs: Sequence[NodeSpec], timeout: float | None = None) -> int:
    """Run a system in the foreground until it ends, Ctrl-C, SIGTERM or ``timeout`` [s].

    Returns: the system's exit code; 0 where it was asked to stop.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        with Launcher(specs) as system:
            try:
                return system.wait(timeout) or 0
            except KeyboardInterrupt:
                return 0
    finally:
        signal.signal(signal.SIGTERM, previous)

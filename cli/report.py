"""Tables on the screen, JSON in a file: the same flat rows in both.

A row is a dict: the names it is grouped by (``policy``, ``set``, ``agents`` ...), ``n``, each metric and,
beside it, ``METRIC_ci95``: [low, high], or None where one value gives no interval.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

Row = Mapping[str, Any]


def mean_ci95(values: Iterable[float]) -> tuple[float, list[float] | None]:
    """Mean and 95 % interval of it by Student's t.

    Args:
        values: at least one finite number, one per independent episode.

    Returns: mean, and [low, high] or None for a single value.

    Raises:
        ValueError: no value, or one that is not finite.
    """
    from scipy.special import stdtrit

    sample = np.asarray(list(values), dtype=np.float64)
    if sample.size == 0:
        raise ValueError("no values to average: every episode is missing")
    if not np.isfinite(sample).all():
        raise ValueError(f"cannot average {sample[~np.isfinite(sample)].tolist()}: not finite")
    mean = float(sample.mean())
    if sample.size == 1:
        return mean, None
    half = float(stdtrit(sample.size - 1, 0.975) * sample.std(ddof=1) / np.sqrt(sample.size))
    return mean, [mean - half, mean + half]


def summarise(metrics: Mapping[str, Iterable[float]]) -> dict[str, Any]:
    """Row entries ``METRIC`` and ``METRIC_ci95`` of each metric's values."""
    row: dict[str, Any] = {}
    for name, values in metrics.items():
        row[name], row[f"{name}_ci95"] = mean_ci95(values)
    return row


def print_rows(rows: Sequence[Row], columns: Sequence[str] | None = None, title: str | None = None) -> None:
    """Print rows as a table; a metric shows half of its interval behind it, a success rate both ends, in %.

    Args:
        columns: keys to show, in order; every key but the intervals if None.
    """
    from rich.console import Console
    from rich.table import Table

    if columns is None:
        columns = list(dict.fromkeys(key for row in rows for key in row if not key.endswith("_ci95")))
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        numeric = any(isinstance(row.get(column), int | float | np.number) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*(_cell(row, column) for column in columns))
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 240)  # A file has no edge to cut columns at.
    console.print(table)


def _cell(row: Row, column: str) -> str:
    value = row.get(column)
    if value is None:
        return "-"
    if isinstance(value, float | np.floating):
        number = float(value)
        interval = row.get(f"{column}_ci95")
        if column == "success_rate":  # Its interval is not symmetric, least of all where all or none succeed.
            ends = f" [{100 * interval[0]:.3g}, {100 * interval[1]:.3g}]" if interval else ""
            return f"{100 * number:.3g} %{ends}"
        text = f"{number:.4g}" if abs(number) < 1e4 else f"{number:,.0f}"
        return f"{text} ± {(interval[1] - interval[0]) / 2:.2g}" if interval else text
    if isinstance(value, int | np.integer) and abs(int(value)) >= 10_000:
        return f"{value:,}"
    return str(value)


def write_report(
    path: str | Path,
    rows: Sequence[Row],
    seeds: Sequence[int] = (),
    command: Sequence[str] | None = None,
    **extra: Any,
) -> None:
    """Write ``{"command", "commit", "machine", "seeds", "rows", ...}``, whole or not at all.

    Args:
        command: the words of the command line; those of this process if None.
        extra: further top-level entries.
    """
    words = ["pilotfish", *sys.argv[1:]] if command is None else list(command)
    report = {
        "command": shlex.join(words),
        "commit": commit(),
        "machine": machine(),
        "seeds": list(seeds),
        **extra,
        "rows": [dict(row) for row in rows],
    }
    write_json(path, report)


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON through a temporary file, so that a reader never meets half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1, default=_plain) + "\n"
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r} does not go into a report")


def commit() -> str:
    """Commit of the code that runs ("-dirty" where it was changed), or its version if it has no git."""
    here = Path(__file__).resolve().parents[1]
    try:
        result = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
        )
        # An installed copy may lie inside somebody else's repository.
        if result.returncode == 0 and (here / "setup.py").exists():
            return result.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        pass
    try:
        return f"version {version('pilotfish')}"
    except PackageNotFoundError:
        return "unknown"


def machine() -> str:
    """Processor, cores, memory and Python of this machine, in one line."""
    processor = platform.processor() or platform.machine()
    memory = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (OSError, ValueError):
        pass
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores{memory}, {system}"

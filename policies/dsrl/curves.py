"""Learning curves of steering: success of training episodes against environment steps."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.dsrl.constant import Probe

WITHOUT = {"base/full": "base", "w0": "w = 0", "wbest": "best constant w"}
"""Entries of ``probe.json`` that are drawn as level lines."""


def read_curve(run: Path) -> NDArray[np.float64]:
    """Environment steps, and success of the last 50 training episodes: [N, 2]; a resumed run in order.

    Raises:
        FileNotFoundError: the run has logged nothing yet.
    """
    points = []
    files = {int(file.stem.split("-")[1]): file for file in (run / "tensorboard").glob("progress-*.csv")}
    for begin, following in pairwise([*sorted(files), float("inf")]):
        with files[int(begin)].open(newline="") as lines:
            for row in csv.DictReader(lines):
                # A killed run has logged more than it had saved: the part that goes on does it again.
                if row.get("dsrl/success_50") and float(row["dsrl/env_steps"]) <= following:
                    points.append((float(row["dsrl/env_steps"]), float(row["dsrl/success_50"])))
    if not points:
        raise FileNotFoundError(f"{run} has no training logs (tensorboard/progress-*.csv)")
    return np.array(sorted(points))


def plot_steering(groups: Mapping[str, Sequence[Path]], picture: Path) -> None:
    """Draw runs side by side: one panel a group (such as a task), one line a run.

    Args:
        groups: title -> run folders of ``pilotfish train dsrl``. Runs whose folders differ only in a number
            at the end, such as ``push_sac_0`` and ``push_sac_1``, share a colour.
        picture: PNG to write.

    Raises:
        FileNotFoundError: a run has logged nothing yet.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(groups), figsize=(5 * len(groups), 3.6), sharey=True, squeeze=False
    )
    for axes, (title, runs) in zip(panels[0], groups.items(), strict=True):
        kinds = list(dict.fromkeys(_kind(run) for run in runs))
        for run in runs:
            kind = _kind(run)
            first = kind not in [line.get_label() for line in axes.get_lines()]
            axes.plot(
                *read_curve(run).T,
                color=f"C{kinds.index(kind)}",
                label=kind if first else f"_{run.name}",
                linewidth=1.1,
                alpha=0.8,
            )
        if runs and (runs[0] / "probe.json").exists():
            success = Probe.load(runs[0] / "probe.json").success
            for (name, label), style in zip(WITHOUT.items(), ("-", "--", ":"), strict=True):
                axes.axhline(success[name], color="0.4", linestyle=style, linewidth=1, label=label)
        axes.set_title(title)
        axes.set_xlabel("environment steps")
        axes.set_ylim(0, 1.02)
        axes.legend(fontsize=7, loc="lower right")
    panels[0][0].set_ylabel("success, last 50 training episodes")
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _kind(run: Path) -> str:
    """The name of a run's folder without the number of its seed."""
    return re.sub(r"_\d+$", "", run.name)

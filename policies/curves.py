"""Training curves of a run as one picture: what each kind of episode reached, stage by stage."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

BINS = 12
"""Points a stage is averaged into: single episodes scatter, because each has another map."""


def plot_curves(run: Path, picture: Path, pattern: str, label: str) -> None:
    """Draw what the TensorBoard logs of a run hold; the parts of a resumed stage come one after the other.

    Args:
        run: folder of a system's ``training.train``.
        picture: PNG to write.
        pattern: regular expression of the logged names to draw; its group names the curve.
        label: of the vertical axis.

    Raises:
        FileNotFoundError: the run has logged nothing yet.
    """
    import matplotlib
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    matplotlib.use("Agg")
    from matplotlib import pyplot

    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    names: list[str] = []
    for stage in sorted((run / "tensorboard").glob("*")):
        points: dict[str, list] = defaultdict(list)
        for file in sorted(stage.glob("events.*"), key=lambda path: path.stat().st_mtime):
            log = EventAccumulator(str(file), size_guidance={"scalars": 0})
            log.Reload()
            for tag in log.Tags()["scalars"]:
                if found := re.fullmatch(pattern, tag):
                    points[found[1]] += [e.value for e in log.Scalars(tag)]
        if not points:
            continue
        for name, values in points.items():
            for part in np.array_split(np.arange(len(values)), min(BINS, len(values))):
                at = len(names) + (float(part.mean()) + 0.5) / len(values)
                curves[name].append((at, float(np.mean([values[k] for k in part]))))
        names.append(stage.name)
    if not names:
        raise FileNotFoundError(f"{run} has no training logs (tensorboard/STAGE/events.*)")

    figure, axes = pyplot.subplots(figsize=(10, 5))
    for k, name in enumerate(names):
        axes.axvline(k, color="0.8", linewidth=1)
        axes.text(k + 0.02, 1.01, name, transform=axes.get_xaxis_transform(), fontsize=8)
    colours = pyplot.get_cmap("tab20")
    for k, (name, line) in enumerate(sorted(curves.items())):
        axes.plot(*np.array(line).T, label=name, linewidth=1.3, color=colours(k % 20))
    axes.set_xlim(0, len(names))
    axes.set_ylim(bottom=0)
    axes.set_xticks([])
    axes.set_xlabel("training, one panel a stage")
    axes.set_ylabel(label)
    axes.legend(fontsize=7, ncols=2, loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)

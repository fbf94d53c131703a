"""What explorers saw of frontiers, and what lay behind them: from this the network learns to judge them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn.functional import cross_entropy

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import BLOCK, UNKNOWN
from pilotfish.policies.exploration.frontiers import Frontiers
from pilotfish.policies.ir2.network import PROSPECTS, ProspectNetwork
from pilotfish.policies.ir2.prospects import LOOKS, Views
from pilotfish.policies.training import StageSettings

SPLIT = 8
"""The last of so many parts of the frontiers is kept for the check."""

WORTH = 100
"""Unseen free pixels behind a frontier that make it worth the way: a tenth of a percent of a floor."""

HOPELESS = 20.0
"""With less expected, a frontier is hopeless in the figures of a training; explorers spare by the sum."""

BF16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
"""Whether this CPU trains convolutions twice as fast in half precision."""


def behind(belief: TeamBelief, frontiers: Frontiers, walls: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64 [C] unseen free pixels that the true map has behind each frontier, all that hangs together.

    Args:
        walls: bool [H, W] the true map, which no explorer sees.
    """
    unseen, _ = ndimage.label(~walls & (belief.pixels == UNKNOWN))
    sizes = np.bincount(unseen.ravel())
    sizes[0] = 0
    width = belief.known.shape[1]
    first = np.concatenate([[0], np.cumsum(frontiers.size)])
    found = np.zeros(len(frontiers), np.int64)
    for cluster in range(len(frontiers)):
        parts: set[int] = set()
        for member in frontiers.members[first[cluster] : first[cluster + 1]].tolist():
            row, col = BLOCK * (member // width), BLOCK * (member % width)
            parts.update(
                np.unique(unseen[max(row - 1, 0) : row + BLOCK + 1, max(col - 1, 0) : col + BLOCK + 1])
            )
        found[cluster] = sizes[list(parts)].sum()
    return found


class Lessons:
    """Views of frontiers with what lay behind them, kept in the files of a folder.

    Args:
        folder: each ``save`` adds a file to it; those that are there are read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[str, list[NDArray]] = {name: [] for name in (*LOOKS, "behind")}
        for file in sorted(folder.glob("[0-9]*.npz")):
            with np.load(file) as kept:
                for name, parts in self._parts.items():
                    parts.append(kept[name])
        self._files = self._saved = len(self._parts["behind"])

    def add(self, views: Views, found: NDArray[np.int64]) -> None:
        """Note C frontiers, and ``behind`` each [C]."""
        for name, array in {**vars(views), "behind": found}.items():
            self._parts[name].append(array)

    def save(self) -> None:
        """Write what is new into a file of its own, atomically; nothing when nothing is."""
        if len(self._parts["behind"]) == self._saved:
            return
        self._folder.mkdir(exist_ok=True)
        part = self._folder / "part.npz"
        for arrays in self._parts.values():
            arrays[self._saved :] = [np.concatenate(arrays[self._saved :])]
        new: dict[str, Any] = {name: arrays[-1] for name, arrays in self._parts.items()}
        np.savez_compressed(part, **new)
        os.replace(part, self._folder / f"{self._files:05d}.npz")
        self._files, self._saved = self._files + 1, self._saved + 1

    def teach(
        self,
        network: ProspectNetwork,
        stage: StageSettings,
        track: Callable[[list[torch.Tensor]], Iterable[torch.Tensor]] = iter,
    ) -> dict[str, float]:
        """Fit a network over the stage's epochs; each frontier is shown turned and mirrored at random.

        Args:
            track: shows how far it is while it hands out the batches.

        Returns: ``cross_entropy`` on the last frontiers, which it was not taught on; ``base_rate``: that of
        always answering how often each class came; ``missed``: of those worth the way, the share that it
        takes for HOPELESS; ``hopeless``: of the others, the same share.
        """
        self.save()
        for arrays in self._parts.values():  # All of them joined, and none twice in memory.
            arrays[:] = [np.concatenate(arrays)]
        self._saved = 1
        *views, extent = (torch.from_numpy(self._parts[name][0]) for name in LOOKS)
        found = self._parts["behind"][0]
        classes = torch.from_numpy(np.digitize(found, PROSPECTS))
        taught = len(found) - len(found) // SPLIT
        optimizer = torch.optim.AdamW(network.parameters(), stage.learning_rate, weight_decay=0.05)
        epochs = [torch.randperm(taught).split(stage.batch) for _ in range(stage.epochs)]
        batches = [rows for epoch in epochs for rows in epoch]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, stage.learning_rate, len(batches))
        network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for rows in track(batches):
            turns, mirrored = int(torch.randint(4, (1,))), bool(torch.rand(1) < 0.5)
            planes = network.planes(*(view[rows] for view in views))
            planes = [torch.rot90(plane, turns, (2, 3)) for plane in planes]
            if mirrored:
                planes = [plane.flip(3) for plane in planes]
            planes = [plane.contiguous(memory_format=torch.channels_last) for plane in planes]
            with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
                logits = network.logits(planes, extent[rows])
            loss = cross_entropy(logits.float(), classes[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            checked = torch.arange(taught, len(found)).split(1024)
            logits = torch.cat(
                [network.logits(network.planes(*(view[r] for view in views)), extent[r]) for r in checked]
            )
        expected = (logits.softmax(1) @ network.behind).numpy()
        worth = found[taught:] >= WORTH
        share = torch.bincount(classes[taught:], minlength=len(network.behind)) / max(len(expected), 1)
        return {
            "cross_entropy": float(cross_entropy(logits, classes[taught:])),
            "base_rate": float(-(share[share > 0] * share[share > 0].log()).sum()),
            "missed": float((expected[worth] < HOPELESS).mean()) if worth.any() else 0.0,
            "hopeless": float((expected[~worth] < HOPELESS).mean()) if (~worth).any() else 0.0,
        }

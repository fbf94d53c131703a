"""What there is to say about a map before a fleet runs on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pilotfish.worlds.maps.grid_map import GridMap


@dataclass(frozen=True)
class MapReport:
    """Figures and complaints of a map.

    Attributes:
        density: share of wall cells.
        components: number of parts of the free space that no step connects.
        largest: share of the free cells in the largest of them.
        starts, goals: how many cells of each kind; all free cells where the map does not say.
        errors: why a fleet cannot be served on it.
        warnings: what may surprise.
    """

    density: float
    free: int
    components: int
    largest: float
    starts: int
    goals: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def report(grid: GridMap) -> MapReport:
    """Measure and check a map. Goals of a warehouse are drawn for any robot from all goal cells, so each
    must be reachable from each start."""
    labels, count = ndimage.label(~grid.walls)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    free = int(sizes.sum())
    errors: list[str] = []
    warnings: list[str] = []
    if grid.starts is not None and grid.goals is not None:
        errors = _unreachable(grid, {"start": grid.starts, "goal": grid.goals}, labels.ravel())
    elif (sizes == 1).any():
        warnings.append(f"{int((sizes == 1).sum())} free cells have no free neighbour; no robot can use them")
    if count > 1:
        share = sizes.max() / free
        warnings.append(
            f"{count} disconnected parts; the largest holds {share:.1%} of the free cells, the second "
            f"{int(np.sort(sizes)[-2])} cells, around {_place(grid, labels, int(np.argsort(sizes)[-2]) + 1)}"
        )
    return MapReport(
        density=float(grid.walls.mean()),
        free=free,
        components=count,
        largest=float(sizes.max() / free),
        starts=free if grid.starts is None else len(grid.starts),
        goals=free if grid.goals is None else len(grid.goals),
        errors=tuple(errors),
        warnings=tuple(warnings),
    )


def _unreachable(grid: GridMap, kinds: dict[str, NDArray[np.int32]], labels: NDArray[np.int32]) -> list[str]:
    """Complaints about starts and goals outside of the component that most starts are in."""
    main = np.bincount(labels[kinds["start"]]).argmax()
    complaints = []
    for kind, cells in kinds.items():
        cut_off = cells[labels[cells] != main]
        if len(cut_off):
            row, column = divmod(int(cut_off[0]), grid.width)
            complaints.append(
                f"{len(cut_off)} of {len(cells)} {kind} cells cannot be reached from most starts; the first "
                f"is row {row + 1}, column {column + 1}"
            )
    return complaints


def _place(grid: GridMap, labels: NDArray[np.int32], label: int) -> str:
    row, column = divmod(int(np.flatnonzero(labels == label)[0]), grid.width)
    return f"row {row + 1}, column {column + 1}"

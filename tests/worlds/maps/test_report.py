"""Figures and complaints about maps."""

import numpy as np

from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.maps.report import report


def read(tmp_path, text):
    (tmp_path / "map.txt").write_text(text)
    return load_map(tmp_path / "map.txt")


def test_figures(tmp_path):
    found = report(read(tmp_path, "..#.\n..#.\n"))
    assert (found.free, found.components, found.starts, found.goals) == (6, 2, 6, 6)
    assert found.density == 0.25 and np.isclose(found.largest, 4 / 6)
    assert not found.errors
    assert found.warnings == (
        "2 disconnected parts; the largest holds 66.7% of the free cells, the second 2 cells, around row 1, "
        "column 4",
    )


def test_lonely_cells_are_a_warning(tmp_path):
    assert "1 free cells have no free neighbour" in report(read(tmp_path, "..#.\n..##\n")).warnings[0]


def test_unreachable_goals_and_starts_are_errors(tmp_path):
    found = report(read(tmp_path, "@!$#@\n@$!#$\n"))
    assert found.errors == (
        "1 of 3 start cells cannot be reached from most starts; the first is row 1, column 5",
        "1 of 3 goal cells cannot be reached from most starts; the first is row 2, column 5",
    )
    assert not report(read(tmp_path, "@!$\n")).errors

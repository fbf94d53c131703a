"""Learning curves from the logs of runs, resumed ones included."""

import numpy as np
import pytest

from pilotfish.policies.dsrl.curves import plot_steering, read_curve


def write(run, name, rows):
    (run / "tensorboard").mkdir(parents=True, exist_ok=True)
    lines = ["dsrl/env_steps,dsrl/success_50", *(f"{steps},{rate}" for steps, rate in rows)]
    (run / "tensorboard" / name).write_text("\n".join(lines) + "\n")


def test_parts_of_a_resumed_run_come_in_order(tmp_path):
    write(tmp_path, "progress-900.csv", [(1000, 0.8)])
    write(tmp_path, "progress-0.csv", [(400, 0.4), (800, "")])
    np.testing.assert_array_equal(read_curve(tmp_path), [[400, 0.4], [1000, 0.8]])
    plot_steering({"push": [tmp_path]}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_a_run_without_logs_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no training logs"):
        read_curve(tmp_path)

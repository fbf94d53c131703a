"""``pilotfish train``: mistakes that every system shares."""

import re
from pathlib import Path

import pytest

from pilotfish.cli.main import main


@pytest.mark.parametrize("system", ["ir2", "follower", "dsrl", "vgps", "diffusion"])
def test_a_missing_config_is_named_with_one_to_copy(system, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["train", system, "--config", "nosuch.yaml"])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert f"--config nosuch.yaml: no such file. Without --config, {system} has its own settings" in said
    examples = re.findall(r"\S+\.yaml", said.partition("copy")[2])
    assert all(Path(example).is_file() for example in examples)
    assert bool(examples) == (system != "diffusion")
    assert not any(tmp_path.iterdir())

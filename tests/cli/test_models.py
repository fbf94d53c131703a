import json

import pytest
from typer.testing import CliRunner

from pilotfish.cli.models import app
from pilotfish.policies import models


@pytest.fixture
def root(tmp_path):
    for system, name in (("follower", "small"), ("follower", "twin"), ("ir2", "twin")):
        folder = tmp_path / system / "models" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"name": name}))
        (folder / "README.md").write_text(f"# The {name} of {system}\n")
        (folder / "model.onnx").write_bytes(b"network")
    return tmp_path


def test_models_are_found_by_name_full_name_and_path(root):
    assert [m.full_name for m in models.shipped_models(root)] == [
        "follower/small",
        "follower/twin",
        "ir2/twin",
    ]
    assert models.find_model("small", root).config == {"name": "small"}
    assert models.find_model("ir2/twin", root).system == "ir2"
    assert models.find_model(str(root / "ir2/models/twin"), root).name == "twin"


def test_unclear_names_say_what_there_is(root):
    with pytest.raises(ValueError, match="follower/twin or ir2/twin"):
        models.find_model("twin", root)
    with pytest.raises(ValueError, match="follower/small"):
        models.find_model("nope", root)


def test_a_broken_config_names_its_line(root):
    path = root / "follower/models/small/config.json"
    path.write_text('{\n "a": ,\n}')
    with pytest.raises(ValueError, match=r"config.json:2:7"):
        models.find_model("small", root).config  # noqa: B018


def test_every_shipped_model_is_complete_and_small():
    for model in models.shipped_models():
        assert model.config, model.path
        assert model.card.startswith("# "), f"{model.path} needs a model card"
        assert (model.path / "model.onnx").is_file()
        assert model.size < 5 * 2**20


def test_export_and_card(root, tmp_path):
    folder = str(root / "ir2/models/twin")
    runner = CliRunner()
    assert "The twin of ir2" in runner.invoke(app, ["card", folder]).output
    assert runner.invoke(app, ["export", folder, str(tmp_path / "copy")]).exit_code == 0
    assert (tmp_path / "copy/config.json").is_file()
    assert runner.invoke(app, ["export", folder, str(tmp_path / "net.onnx")]).exit_code == 0
    assert (tmp_path / "net.onnx").read_bytes() == b"network"
    again = runner.invoke(app, ["export", folder, str(tmp_path / "copy")])
    assert isinstance(again.exception, ValueError) and "exists already" in str(again.exception)


def test_list_writes_the_rows(tmp_path):
    target = tmp_path / "models.json"
    assert CliRunner().invoke(app, ["list", "--json", str(target)]).exit_code == 0
    rows = json.loads(target.read_text())["rows"]
    assert [row["model"] for row in rows] == [model.full_name for model in models.shipped_models()]

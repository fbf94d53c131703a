from typer.testing import CliRunner

from pilotfish.cli.record import app


def test_nothing_is_recorded_over(tmp_path):
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(result.exception, ValueError)
    assert f"recording {tmp_path} exists already: name another path" in str(result.exception)

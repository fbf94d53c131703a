"""``pilotfish models``: the trained models that ship with the package."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pilotfish.policies.models import find_model, shipped_models

HELP = """
List, describe and export trained models.

\b
pilotfish models list
pilotfish models card follower/follower
pilotfish models export follower/follower my-model/     the whole folder: edit, retrain, load by path
pilotfish models export follower/follower follower.onnx the network alone
"""

app = typer.Typer(help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
Name = Annotated[str, typer.Argument(help="NAME or SYSTEM/NAME as listed, or a model folder's path.")]


@app.command("list")
def list_models(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file too.")] = None,
) -> None:
    """List the models that ship with the package."""
    from pilotfish.cli.report import print_rows, write_report

    rows = [
        {
            "model": model.full_name,
            "kib": round(model.size / 1024),
            "card": _title(model.card),
            "path": str(model.path),
        }
        for model in shipped_models()
    ]
    print_rows(rows, ["model", "kib", "card", "path"])
    if json_file:
        write_report(json_file, rows)


def _title(card: str) -> str:
    """First heading of a card."""
    headings = (line.lstrip("# ").strip() for line in card.splitlines() if line.startswith("#"))
    return next(headings, "no card")


@app.command()
def card(name: Name) -> None:
    """Show a model's card: how it was made, what it scores, what it is not for."""
    from rich.console import Console
    from rich.markdown import Markdown

    model = find_model(name)
    if not model.card:
        raise ValueError(f"model {name!r} has no card: {model.path / 'README.md'} does not exist")
    Console().print(Markdown(model.card))


@app.command()
def export(
    name: Name,
    target: Annotated[Path, typer.Argument(help="A new folder, or a file that ends in .onnx.")],
) -> None:
    """Copy a model out of the package."""
    source = find_model(name).path
    if target.suffix == ".onnx":
        shutil.copyfile(source / "model.onnx", target)
    elif target.exists():
        raise ValueError(f"{target} exists already: name a new folder")
    else:
        shutil.copytree(source, target)
    typer.echo(f"Wrote {target}")

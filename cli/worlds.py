"""``pilotfish worlds``: generate, draw and check maps."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from pilotfish.worlds.maps.grid_map import GridMap

PATHS = """
\b
A PATH is
  office.map                    MovingAI, text, POGEMA or map_server YAML
  cave.png                      an image (also .pgm): grey above 150 is free, 208 is a start
  maps/                         every map of a folder
  mazes.yaml#NAME               one map of a POGEMA YAML
  office.yaml?cell_size=0.5     a map_server map at 0.5 m a cell
  warehouse                     a built-in map; builtin: is all of them
  "gen:mazes?size=65&seed=0-9"  generated maps
"""

app = typer.Typer(no_args_is_help=True, help="Generate, draw and check worlds.\n" + PATHS)


MAKE_HELP = """
Generate maps of a FAMILY: mazes, random, rooms, warehouses, cities; for
exploration hybrid, corridor, complex (1 m a cell) and offices (0.1 m a cell).

KNOBS are KEY=VALUE (--knobs explains a family's); what is not given is drawn
from the seed, so maps vary. Without -o the maps are printed.

\b
pilotfish worlds make mazes
pilotfish worlds make mazes --size 65 --count 40 -o mazes.yaml
pilotfish worlds make warehouses --size 33x46 aisle_width=1 -o depot.yaml
pilotfish worlds make warehouses --knobs
pilotfish worlds make cities --seed 7 -o city.map
pilotfish worlds make rooms --size 40 --format ros -o office.yaml
pilotfish worlds make hybrid --seed 3 -o hybrid.png
pilotfish worlds make complex --count 20 --format image -o caves/
"""


@app.command(help=MAKE_HELP)
def make(
    family: Annotated[str, typer.Argument(help="See above.")],
    knobs: Annotated[list[str] | None, typer.Argument(help="KEY=VALUE of the family.")] = None,
    size: Annotated[str | None, typer.Option(help="EDGE or HEIGHTxWIDTH, in cells.")] = None,
    seed: Annotated[int, typer.Option(help="Of the first map; the next ones count up.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many maps.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=".yaml (any number), .map, .txt, .png, .pgm (one map); FOLDER/."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="pogema, ascii, movingai, ros or image; else by the ending."),
    ] = None,
    explain: Annotated[bool, typer.Option("--knobs", help="Explain the family's knobs and stop.")] = False,
) -> None:
    from pilotfish.worlds.maps.generators import explain_knobs, generate
    from pilotfish.worlds.maps.save import save_maps

    if explain:
        typer.echo(explain_knobs(family))
        return
    params = {} if size is None else {"size": size}
    for knob in knobs or ():
        key, equals, value = knob.partition("=")
        if not equals:
            raise ValueError(f"knobs are KEY=VALUE, got {knob!r}")
        params[key] = value
    grids = [generate(family, seed + index, **params) for index in range(count)]
    if output is None:
        _print_rows(grids)
    else:
        save_maps(grids, output, form)
        typer.echo(f"{count} map{'s' * (count > 1)}: {output}")


@app.command(
    help="Print a map's figures, and draw it: in the terminal, or as a picture with -o.\n"
    + PATHS
    + """
\b
pilotfish worlds show warehouse
pilotfish worlds show mazes.yaml -o mazes.png
pilotfish worlds show "gen:cities?seed=0-11" -o cities.png
pilotfish worlds show "gen:complex?seed=0-11" -o caves.png
"""
)
def show(
    path: Annotated[str, typer.Argument(help="See above.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Picture (.png); many maps make a contact sheet.")
    ] = None,
) -> None:
    from rich.console import Console

    from pilotfish.worlds.maps.load import load_maps

    grids = load_maps(path)
    console = Console()
    console.print(_table(grids))
    if output is not None:
        _save_picture(grids, output)
        typer.echo(f"picture: {output}")
    elif len(grids) > 1:
        typer.echo(f"-o FILE.png draws all {len(grids)}; a map shown alone is drawn here")
    elif console.color_system is None:
        _print_rows(grids)
    elif grids[0].width <= console.width:
        console.print(_blocks(grids[0]))
    else:
        typer.echo(f"{grids[0].width} columns do not fit into this terminal; -o FILE.png draws the map")


@app.command(
    help="Say whether a fleet can run on maps: exit code 1 for a malformed map or an unreachable start or "
    "goal, a warning for disconnected parts and for maps that are others turned or mirrored.\n"
    + PATHS
    + """
\b
pilotfish worlds check maps/
pilotfish worlds check "gen:random?density=0.4&seed=0-99" --strict
"""
)
def check(
    path: Annotated[str, typer.Argument(help="See above.")],
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    from pilotfish.worlds.maps.load import load_maps, map_files
    from pilotfish.worlds.maps.report import report
    from pilotfish.worlds.maps.symmetry import canonical_hash

    maps = errors = alerts = 0
    names: dict[str, str] = {}  # of the first map with each hash
    with warnings.catch_warnings(record=True) as passed_over:
        warnings.simplefilter("always")
        try:
            sources = map_files(path) if Path(path).is_dir() else [path]
        except ValueError as error:
            sources, errors = [], 1
            _complain("error", str(error))
    for warning in passed_over:
        alerts += 1
        _complain("warning", str(warning.message))
    for source in sources:
        try:
            grids = load_maps(source)
        except ValueError as error:
            errors += 1
            _complain("error", str(error))
            continue
        for grid in grids:
            maps += 1
            found = report(grid)
            remarks = list(found.warnings)
            twin = names.setdefault(canonical_hash(grid), f"{grid.name} ({source})")
            if twin != f"{grid.name} ({source})":
                remarks.append(f"the walls are those of {twin}, as they are or turned or mirrored")
            errors, alerts = errors + len(found.errors), alerts + len(remarks)
            for level, messages in (("error", found.errors), ("warning", remarks)):
                for message in messages:
                    _complain(level, f"{grid.name}: {message}")
    typer.echo(f"{maps} maps read, {errors} errors, {alerts} warnings")
    if errors or (strict and alerts):
        raise typer.Exit(1)


def _complain(level: str, message: str) -> None:
    colour = typer.colors.RED if level == "error" else typer.colors.YELLOW
    typer.echo(f"{typer.style(level, fg=colour)}: {message}")


def _print_rows(grids: list[GridMap]) -> None:
    from pilotfish.worlds.maps.formats.rows import rows_from_grid

    for grid in grids:
        if len(grids) > 1:
            typer.echo(f"{grid.name}: |-")
        indent = "  " if len(grids) > 1 else ""
        for row in rows_from_grid(grid):
            typer.echo(indent + row)


def _table(grids: list[GridMap]) -> Table:
    from rich.table import Table

    from pilotfish.worlds.maps.report import report

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("map")
    for heading in ("size", "wall", "free", "parts", "largest", "starts", "goals"):
        table.add_column(heading, justify="right")
    for grid in grids:
        found = report(grid)
        kinds = ("any", "any") if grid.starts is None else (str(found.starts), str(found.goals))
        table.add_row(
            grid.name,
            f"{grid.height}x{grid.width}",
            f"{found.density:.1%}",
            str(found.free),
            str(found.components),
            f"{found.largest:.1%}",
            *kinds,
        )
    return table


def _blocks(grid: GridMap) -> Text:
    """The map in half blocks: two rows of cells a line of the terminal, which makes cells square."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    from pilotfish.worlds.draw import cell_colours

    colours = cell_colours(grid).tolist()
    text = Text()
    for upper in range(0, grid.height, 2):
        lower = colours[upper + 1] if upper + 1 < grid.height else None
        for column, above in enumerate(colours[upper]):
            below = Color.from_rgb(*lower[column]) if lower else None
            text.append("▀", Style(color=Color.from_rgb(*above), bgcolor=below))
        text.append("\n")
    return text


def _save_picture(grids: list[GridMap], path: Path) -> None:
    import io

    from pilotfish.worlds.draw import contact_sheet, draw_map
    from pilotfish.worlds.maps.files import atomic_write

    if path.suffix.lower() != ".png":
        raise ValueError(f"pictures are .png, got {path}")
    if len(grids) > 1:
        picture = contact_sheet(grids)
    else:
        picture = draw_map(grids[0], max(1, min(32, 1000 // max(grids[0].walls.shape))))
    data = io.BytesIO()
    picture.save(data, format="PNG")
    atomic_write(path, data.getvalue())


DEMONSTRATE_HELP = """
Collect demonstrations of an arm TASK into a LeRobotDataset (v3) in the folder ROOT (group [manipulation]).

The scripted demonstrators are of mixed quality: each episode's strategy is drawn without a look at whether
it can work, and hands are more or less steady. Labels (next.success, next.done, next.truncated) are true.

\b
pilotfish worlds demonstrate push data/push
pilotfish worlds demonstrate pick_place data/pick --episodes 800 --seed 7 --images
pilotfish train diffusion --task push --data data/push --out runs/push
"""


@app.command(help=DEMONSTRATE_HELP)
def demonstrate(
    task: Annotated[str, typer.Argument(help="pick_place, push, stack or detour.")],
    root: Annotated[Path, typer.Argument(help="Folder of the dataset; it must not exist.")],
    episodes: Annotated[int, typer.Option(min=1, help="How many.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the first episode; the next ones count up.")] = 100_000,
    images: Annotated[bool, typer.Option("--images", help="With a camera's pictures.")] = False,
) -> None:
    from rich.progress import Progress

    from pilotfish.worlds.manipulation.demonstrations import collect
    from pilotfish.worlds.registry import make_task

    arm = make_task(task, images)
    with Progress() as progress:
        bar = progress.add_task(task, total=episodes)
        collected = collect(arm, root, episodes, seed, lambda: progress.advance(bar))
    for strategy, outcomes in collected.outcomes.items():
        rate = f"{outcomes.mean():.0%} succeeded" if len(outcomes) else "never drawn"
        typer.echo(f"{strategy}: {len(outcomes)} episodes, {rate}")
    typer.echo(f"{root}: {episodes} episodes, {collected.success:.0%} succeeded")

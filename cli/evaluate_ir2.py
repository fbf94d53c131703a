"""``pilotfish eval ir2``: exploring teams on any maps, under intermittent radio."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

import typer

from pilotfish.cli.options import parse_counts, parse_seeds
from pilotfish.policies.registry import EXPLORATION_POLICIES

if TYPE_CHECKING:
    from pilotfish.policies.ir2.evaluation import Case

app = typer.Typer(pretty_exceptions_enable=False)

SAVED_EVERY = 30.0
"""Between two writes of the file of a running evaluation [s]."""

POLICIES = "\n".join(f"{name:18}  {what}" for name, (what, _) in EXPLORATION_POLICIES.items())

HELP = f"""
How far a team drives until every robot knows 99 % of the map, per policy, with 95 % intervals.

All policies meet the same starts and the same radio. `path_length` is the way of the robot that drives
most, in px; an episode that fails counts with the cap. `path_ratio` is relative to `full_comm` (a radio that
always reaches), `path_vs_baseline` to --baseline, by default the better of `hungarian` and
`hungarian_lastseen`; both are paired, with bootstrap intervals over the episodes (10,000 resamples).

\b
Policies (--policy), or the folder of a trained model:
{POLICIES}
rendezvous@SECONDS[@start], pursuit@WORTH: with other settings than their own (first meeting and its place;
way a pixel that a peer lacks is worth)

\b
Other metrics, means over the episodes (some are in the JSON file only):
success_rate: share of the episodes in which every robot came to know 99 %
makespan: time at the end, in s
decisions: of each robot
explored: share of the free space that is known to the robot that knows least
team_explored: share that anybody has scanned
path_to_team_99: driven when the team together knew 99 %, in px
connectivity: share of the time in which all robots were connected
pairs_connected: mean share of connected pairs
disconnect_mean, disconnect_longest: for how long a pair was apart, in s
overlap: area each robot scanned, summed, over their union; 1 is none
decision_us: CPU time of a robot's decision, in microseconds

The JSON file holds the rows, every pair of policies ("paired") and every episode. It is written while the
evaluation runs: after a kill, the same command with --resume goes on. A resumed file keeps the episodes that
it has, so policies and seeds can be added to it; start a new file when a policy has changed.

Caps: 5000 px on maps up to 640 px, 12000 px up to 1000 px, more on larger ones (and twice as many seconds,
for robots that wait); `--protocol published`: 196 or 384 decisions. 1 px is 1 m for the radio.

\b
pilotfish eval ir2 --maps "gen:hybrid?seed=900-909"
pilotfish eval ir2 --maps "gen:corridor?seed=900-929" --policy pursuit,hungarian,full_comm --json c.json
pilotfish eval ir2 --maps "gen:complex?seed=900-929" --robots 5 --radio closed --json x.json --resume
pilotfish eval ir2 --maps published/hybrid --protocol published --json hybrid.json
pilotfish eval ir2 --maps office.png --seeds 0-9 --policy pursuit,rendezvous --pictures pictures/
pilotfish eval ir2 --maps "gen:hybrid?seed=950" --robots 5 --policy territory --radio mid --film team.gif
"""


@app.command(help=HELP)
def ir2(
    maps: Annotated[
        list[str], typer.Option(help="A map, a file or folder of maps, or gen:FAMILY?...; may be repeated.")
    ],
    robots: Annotated[str, typer.Option(help="Sizes of teams, such as 4,5.")] = "4",
    seeds: Annotated[str, typer.Option(help="Seeds of start, radio and policies, on every map: 0-9.")] = "0",
    policy: Annotated[
        str, typer.Option(help="Names of the list above or models' folders, comma between.")
    ] = "ir2, territory, nearest, hungarian, hungarian_lastseen, full_comm",
    radio: Annotated[
        str, typer.Option(help="open, mid, closed, random (each episode another) or full; comma between.")
    ] = "random",
    protocol: Annotated[str, typer.Option(help="distance or published: what caps an episode.")] = "distance",
    cap: Annotated[
        float | None, typer.Option(help="Cap in px (published: in decisions) instead of the map's.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Policy that path_vs_baseline is relative to.")] = None,
    workers: Annotated[int, typer.Option(help="Processes to share the episodes.", min=1)] = 1,
    json: Annotated[Path | None, typer.Option("--json", help="Write rows and episodes here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the episodes in that file.")] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures: each policy's first episode of a set, and all that failed."),
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option(
            help="Video (.mp4, .gif) of the first policy's first episode; a picture lies beside it."
        ),
    ] = None,
) -> None:
    from pilotfish.policies.ir2.episode import Cap
    from pilotfish.policies.ir2.evaluation import Case, film_case, identity_of, picture_case
    from pilotfish.policies.registry import make_exploration_policy
    from pilotfish.worlds.exploration.radio import REGIMES
    from pilotfish.worlds.maps.load import load_maps

    policies = [name.strip() for name in policy.split(",")]
    for name in policies:
        make_exploration_policy(name)  # A typo should not cost the episodes before it.
    if baseline is not None and baseline not in policies:
        raise ValueError(f"baseline {baseline!r} is not among the policies {', '.join(policies)}")
    regimes = [name.strip() for name in radio.split(",")]
    for name in regimes:
        if name not in REGIMES:
            raise ValueError(f"radio {name!r}: choose one of {', '.join(REGIMES)}")
    if resume and json is None:
        raise ValueError("--resume goes on from a file: name it with --json FILE")
    if film is not None and film.suffix not in (".mp4", ".gif"):
        raise ValueError(f"--film {film}: the name of a video ends with .mp4 or .gif")
    every_seed = parse_seeds(seeds)
    cases = [
        Case(name, _set_name(path), grid, count, regime, seed, limit)
        for path in maps
        for grid in load_maps(path)
        for limit in [Cap.of(grid, protocol) if cap is None else Cap(protocol, cap)]
        for count in parse_counts(robots, "robots")
        for regime in regimes
        for seed in every_seed
        for name in policies
    ]
    # Ranges of seeds may overlap: an episode counts once.
    cases = list({identity_of(case.identity): case for case in cases}.values())
    episodes = _load(json) if resume and json is not None and json.exists() else []
    episodes = _run(cases, episodes, workers, json, every_seed, baseline)
    if pictures is not None:
        outcome = {identity_of(row): row for row in episodes}
        shown: set[tuple] = set()
        for case in cases:
            row = outcome[identity_of(case.identity)]
            group = (case.policy, case.set, case.robots, case.radio)
            if group not in shown or not row["success"]:
                shown.add(group)
                name = f"{case.policy}-{case.grid.name}-{case.robots}-{case.radio}-s{case.seed}.png"
                typer.echo(picture_case(case, pictures / name.replace("/", "_")))
    if film is not None:
        for path in film_case(cases[0], film):
            typer.echo(path)


def _run(
    cases: list[Case],
    episodes: list[dict[str, Any]],
    workers: int,
    file: Path | None,
    seeds: list[int],
    baseline: str | None,
) -> list[dict[str, Any]]:
    """Run the cases that have no episode yet, with a bar and a file that grows; print the rows."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from pilotfish.cli.report import mean_ci95, write_report
    from pilotfish.policies.ir2.comparison import summarise
    from pilotfish.policies.ir2.evaluation import identity_of, run_cases

    have = {identity_of(row) for row in episodes}
    left = [case for case in cases if identity_of(case.identity) not in have]
    if episodes:
        typer.echo(f"{len(cases) - len(left)} of {len(cases)} episodes are there already.")
    # Workers finish in any order; rows come in the order asked for, after those that were there.
    order = {identity_of(case.identity): place for place, case in enumerate(cases)}

    def write(complete: bool) -> tuple[list, list]:
        episodes.sort(key=lambda row: order.get(identity_of(row), -1))
        rows, pairs = summarise(episodes, mean_ci95, baseline)
        if file is not None:
            write_report(file, rows, seeds, complete=complete, paired=pairs, episodes=episodes)
        return rows, pairs

    columns = (
        TextColumn("episodes"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began = saved = time.monotonic()
    try:
        with Progress(*columns) as progress:
            bar = progress.add_task("episodes", total=len(left), rate="")
            for count, row in enumerate(run_cases(left, workers), 1):
                episodes.append(row)
                now = time.monotonic()
                progress.update(bar, advance=1, rate=f"{60 * count / (now - began):.1f} a minute")
                if now - saved >= SAVED_EVERY:
                    write(complete=False)
                    saved = time.monotonic()
    except BaseException:
        write(complete=False)  # A Ctrl-C or a policy that fails costs none of what is done.
        raise
    rows, _ = write(complete=True)
    _print(rows)
    return episodes


def _print(rows: list[dict[str, Any]]) -> None:
    """Two tables; what all rows share stands above them."""
    from pilotfish.cli.report import print_rows

    shared = [name for name in NAMES if len({row[name] for row in rows}) == 1]
    typer.echo(", ".join(f"{name} {rows[0][name]}" for name in shared))
    names = ["policy", *(name for name in NAMES if name not in shared)]
    for metrics in (PATHS, REST):
        print_rows(rows, names + [name for name in metrics if any(name in row for row in rows)])


NAMES = ("set", "robots", "radio", "protocol")
PATHS = ("n", "success_rate", "path_length", "path_ratio", "path_vs_baseline", "baseline")
REST = ("makespan", "connectivity", "disconnect_mean", "disconnect_longest", "overlap", "decision_us")


def _load(file: Path) -> list[dict[str, Any]]:
    """Episodes of a file that this command has written.

    Raises:
        ValueError: it holds none of that kind.
    """
    from pilotfish.policies.ir2.evaluation import identity_of

    try:
        episodes = json_module.loads(file.read_text(encoding="utf-8"))["episodes"]
        for row in episodes:
            row["set"] = _set_name(row["set"])  # older files name the seeds
        return list({identity_of(row): row for row in episodes}.values())
    except (AttributeError, KeyError, TypeError, json_module.JSONDecodeError) as error:
        raise ValueError(f"{file} does not hold episodes of pilotfish eval ir2 ({error!r})") from error


def _set_name(path: str) -> str:
    """Name of a map set: the last part of a path; of generated maps, what they are made with but their seeds.

    More seeds make a larger set, not another one: --resume can go on to them.
    """
    if not path.startswith("gen:"):
        return Path(path).name
    family, _, query = path.partition("?")
    options = parse_qsl(query, keep_blank_values=True)  # as load_maps reads it
    kept = "&".join(f"{name}={value}" for name, value in options if name != "seed")
    return f"{family}?{kept}" if kept else family

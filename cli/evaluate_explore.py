"""``pilotfish eval explore``: exploring teams of live ROS 2 nodes, policies on the same buildings."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pilotfish.cli.demo_explore import ROBOT, WHOLE
from pilotfish.cli.demo_parts import PATIENCE, use_own_domain
from pilotfish.cli.options import parse_seeds
from pilotfish.policies.exploration.wire import MAX_ROBOTS
from pilotfish.policies.registry import EXPLORATION_POLICIES

if TYPE_CHECKING:
    from pilotfish.ros_nodes.live_exploration import LiveExploration

app = typer.Typer(pretty_exceptions_enable=False)

METRICS = ("whole_after", "longest_way", "bytes_per_minute", "decision_p50_ms", "real_time_factor")

HELP = f"""
Let live teams explore, each robot on its own map in its own ROS 2 node, and compare policies: how long until
every map holds {WHOLE:.0%} of the free space.

All policies meet the same buildings, starts and radio. whole_after is in simulated seconds from the moment
when every robot has a map; a run that is not whole after --seconds, or whose nodes die, counts with them and
as no success. later is how much later than those of the first policy maps are whole, paired. longest_way [m]
is that of the robot that drives most, overlaps are collisions, bytes_per_minute is a mean over the robots,
decision_p50_ms the middle robot's. Live nodes are not repeatable to the last digit.

The fast simulator of `pilotfish eval ir2` runs hundreds of episodes in the time of one of these.

\b
pilotfish eval explore --maps "gen:offices?size=160x200&seed=31-33" --policy ir2,hungarian --radio closed
pilotfish eval explore --maps "gen:offices?seed=7" --robots 6 --backend pybullet --seconds 600 --json six.json
"""


@app.command(help=HELP)
def explore(
    maps: Annotated[
        list[str], typer.Option(help="A map, a file or folder, or gen:FAMILY?...; may be repeated.")
    ],
    robots: Annotated[int, typer.Option(min=1, max=MAX_ROBOTS, help="In the team.")] = 4,
    policy: Annotated[
        str, typer.Option(help=f"{', '.join(EXPLORATION_POLICIES)}, or models' folders; comma between.")
    ] = "ir2,hungarian",
    radio: Annotated[str, typer.Option(help="open, mid, closed, random or full.")] = "mid",
    backend: Annotated[str, typer.Option(help="grid (no physics) or pybullet.")] = "grid",
    seeds: Annotated[str, typer.Option(help="Of starts and radio, on every map: 0-2.")] = "0",
    seconds: Annotated[float, typer.Option(min=1.0, help="Simulated time of a run, at most.")] = 400.0,
    speed: Annotated[
        float, typer.Option(min=0.0, help="Simulated seconds a second; 0: as fast as it goes.")
    ] = 0.0,
    json: Annotated[Path | None, typer.Option("--json", help="Write rows and runs here.")] = None,
) -> None:
    from rich.progress import track

    from pilotfish.cli.report import print_rows, write_report
    from pilotfish.hardware.robots import get_robot
    from pilotfish.policies.exploration.warm_up import warm_up
    from pilotfish.ros_nodes.plan import plan_system
    from pilotfish.worlds.maps.load import each_map

    use_own_domain()
    numbers = parse_seeds(seeds)
    policies = [name.strip() for name in policy.split(",")]
    worlds = [world for path in maps for world in each_map(path)]
    cases = [
        {
            "world": world,
            "robots": robots,
            "policy": chosen,
            "radio": radio,
            "backend": backend,
            "seed": seed,
            "real_time_factor": speed,
        }
        for world in worlds
        for seed in numbers
        for chosen in policies
    ]
    for case in cases:
        # A typo should not cost the runs before it.
        plan_system("explore", [f"{key}:={value}" for key, value in case.items()])
    for name in policies:
        warm_up(name, get_robot(ROBOT))
    runs = []
    for case in track(cases, description="live teams"):
        runs.append(run_team(case, seconds))
        if json is not None:
            write_report(json, rows_of(runs), numbers, runs=runs)
    print_rows(rows_of(runs))


def run_team(case: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Let one team explore; a row of what was measured.

    Args:
        case: launch arguments of the system.
        seconds: simulated, at most.
    """
    from pilotfish.ros_nodes.live_exploration import LiveExploration

    options = {key: value for key, value in case.items() if key not in ("world", "robots")}
    row = {**case, "success": False, "whole_after": seconds, "trouble": ""}
    try:
        with LiveExploration(case["world"], case["robots"], **options) as team:
            row |= _watch(team, seconds)
    except TimeoutError as error:
        row["trouble"] = str(error)
    return row


def _watch(team: LiveExploration, seconds: float) -> dict[str, Any]:
    """Wait until all maps are whole, time is over, or a required node has died."""
    status, robots = team.status, team.robots
    clock, began = status.clock or 0.0, time.monotonic()

    def elapsed() -> float:
        return (status.clock or 0.0) - clock

    def over() -> bool:
        return min(team.known) >= WHOLE or elapsed() >= seconds or team.system.wait(0.0) is not None

    team.wait_for(over, 30.0 + PATIENCE * seconds, "the end of the run")
    whole, duration = min(team.known) >= WHOLE, elapsed()
    return {
        "success": whole,
        "whole_after": duration if whole else seconds,
        "known": min(team.known),
        "longest_way": float(team.world.get("longest_way", 0.0)),
        "overlaps": int(team.world.get("overlaps", 0)),
        "bytes_per_minute": mean(status.bytes_per_minute(robots)),
        "real_time_factor": duration / max(time.monotonic() - began, 1e-9),
        **status.latency_ms(),
        "trouble": "" if whole or duration >= seconds else f"a node has ended\n{team.last_words}",
    }


def rows_of(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a policy: means with 95 % intervals over its runs, and what ``later`` says in the help."""
    from pilotfish.cli.report import summarise
    from pilotfish.policies.ir2.comparison import wilson

    whole = {(run["policy"], run["world"], run["seed"]): run["whole_after"] for run in runs}
    first = runs[0]["policy"]
    rows = []
    for policy in dict.fromkeys(run["policy"] for run in runs):
        own = [run for run in runs if run["policy"] == policy]
        successes = sum(run["success"] for run in own)
        metrics = {
            name: values
            for name in METRICS
            if (values := [float(run[name]) for run in own if run.get(name) is not None])
        }
        if policy != first:
            metrics["later"] = [run["whole_after"] - whole[first, run["world"], run["seed"]] for run in own]
        rows.append(
            {
                "policy": policy,
                "robots": own[0]["robots"],
                "radio": own[0]["radio"],
                "backend": own[0]["backend"],
                "n": len(own),
                "success_rate": successes / len(own),
                "success_rate_ci95": wilson(successes, len(own)),
                "overlaps": sum(run.get("overlaps", 0) for run in own),
                **summarise(metrics),
            }
        )
    return rows

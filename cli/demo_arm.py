"""``pilotfish demo arm``: a simulated arm does a task on its table, led by a steered diffusion policy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pilotfish.cli.demo_parts import (
    START_TIMEOUT,
    Run,
    goes_on,
    make_folder,
    nothing_to_show,
    print_files,
    print_table,
    progress_bar,
    run_nodes,
    use_own_domain,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pilotfish.ros_nodes.launcher import Launcher
    from pilotfish.worlds.render.arm_trajectory import ArmTrajectory

app = typer.Typer(pretty_exceptions_enable=False)

ARM, POLICY = "manipulation_sim: arm", "policy: policy"
"""Names of the statuses of the simulator and of the policy's node."""
PAUSE = 1.0
"""Between two episodes [s, simulated], as in the arm's parameter file."""
PATIENCE = 3.0
"""An episode may take this many times its longest, on the wall clock."""
LONGEST_VIDEO = 30.0
"""More than this much of work is played faster [s]."""

HELP = """
Let a simulated arm do a task on its table, over ROS 2 topics: one node is the arm, another its policy, which
acts ten times a second. Shows figures, a recording (MCAP), a video, a GIF and a picture. Ctrl-C ends it early
and keeps what there is.

Tasks: push, pick_place, stack, detour. Policies: base (a mediocre diffusion policy), dsrl (the same, steered
through its noise), vgps (the best of 16 of its samples, by a value), and the others of `pilotfish eval dsrl`;
NAME=FOLDER takes a model of your own. Needs the install groups ros and manipulation.

\b
pilotfish demo arm
pilotfish demo arm --policy base --out outputs/arm_base
pilotfish demo arm --task stack --policy vgps --episodes 20
pilotfish demo arm --task push --policy dsrl=runs/push_steered/model
"""


@dataclass(frozen=True)
class Settings:
    """What to run, and where its results go."""

    task: str
    policy: str
    episodes: int
    speed: float
    seed: int
    out: Path

    @property
    def title(self) -> str:
        return f"{self.task}, {self.policy.partition('=')[0]}, PyBullet"


@app.command(help=HELP)
def arm(
    task: Annotated[str, typer.Option(help="push, pick_place, stack or detour.")] = "push",
    policy: Annotated[str, typer.Option(help="Any of `pilotfish eval dsrl`.")] = "dsrl",
    episodes: Annotated[int, typer.Option(min=1, help="How many attempts.")] = 8,
    speed: Annotated[float, typer.Option(min=0.1, help="Simulated seconds a second.")] = 1.0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("outputs/arm"),
    seed: Annotated[int, typer.Option(min=0, help="First start, and the policy's random draws.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="The figures, too.", show_default="OUT/summary.json")
    ] = None,
) -> None:
    from rich.console import Console

    settings = Settings(task, policy, episodes, speed, seed, out)
    console = Console()
    use_own_domain()
    started = time.monotonic()
    import rclpy  # noqa: F401  (without it, the error says at once which install group is missing)

    from pilotfish.cli.report import write_report
    from pilotfish.policies.registry import make_chunk_policy
    from pilotfish.worlds.manipulation.seeds import EVALUATION
    from pilotfish.worlds.registry import task_class
    from pilotfish.worlds.render.mcap import find_mcap

    task_class(task)
    with console.status("Loading the policy (once here, to see that all of it is there) ..."):
        make_chunk_policy(policy, task)
    make_folder(out)
    # The starts that `pilotfish eval` measures on: no shipped actor or critic was trained on them.
    arguments = {
        "task": task,
        "policy": policy,
        "real_time_factor": speed,
        "seed": EVALUATION.start + seed,
    }
    run = run_nodes(
        "manipulate", arguments, out, console, lambda run, nodes: _follow(settings, run, nodes, console)
    )
    trajectory = _load(settings, run)
    row = _figures(settings, trajectory, run)
    figures = json_file or out / "summary.json"
    outcomes = [
        {
            "start": EVALUATION.start + seed + one.number,
            "success": one.success,
            "seconds": round(one.end - one.start, 3),
        }
        for one in trajectory.decided
    ]
    write_report(figures, [row], seeds=[seed], outcomes=outcomes)
    _print_figures(console, row)
    files = {**_draw(settings, trajectory), "figures": figures, "recording": find_mcap(run.recording)}
    print_files(console, files, started)
    if run.trouble:
        raise typer.Exit(1)


def _follow(settings: Settings, run: Run, nodes: Launcher, console: Console) -> None:
    """Show the progress until the episodes are over, or a required node has died."""
    from pilotfish.worlds.manipulation.arm import CONTROL_RATE
    from pilotfish.worlds.registry import task_class

    longest = (task_class(settings.task).MAX_STEPS / CONTROL_RATE + PAUSE) / settings.speed

    def said(name: str) -> dict[str, str]:
        return run.status.statuses.get(name, ("", {}))[1]

    with progress_bar(console, "episodes") as progress:
        bar = progress.add_task("Starting the nodes", total=settings.episodes, facts="")

        def go_on(deadline: float) -> bool:
            policy = run.status.statuses.get(POLICY, ("nothing", {}))[0]
            state = f"{said(ARM).get('episodes_ended', 0)} episodes are over, the policy says: {policy}"
            return goes_on(run, nodes, console, deadline, state, alone=True)

        deadline = time.monotonic() + START_TIMEOUT
        while not (int(said(POLICY).get("chunks", 0)) and "episode" in said(ARM)):
            if not go_on(deadline):
                return
        # The episode that the policy came into may not be its own; the recording tells (see `led`).
        before = int(said(ARM)["episode"]) + 1
        run.clock_at_start, started = run.status.clock or 0.0, time.monotonic()
        deadline = started + 30.0 + PATIENCE * longest * (settings.episodes + 1)
        progress.update(bar, description="Working")
        while True:
            ended, elapsed = int(said(ARM)["episodes_ended"]), (run.status.clock or 0.0) - run.clock_at_start
            run.real_time_factor = round(elapsed / max(time.monotonic() - started, 1e-9), 3)
            facts = f"{said(ARM)['episodes_succeeded']} of {ended} succeeded"
            progress.update(bar, completed=min(max(ended - before, 0), settings.episodes), facts=facts)
            if ended - before >= settings.episodes or not go_on(deadline):
                return


def _load(settings: Settings, run: Run) -> ArmTrajectory:
    """The recorded run, from the start of the first episode that counts to the end of the last one."""
    from pilotfish.worlds.render.arm_recording import load_arm

    try:
        whole = load_arm(run.recording)
        counted = whole.led()[: settings.episodes]
        if not counted:
            raise ValueError("no episode was over that the policy had led from its start")
    except (FileNotFoundError, ValueError) as error:
        raise nothing_to_show(settings.out, error) from error
    return whole.between(counted[0].start, counted[-1].end)


def _figures(settings: Settings, trajectory: ArmTrajectory, run: Run) -> dict[str, Any]:
    """One flat row."""
    from pilotfish.policies.ir2.comparison import wilson

    episodes = trajectory.decided
    done = [episode.end - episode.start for episode in episodes if episode.success]
    said = trajectory.reports.get(POLICY, {})

    def number(key: str) -> float | None:
        return float(said[key]) if key in said else None

    def count(key: str) -> int | None:
        return int(said[key]) if key in said else None

    period = number("period_p50_ms")
    return {
        "policy": settings.policy,
        "task": settings.task,
        "backend": "pybullet",
        "seed": settings.seed,
        "n": len(episodes),
        "successes": len(done),
        "success_rate": len(done) / len(episodes),
        "success_rate_ci95": wilson(len(done), len(episodes)),
        "seconds_to_success": round(mean(done), 2) if done else None,
        "rate_hz": round(1000 / period, 2) if period else None,
        "period_p99_ms": number("period_p99_ms"),
        "latency_p50_ms": number("latency_p50_ms"),
        "latency_p99_ms": number("latency_p99_ms"),
        "chunks": count("chunks"),
        "late_chunks": count("late_chunks"),
        "held_ticks": count("held_ticks"),
        "real_time_factor": run.real_time_factor,
        "trouble": run.trouble,
    }


def _print_figures(console: Console, row: dict[str, Any]) -> None:
    def said(key: str, form: str) -> str:
        return "not reported" if row[key] is None else form.format(row[key])

    low, high = row["success_rate_ci95"]
    print_table(
        console,
        [
            ("succeeded", f"{row['successes']} of {row['n']} episodes"),
            ("", f"{row['success_rate']:.0%}, 95 % interval {low:.0%} to {high:.0%}"),
            ("time to success", said("seconds_to_success", "{:.1f} s")),
            ("actions", said("rate_hz", "{:.1f} a second")),
            ("", said("period_p99_ms", "{:.0f} ms between two of them, 99th percentile")),
            ("policy latency", said("latency_p50_ms", "{:.1f} ms median")),
            ("", said("latency_p99_ms", "{:.1f} ms 99th percentile")),
            ("late chunks", said("late_chunks", "{}") + said("chunks", " of {}")),
            ("real-time factor", said("real_time_factor", "{:.2f}")),
        ],
    )


def _draw(settings: Settings, trajectory: ArmTrajectory) -> dict[str, Path]:
    """The videos and the picture, by what to call them."""
    from pilotfish.worlds.render.arm_replay import film_arm, picture_arm

    out, title = settings.out, settings.title
    return {
        "video": film_arm(trajectory, out / "arm.mp4", title=title, longest=LONGEST_VIDEO),
        "GIF": film_arm(trajectory, out / "arm.gif", title=title, longest=LONGEST_VIDEO),
        "picture": picture_arm(trajectory, out / "arm.png", title=title),
    }

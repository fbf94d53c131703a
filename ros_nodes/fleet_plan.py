"""A fleet of robots that delivers goal after goal, each robot led by its own learned policy.

Processes: the simulator (the only one that knows the whole fleet), the radio between neighbours, the task
node that hands out goals, and follower hosts that hold the robots' nodes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pilotfish.policies.registry import FLEET_POLICIES, make_fleet_policy
from pilotfish.ros_nodes.plan import NodeSpec, PlanArgument, check_run, share_file
from pilotfish.worlds.registry import ANSWERED_ELSEWHERE, FLEET_BACKENDS, fleet_backend

ROBOTS_PER_PROCESS = 16
"""A process of its own for each robot would cost 70 MB and half a second of start-up a robot."""

ARGUMENTS = [
    PlanArgument("world", "warehouse", "Map: a name, a file, FILE#NAME or gen:FAMILY?..."),
    PlanArgument("robots", 16, "Number of robots."),
    PlanArgument(
        "backend", "grid", "Who answers the robots' topics.", choices=(*FLEET_BACKENDS, *ANSWERED_ELSEWHERE)
    ),
    PlanArgument(
        "policy",
        "follower",
        f"Policy of every robot: {', '.join(FLEET_POLICIES)}, a model's folder or onnx:FILE.",
    ),
    PlanArgument("params_file", "", "Parameter YAML; launch/params/fleet.yaml of the package if empty."),
    PlanArgument("namespace", "", "Namespace of the whole system."),
    PlanArgument("use_sim_time", True, "Follow the simulator's /clock."),
    PlanArgument("record", "", "Write an MCAP recording to this path."),
    PlanArgument("seed", 0, "Starts, goals and every random draw."),
    PlanArgument("processes", 0, f"Processes the robots are spread over; 0: one per {ROBOTS_PER_PROCESS}."),
    PlanArgument("real_time_factor", 1.0, "Simulated seconds a second; 0: as fast as it goes."),
]


def plan(
    *,
    world: str,
    robots: int,
    backend: str,
    policy: str,
    params_file: str,
    namespace: str,
    use_sim_time: bool,
    record: str,
    seed: int,
    processes: int,
    real_time_factor: float,
) -> list[NodeSpec]:
    """The fleet's processes; the arguments are described in ``ARGUMENTS``.

    Raises:
        ValueError: a number is out of its range, ``record`` exists, the back end is not built, or there is no
            such policy.
        FileNotFoundError: ``params_file``, or the policy's file, does not exist.
    """
    if robots < 1:
        raise ValueError(f"robots:={robots}: a fleet has at least one robot")
    if processes < 0:
        raise ValueError(f"processes:={processes}: write 0 or more")
    if real_time_factor < 0:
        raise ValueError(f"real_time_factor:={real_time_factor}: write 0 or more")
    check_run(record, seed)
    if not use_sim_time and real_time_factor != 1:
        raise ValueError(
            f"real_time_factor:={real_time_factor} needs use_sim_time:=true: on the wall clock the robots "
            "would take the simulator's stamps for old or from the future, and stand still"
        )
    fleet_backend(backend)
    make_fleet_policy(policy)  # Where it cannot be made, hosts would be started again and again.
    params = share_file("launch/params/fleet.yaml") if not params_file else Path(params_file).resolve()
    if not params.is_file():
        raise FileNotFoundError(f"params_file:={params_file}: no such file")

    fleet = {"world": world, "robots": robots, "seed": seed}
    clock = {"use_sim_time": use_sim_time}

    def node(name: str, parameters: dict, executable: str = "", **options: Any) -> NodeSpec:
        return NodeSpec(
            executable or f"{name}_node",
            name,
            namespace=namespace,
            parameters=parameters,
            params_files=(str(params),),
            environment={"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
            **options,
        )

    pace = {"real_time_factor": real_time_factor, "wall_clock": not use_sim_time}
    specs = [
        node("fleet_sim", fleet | {"backend": backend} | pace, required=True),
        node("radio", fleet | clock, respawn=True),
        node("task", fleet | clock, respawn=True),
    ]
    hosts = min(processes or math.ceil(robots / ROBOTS_PER_PROCESS), robots)
    for index in range(hosts):
        first, end = robots * index // hosts, robots * (index + 1) // hosts
        share = {"first": first, "count": end - first, "policy": policy}
        specs.append(
            node(
                f"follower_host_{index}",
                fleet | clock | share,
                executable="follower_host",
                respawn=True,
            )
        )
    if record:
        specs.append(node("recorder", fleet | clock | {"path": str(Path(record).resolve())}))
    return specs

"""A team of robots that explores an unknown building, each on its own map, under a radio that comes and goes.

Processes: the simulator, the radio that relays only what the model lets through, and explorer hosts that
hold the robots' nodes.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from pilotfish.policies.exploration.wire import MAX_ROBOTS
from pilotfish.policies.registry import EXPLORATION_POLICIES, make_exploration_policy
from pilotfish.ros_nodes.plan import NodeSpec, PlanArgument, check_run, share_file
from pilotfish.worlds.exploration.radio import REGIMES
from pilotfish.worlds.maps.load import load_map
from pilotfish.worlds.registry import ANSWERED_ELSEWHERE, LASER_BACKENDS, laser_backend

ROBOTS_PER_PROCESS = 2

MARGIN = 1.0
"""Robots' maps begin and end this far outside of the building [m]."""

EXPECTED_CELL = 0.1
"""Policies count in cells, and expect a laser of 8 m to reach about 80 of them [m]."""

ARGUMENTS = [
    PlanArgument(
        "world", "gen:offices?size=160x200&seed=3", "Map: a name, a file, FILE#NAME or gen:FAMILY?..."
    ),
    PlanArgument("robots", 4, f"Number of robots, {MAX_ROBOTS} at most."),
    PlanArgument(
        "backend", "grid", "Who answers the robots' topics.", choices=(*LASER_BACKENDS, *ANSWERED_ELSEWHERE)
    ),
    PlanArgument(
        "policy", "ir2", f"Policy of every robot: {', '.join(EXPLORATION_POLICIES)} or a model's folder."
    ),
    PlanArgument("radio", "random", "How far the radio reaches.", choices=REGIMES),
    PlanArgument("params_file", "", "Parameter YAML; launch/params/explore.yaml of the package if empty."),
    PlanArgument("namespace", "", "Namespace of the whole system."),
    PlanArgument("use_sim_time", True, "Follow the simulator's /clock."),
    PlanArgument("rviz", False, "Start RViz, too, where ROS has it."),
    PlanArgument("record", "", "Write an MCAP recording to this path."),
    PlanArgument("seed", 0, "Starts, radio and every random draw."),
    PlanArgument("processes", 0, f"Processes the robots are spread over; 0: one per {ROBOTS_PER_PROCESS}."),
    PlanArgument("real_time_factor", 1.0, "Simulated seconds a second; 0: as fast as it goes."),
]


def plan(
    *,
    world: str,
    robots: int,
    backend: str,
    policy: str,
    radio: str,
    params_file: str,
    namespace: str,
    use_sim_time: bool,
    rviz: bool,
    record: str,
    seed: int,
    processes: int,
    real_time_factor: float,
) -> list[NodeSpec]:
    """The team's processes; the arguments are described in ``ARGUMENTS``.

    Raises:
        ValueError: a number is out of its range, ``record`` exists, the back end is not built, there is no
            such policy or map.
        FileNotFoundError: ``params_file`` does not exist.
    """
    if robots < 1:
        raise ValueError(f"robots:={robots}: a team has at least one robot")
    if robots > MAX_ROBOTS:
        raise ValueError(f"robots:={robots}: a team has at most {MAX_ROBOTS} robots")
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
    laser_backend(backend)
    make_exploration_policy(policy)  # Where it cannot be made, hosts would be started again and again.
    grid = load_map(world)
    if not 0.5 <= grid.resolution / EXPECTED_CELL <= 2:
        print(
            f"Warning: {world} has cells of {grid.resolution:g} m, and exploration policies expect about "
            f"{EXPECTED_CELL:g} m: choose a map at real scale, such as gen:offices?seed=3",
            file=sys.stderr,
        )
    params = share_file("launch/params/explore.yaml") if not params_file else Path(params_file).resolve()
    if not params.is_file():
        raise FileNotFoundError(f"params_file:={params_file}: no such file")

    team = {"robots": robots, "seed": seed}
    clock = {"use_sim_time": use_sim_time}
    # All that explorers know of the building: a rectangle that it lies in, and its cells' size.
    area = {
        "map_origin": [edge - MARGIN for edge in map(float, grid.origin)],
        "map_size": [cells * grid.resolution + 2 * MARGIN for cells in (grid.width, grid.height)],
        "map_resolution": float(grid.resolution),
    }

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

    simulated = team | {"world": world}
    pace = {"real_time_factor": real_time_factor, "wall_clock": not use_sim_time}
    specs = [
        node("explore_sim", simulated | {"backend": backend} | pace, required=True),
        node("exploration_radio", simulated | clock | {"radio": radio}, respawn=True),
    ]
    hosts = min(processes or math.ceil(robots / ROBOTS_PER_PROCESS), robots)
    for index in range(hosts):
        first, end = robots * index // hosts, robots * (index + 1) // hosts
        share = {"first": first, "count": end - first, "policy": policy}
        specs.append(
            node(
                f"explorer_host_{index}",
                team | clock | area | share,
                executable="explorer_host",
                respawn=True,
            )
        )
    if record:
        path = str(Path(record).resolve())
        specs.append(node("recorder", {"robots": robots, "system": "explore", "path": path} | clock))
    if rviz:
        view = ("-d", str(share_file("launch/explore.rviz")))
        specs.append(NodeSpec("rviz2", "rviz2", "rviz2", namespace, clock, arguments=view, program=True))
    return specs

"""An arm that does a task on its table, led by a diffusion policy, steered or guided as asked for.

Processes: the simulated arm, and the policy's node; on a robot only the latter.
"""

from __future__ import annotations

from pathlib import Path

from pilotfish.policies.models import find_model
from pilotfish.policies.registry import MANIPULATION_POLICIES
from pilotfish.ros_nodes.plan import NodeSpec, PlanArgument, check_run, share_file
from pilotfish.worlds.registry import MANIPULATION_TASKS

ARGUMENTS = [
    PlanArgument("task", "push", "What to do.", choices=tuple(MANIPULATION_TASKS)),
    PlanArgument(
        "policy",
        "dsrl",
        f"What leads it: {', '.join(MANIPULATION_POLICIES)}, one of them with =FOLDER, or a LeRobot folder.",
    ),
    PlanArgument("base", "", "Diffusion policy it is over (model or folder), if not the task's own."),
    PlanArgument(
        "backend", "pybullet", "Who answers the arm's topics.", choices=("pybullet", "gazebo", "hardware")
    ),
    PlanArgument("mapping", "", "Topics to features, YAML; launch/params/arm_TASK.yaml if empty."),
    PlanArgument("mode", "continuous", "When the policy acts.", choices=("continuous", "on_request")),
    PlanArgument("params_file", "", "Parameter YAML; launch/params/manipulate.yaml if empty."),
    PlanArgument("namespace", "", "Namespace of the whole system."),
    PlanArgument("use_sim_time", True, "Follow the simulator's /clock; hardware has the time of day."),
    PlanArgument("auto_reset", True, "Begin the next episode when one is over (simulation)."),
    PlanArgument("record", "", "Write an MCAP recording to this path."),
    PlanArgument("seed", 0, "Of the first episode and of the policy's draws."),
    PlanArgument("real_time_factor", 1.0, "Simulated seconds a second."),
]


def plan(
    *,
    task: str,
    policy: str,
    base: str,
    backend: str,
    mapping: str,
    mode: str,
    params_file: str,
    namespace: str,
    use_sim_time: bool,
    auto_reset: bool,
    record: str,
    seed: int,
    real_time_factor: float,
) -> list[NodeSpec]:
    """The arm's processes; the arguments are described in ``ARGUMENTS``.

    Raises:
        ValueError: a number is out of its range, ``record`` exists, the back end is not built, or there is no
            such policy or model.
        FileNotFoundError: a file does not exist.
    """
    if backend == "gazebo":
        raise ValueError("backend:=gazebo is not there yet for the arm: choose pybullet or hardware")
    if real_time_factor <= 0:
        raise ValueError(f"real_time_factor:={real_time_factor}: write a positive number")
    check_run(record, seed)
    if not use_sim_time and real_time_factor != 1:
        raise ValueError(f"real_time_factor:={real_time_factor} needs use_sim_time:=true")
    # Where it cannot be made, the node would be started again and again.
    if policy.partition("=")[0].split("@")[0] not in MANIPULATION_POLICIES:
        if not (Path(policy) / "config.json").is_file():
            known = ", ".join(MANIPULATION_POLICIES)
            raise ValueError(
                f"policy:={policy}: choose one of {known}, or the folder of a LeRobot checkpoint"
            )
        policy = str(Path(policy).resolve())
    elif "=" in policy:
        name, _, folder = policy.partition("=")
        policy = f"{name}={_model(folder)}"
    base = _model(base) if base else ""
    params = _file("params_file", params_file, "launch/params/manipulate.yaml")
    topics = _file("mapping", mapping, f"launch/params/arm_{task}.yaml")

    def node(executable: str, name: str, parameters: dict, **options) -> NodeSpec:
        return NodeSpec(
            executable,
            name,
            namespace=namespace,
            parameters=parameters,
            params_files=(str(params),),
            environment={"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            **options,
        )

    clock = {"use_sim_time": use_sim_time and backend != "hardware"}
    leads = {
        "policy": policy,
        "base": base,
        "task": task,
        "mapping": str(topics),
        "mode": mode,
        "seed": seed,
    } | clock
    specs = [node("policy_node", "policy", leads, respawn=True)]
    if backend == "pybullet":
        pace = {"real_time_factor": real_time_factor, "wall_clock": not use_sim_time}
        arm = {"task": task, "seed": seed, "auto_reset": auto_reset} | pace
        specs.insert(0, node("manipulation_sim_node", "manipulation_sim", arm, required=True))
    if record:
        path = {"path": str(Path(record).resolve()), "system": "manipulate", "robots": 1, "rate": 0.0}
        specs.append(node("recorder_node", "recorder", path | clock))
    return specs


def _model(name: str) -> str:
    """A model folder from anywhere, or the name of a shipped model. Raises ValueError for neither."""
    path = find_model(name).path
    return str(path.resolve()) if Path(name).is_dir() else name


def _file(argument: str, given: str, default: str) -> Path:
    path = Path(given).resolve() if given else share_file(default)
    if not path.is_file():
        raise FileNotFoundError(f"{argument}:={given}: no such file")
    return path

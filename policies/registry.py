"""Policies by name: what is listed here runs in the evaluation, the nodes and the contract tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.fleet import FleetPolicy
from pilotfish.policies.manipulation.chunks import ChunkPolicy


def _learned(folder: str, name: str = "", **overrides) -> FleetPolicy:
    from pilotfish.policies.follower.policy import FollowerPolicy

    policy = FollowerPolicy.from_pretrained(folder, **overrides)
    policy.name = name or policy.name
    return policy


def _planned(name: str, **settings) -> FleetPolicy:
    from pilotfish.policies.follower.planned import PlannedPolicy

    return PlannedPolicy(name, **settings)


def _random() -> FleetPolicy:
    from pilotfish.policies.follower.peers import RandomPolicy

    return RandomPolicy()


FLEET_POLICIES: dict[str, tuple[str, Callable[[], FleetPolicy]]] = {
    "follower": (
        "learned, same information: decides when to follow its path",
        lambda: _learned("follower/follower"),
    ),
    "follower_pibt": (
        "learned wishes, resolved by priority inheritance with neighbours",
        lambda: _learned("follower/follower", "follower_pibt", negotiate=True),
    ),
    "follow": (
        "planner only, same information: always follows the planned path",
        lambda: _planned("follow", negotiate=False),
    ),
    "pibt": (
        "priority inheritance on plain distances, with neighbours",
        lambda: _planned("pibt", static=False, dynamic_weight=0.0, lane_cost=0.0),
    ),
    "pibt_congestion": (
        "priority inheritance on static congestion costs, with neighbours",
        lambda: _planned("pibt_congestion", dynamic_weight=0.0, lane_cost=0.0),
    ),
    "planner_pibt": (
        "the follower's planner and priority inheritance, with neighbours",
        lambda: _planned("planner_pibt"),
    ),
    "random": ("uniformly random actions", _random),
}
"""Name -> (what it is, how to make it)."""


def make_fleet_policy(name: str) -> FleetPolicy:
    """A fleet policy by registered name, model folder, or ``onnx:FILE`` (Learn to Follow's input).

    Raises:
        ValueError: nothing answers to the name; the message lists what does.
    """
    if name.startswith("onnx:"):
        from pilotfish.policies.follower.peers import OnnxPeer

        return OnnxPeer(name.removeprefix("onnx:"))
    if name in FLEET_POLICIES:
        return FLEET_POLICIES[name][1]()
    if (Path(name) / "config.json").is_file():
        return _learned(name)
    known = ", ".join(FLEET_POLICIES)
    raise ValueError(f"no fleet policy {name!r}: choose one of {known}, a model folder, or onnx:FILE")


def _explorer(kind: str, name: str, **settings) -> ExplorationPolicy:
    from pilotfish.policies.ir2 import planned

    return getattr(planned, kind)(name, **settings)


def _territory() -> ExplorationPolicy:
    from pilotfish.policies.ir2.territory import TerritoryPolicy

    return TerritoryPolicy("territory")


def _learned_explorer(folder: str) -> ExplorationPolicy:
    from pilotfish.policies.ir2.policy import IR2Policy

    return IR2Policy.from_pretrained(folder)


EXPLORATION_POLICIES: dict[str, tuple[str, Callable[[], ExplorationPolicy]]] = {
    "ir2": (
        "learned: the expert; frontiers that, by a network, together hide little come last",
        lambda: _learned_explorer("ir2/ir2"),
    ),
    "nearest": ("the nearest frontier", lambda: _explorer("NearestFrontier", "nearest")),
    "greedy": (
        "frontier size minus way, in turn within the component",
        lambda: _explorer("UtilityMinusCost", "greedy"),
    ),
    "hungarian": (
        "frontiers assigned within the component, least sum of ways",
        lambda: _explorer("Hungarian", "hungarian"),
    ),
    "hungarian_lastseen": (
        "the same, with the others at their last known places",
        lambda: _explorer("Hungarian", "hungarian_lastseen", last_seen=True),
    ),
    "rendezvous": (
        "hungarian, and meetings at a fixed place and fixed times",
        lambda: _explorer("PlannedRendezvous", "rendezvous"),
    ),
    "pursuit": (
        "hungarian, and detours to peers that lack much",
        lambda: _explorer("Pursuit", "pursuit"),
    ),
    "territory": (
        "the expert: own parts while apart, taking over, hunting who lacks something",
        _territory,
    ),
    "full_comm": (
        "hungarian with a radio that always reaches: the optimistic bound",
        lambda: _explorer("FullCommunication", "full_comm"),
    ),
}
"""Name -> (what it is, how to make one robot's)."""


_TUNABLE: dict[str, tuple[str, dict[str, Callable[[str], Any]]]] = {
    "rendezvous": ("PlannedRendezvous", {"period": float, "place": str}),
    "pursuit": ("Pursuit", {"worth": float}),
}
"""Planners whose settings may follow the name: class, and the settings in their order."""


def make_exploration_policy(name: str) -> ExplorationPolicy:
    """What leads one explorer, by registered name or model folder.

    Settings of ``rendezvous`` and ``pursuit`` may follow: ``rendezvous@800``, ``rendezvous@800@start``,
    ``pursuit@0.01``.

    Raises:
        ValueError: nothing answers to the name; the message lists what does. Or a setting cannot be.
    """
    if name in EXPLORATION_POLICIES:
        return EXPLORATION_POLICIES[name][1]()
    planner, *values = name.split("@")
    if values and planner in _TUNABLE:
        kind, settings = _TUNABLE[planner]
        if len(values) > len(settings):
            raise ValueError(f"{name!r}: after {planner} follow at most {', '.join(settings)}")
        pairs = zip(settings.items(), values, strict=False)
        try:
            return _explorer(kind, name, **{key: convert(value) for (key, convert), value in pairs})
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from None
    if (Path(name) / "config.json").is_file():
        return _learned_explorer(name)
    known = ", ".join(EXPLORATION_POLICIES)
    raise ValueError(f"no exploration policy {name!r}: choose one of {known}, or a model folder")


def _arm(maker: str, *arguments: str) -> Callable[..., ChunkPolicy]:
    def make(task: str, folder: str, base: str, **settings: float) -> ChunkPolicy:
        from pilotfish.policies.manipulation import compose

        return getattr(compose, maker)(task, *arguments, folder=folder, base=base, **settings)

    return make


MANIPULATION_POLICIES: dict[str, tuple[str, Callable[..., ChunkPolicy]]] = {
    "base": ("the diffusion policy as it is", _arm("sampled")),
    "w0": ("its noise held at zero", _arm("zero")),
    "wbest": ("its noise held at the best constant of a search", _arm("best_constant")),
    "dsrl_sac": ("noise chosen by an actor, trained by SAC in noise space", _arm("steered", "sac")),
    "dsrl": ("noise chosen by an actor, trained by noise aliasing", _arm("steered", "na")),
    "random_k": ("one of 16 chunks of the base policy, at random", _arm("guided", "base", "random")),
    "vgps": ("the best of 16 chunks of the base policy, by a value", _arm("guided")),
    "dsrl+vgps": ("the best of 16 chunks around the steered one", _arm("guided", "steered")),
}
"""Name -> (what it is, how to make it of a task's name, a model folder or "", and a base policy or "")."""


def _numbers(name: str, kind: str, numbers: list[str]) -> dict[str, float]:
    """K and temperature behind the name of a guided policy."""
    if not numbers:
        return {}
    try:
        if len(numbers) > {"random_k": 1, "vgps": 2, "dsrl+vgps": 2}.get(kind, 0):
            raise ValueError
        return dict(zip(("k", "temperature"), (int(numbers[0]), *map(float, numbers[1:])), strict=False))
    except ValueError:
        raise ValueError(
            f"policy {name!r}: write random_k@K, vgps@K or vgps@K@TEMPERATURE, such as vgps@16@0.1"
        ) from None


def make_chunk_policy(name: str, task: str = "", base: str = "") -> ChunkPolicy:
    """What leads an arm: a registered name for a task, NAME=FOLDER, or a LeRobot checkpoint's folder.

    Guided ones take their numbers behind the name: ``vgps@K`` or ``vgps@K@TEMPERATURE``, then =FOLDER.

    Args:
        base: a diffusion policy in place of the task's own, by model name or folder.

    Raises:
        ValueError: nothing answers to the name; the message lists what does.
        FileNotFoundError: a model lacks a file.
    """
    numbered, _, folder = name.partition("=")
    kind, *numbers = numbered.split("@")
    if kind in MANIPULATION_POLICIES:
        return MANIPULATION_POLICIES[kind][1](task, folder, base, **_numbers(name, kind, numbers))
    if (Path(name) / "config.json").is_file():
        from pilotfish.policies.manipulation.lerobot_policy import LeRobotPolicy
        from pilotfish.worlds.registry import sentence_of

        return LeRobotPolicy(name, sentence_of(task))
    known = ", ".join(MANIPULATION_POLICIES)
    raise ValueError(
        f"no arm policy {name!r}: choose one of {known}, one of them with =FOLDER, or a folder of LeRobot's"
    )

"""Fleet policies by name: what is listed here runs in the evaluation, the nodes and the contract tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pilotfish.policies.fleet import FleetPolicy


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

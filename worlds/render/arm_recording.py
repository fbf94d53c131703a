"""A recording of an arm (MCAP) as a trajectory.

Times are those of the recorder: half of the topics carry no stamp, and on a robot the stamps of the others
may come from another clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore

from pilotfish.worlds.render.arm_trajectory import SAME_MOMENT, ArmTrajectory, Episode
from pilotfish.worlds.render.mcap import read_messages
from pilotfish.worlds.render.recording import yaw_of

MARKS = ("hand_pose", "hand_twist", "policy/status")
"""A recording with one of these topics is of an arm."""


def holds_arm(path: Path | str) -> bool:
    """Whether a recording is one of an arm."""
    return any(f"/{message.topic}".endswith(tuple(f"/{m}" for m in MARKS)) for message in read_messages(path))


@dataclass
class _Heard:
    """What was recorded; the first of each tuple is the time [s]."""

    hands: list[tuple[float, ...]] = field(default_factory=list)
    joints: list[tuple[float, NDArray]] = field(default_factory=list)
    joint_names: tuple[str, ...] = ()
    things: list[tuple[float, NDArray]] = field(default_factory=list)
    thing_names: tuple[str, ...] = ()
    twists: list[tuple[float, ...]] = field(default_factory=list)
    grips: list[tuple[float, ...]] = field(default_factory=list)
    begun: list[tuple[float, int]] = field(default_factory=list)
    judged: list[tuple[float, bool]] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    reports: dict[str, dict[str, str]] = field(default_factory=dict)


def load_arm(path: Path | str) -> ArmTrajectory:
    """Trajectory of the arm whose ``hand_pose`` a recording holds; its time begins with 0.

    Joints, things, commands and episodes are taken where they were recorded; without episodes (on a robot
    there are none to record) all of it counts as one that was never decided.

    Args:
        path: an MCAP file, complete or cut off, or a rosbag2 folder with one.

    Raises:
        FileNotFoundError: there is no recording.
        ValueError: it is no MCAP file, or lacks the hand's pose; the message lists the topics that there are.
    """
    heard, topics = _Heard(), set()
    store = get_typestore(Stores.ROS2_KILTED)
    for message in read_messages(path):
        topics.add(message.topic)
        take = TAKEN.get((message.topic.rsplit("/", 1)[-1], message.type_name.rsplit("/", 1)[-1]))
        if take is not None:
            take(heard, message.log_time, store.deserialize_cdr(message.data, message.type_name))
    if not heard.hands:
        there = ", ".join(sorted(topics)) or "nothing"
        raise ValueError(f"{path} has no hand_pose with messages; it holds {there}")
    hands = np.array(heard.hands)
    start, times = hands[0, 0], hands[:, 0] - hands[0, 0]
    return ArmTrajectory(
        times=times,
        hands=hands[:, 1:].astype(np.float32),
        joints=_nearest(heard.joints, hands[:, 0]),
        joint_names=heard.joint_names,
        things=_nearest(heard.things, hands[:, 0]),
        thing_names=heard.thing_names,
        twists=_since(start, heard.twists, 5),
        grips=_since(start, heard.grips, 2),
        episodes=_episodes(heard, start, float(times[-1])),
        task=heard.said.get("task", ""),
        policy=heard.said.get("policy", ""),
        reports=heard.reports,
    )


def _on_pose(heard: _Heard, time: float, message: Any) -> None:
    place, turn = message.pose.position, message.pose.orientation
    heard.hands.append((time, place.x, place.y, place.z, yaw_of(turn)))


def _on_joints(heard: _Heard, time: float, message: Any) -> None:
    names = tuple(message.name)
    if not heard.joint_names:
        heard.joint_names = names
    if names == heard.joint_names and len(message.position) == len(names):
        heard.joints.append((time, np.asarray(message.position, np.float32)))


def _on_things(heard: _Heard, time: float, message: Any) -> None:
    names = tuple(message.layout.dim[0].label.split(",")) if message.layout.dim else ()
    if not heard.thing_names:
        heard.thing_names = names
    if names == heard.thing_names and len(message.data) == len(names):
        heard.things.append((time, np.asarray(message.data, np.float32)))


def _on_twist(heard: _Heard, time: float, message: Any) -> None:
    linear = message.twist.linear
    heard.twists.append((time, linear.x, linear.y, linear.z, message.twist.angular.z))


def _on_gripper(heard: _Heard, time: float, message: Any) -> None:
    if message.points:
        heard.grips.append((time, float(np.sum(message.points[-1].positions))))


def _on_status(heard: _Heard, time: float, message: Any) -> None:
    try:
        said = json.loads(message.data)
    except ValueError:
        return  # somebody else's status
    if isinstance(said, dict):
        heard.said |= {name: str(said[name]) for name in ("task", "policy") if name in said}


def _on_diagnostics(heard: _Heard, time: float, message: Any) -> None:
    for status in message.status:
        heard.reports[status.name] = {pair.key: pair.value for pair in status.values}


TAKEN: dict[tuple[str, str], Callable[[_Heard, float, Any], None]] = {
    ("hand_pose", "PoseStamped"): _on_pose,
    ("joint_states", "JointState"): _on_joints,
    ("things", "Float32MultiArray"): _on_things,
    ("hand_twist", "TwistStamped"): _on_twist,
    ("gripper", "JointTrajectory"): _on_gripper,
    ("episode", "Int64"): lambda heard, time, message: heard.begun.append((time, int(message.data))),
    ("success", "Bool"): lambda heard, time, message: heard.judged.append((time, bool(message.data))),
    ("status", "String"): _on_status,
    ("diagnostics", "DiagnosticArray"): _on_diagnostics,
}
"""(last part of a topic, last part of its type) -> what is made of a message."""


def _nearest(rows: list[tuple[float, NDArray]], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 [T, K] the values that were recorded nearest to each time; [T, 0] of no rows."""
    if not rows:
        return np.zeros((len(times), 0), np.float32)
    stamps = np.array([stamp for stamp, _ in rows])
    after = np.searchsorted(stamps, times).clip(1, max(len(rows) - 1, 1))
    last = np.minimum(after, len(rows) - 1)
    nearer = np.where(times - stamps[after - 1] <= stamps[last] - times, after - 1, last)
    return np.stack([values for _, values in rows])[nearer]


def _since(start: float, rows: list[tuple[float, ...]], columns: int) -> NDArray[np.float64]:
    """float64 [K, columns] of rows; their times count from ``start``."""
    table = np.array(rows, np.float64).reshape(-1, columns)
    table[:, 0] -= start
    return table


def _episodes(heard: _Heard, start: float, duration: float) -> tuple[Episode, ...]:
    """The simulator says ``success`` False when an episode begins, and what came of it when it is over.

    What it says after that is of a success that came too late.
    """
    if not heard.begun:
        return (Episode(0, 0.0, duration, None),)
    episodes = []
    stops = [time for time, _ in heard.begun[1:]] + [np.inf]
    for (begin, number), stop in zip(heard.begun, stops, strict=True):
        words = [
            (time, done) for time, done in heard.judged if begin + SAME_MOMENT < time < stop - SAME_MOMENT
        ]
        success = words[0][1] if words else None
        end = min(words[0][0] if words else stop, start + duration) - start
        episodes.append(Episode(number, begin - start, end, success))
    return tuple(episodes)

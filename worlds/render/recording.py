"""A recording of a running fleet (MCAP) as a trajectory."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore

from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.mcap import RawMessage, read_messages
from pilotfish.worlds.render.trajectory import FleetTrajectory

PERIOD = 0.1
"""Time between the rows of the trajectory [s]."""
ROBOT_TOPIC = re.compile(r"(?:^|/)robot_(\d+)/(odom|goal_pose)$")
OCCUPIED = 50
"""Cells of an occupancy grid at least this likely to be occupied [%] are walls, as are unknown ones."""


@dataclass
class _Heard:
    """What was said about the robots: rows (time [s], x, y[, yaw]) per robot."""

    odom: dict[int, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    goals: dict[int, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    grid: GridMap | None = None
    topics: set[str] = field(default_factory=set)


def load_recording(
    path: Path | str, grid: GridMap | None = None, since: float = 0.0, radius: float = 0.3
) -> FleetTrajectory:
    """Trajectory of the robots whose ``robot_<i>/odom`` a recording holds; its time begins with 0.

    Args:
        path: an MCAP file, complete or cut off, or a rosbag2 folder with one.
        grid: the map, instead of the recorded ``map`` topic (which knows neither starts nor goals).
        since: what was before is left out [s, by the stamps of the messages].
        radius: of the robots [m], which recordings do not tell.

    Raises:
        FileNotFoundError: there is no recording.
        ValueError: it is no MCAP file, or the odometry or the map is missing; the message lists the
            topics that there are.
    """
    heard = _listen(path)
    grid = grid or heard.grid
    there = ", ".join(sorted(heard.topics)) or "nothing"
    if not heard.odom:
        raise ValueError(f"{path} has no robot_<i>/odom with messages; it holds {there}")
    if grid is None:
        raise ValueError(f"{path} has no map topic with a message (name the map); it holds {there}")
    robots = range(max(heard.odom) + 1)
    silent = [robot for robot in robots if robot not in heard.odom]
    if silent:
        raise ValueError(f"{path} has no odometry of robots {silent}, though of robot_{max(heard.odom)}")
    tracks = [track_of(heard.odom[robot]) for robot in robots]
    start = max(since, *(track[0, 0] for track in tracks))
    end = max(track[-1, 0] for track in tracks)
    if end < start:
        raise ValueError(f"{path} ends {start - end:.1f} s before the part that was asked for")
    times = np.arange(start, end + PERIOD / 2, PERIOD)
    poses = np.stack([resample(track, times) for track in tracks], axis=1)
    goals = np.stack([_goals_at(heard.goals.get(robot, []), times, grid) for robot in robots], axis=1)
    return FleetTrajectory(
        grid, times - start, poses.astype(np.float32), goals, radius=radius / grid.resolution
    )


def _listen(path: Path | str) -> _Heard:
    store = get_typestore(Stores.ROS2_KILTED)
    heard = _Heard()
    due: dict[int, float] = defaultdict(float)
    for message in read_messages(path):
        heard.topics.add(message.topic)
        match = ROBOT_TOPIC.search(message.topic)
        if match is None:
            if message.topic.rsplit("/", 1)[-1] == "map" and message.type_name.endswith("OccupancyGrid"):
                heard.grid = grid_of(_decode(store, message))
            continue
        robot, kind = int(match[1]), match[2]
        if kind == "goal_pose":
            decoded = _decode(store, message)
            place = decoded.pose.position
            heard.goals[robot].append((seconds(decoded.header.stamp), place.x, place.y))
        elif message.log_time >= due[robot]:
            # Decoding is what takes the time, and a video needs no more than this.
            due[robot] = message.log_time + 0.4 * PERIOD
            decoded = _decode(store, message)
            place, turn = decoded.pose.pose.position, decoded.pose.pose.orientation
            heard.odom[robot].append((seconds(decoded.header.stamp), place.x, place.y, yaw_of(turn)))
    return heard


def _decode(store: Any, message: RawMessage) -> Any:
    return store.deserialize_cdr(message.data, message.type_name)


def seconds(stamp: Any) -> float:
    """Seconds of a stamp."""
    return stamp.sec + 1e-9 * stamp.nanosec


def yaw_of(turn: Any) -> float:
    """Heading [rad] of a quaternion."""
    return float(np.arctan2(2 * (turn.w * turn.z + turn.x * turn.y), 1 - 2 * (turn.y**2 + turn.z**2)))


def grid_of(message: Any) -> GridMap:
    """The map in an OccupancyGrid."""
    info = message.info
    cells = np.asarray(message.data, dtype=np.int8).reshape(info.height, info.width)[::-1]
    return GridMap(
        name="map",
        walls=(cells >= OCCUPIED) | (cells < 0),
        resolution=round(float(info.resolution), 6),
        origin=(info.origin.position.x, info.origin.position.y),
    )


def track_of(rows: list[tuple[float, ...]]) -> NDArray[np.float64]:
    """float64 [K, 4] time, x, y, unwrapped yaw, in order of time."""
    track = np.array(rows)
    track = track[np.unique(track[:, 0], return_index=True)[1]]
    track[:, 3] = np.unwrap(track[:, 3])
    return track


def resample(track: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 [T, 3] x, y, yaw of a track at times."""
    return np.stack([np.interp(times, track[:, 0], track[:, column]) for column in (1, 2, 3)], axis=-1)


def _goals_at(rows: list[tuple[float, ...]], times: NDArray[np.float64], grid: GridMap) -> NDArray[np.int32]:
    """int32 [T] goal cell in force at each time, -1 before the first."""
    if not rows:
        return np.full(len(times), -1, dtype=np.int32)
    said = np.array(sorted(rows))
    cells = np.concatenate([[-1], grid.cell_at(said[:, 1:])]).astype(np.int32)
    return cells[np.searchsorted(said[:, 0], times, side="right")]

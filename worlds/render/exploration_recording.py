"""A recording of an exploring team (MCAP) as a trajectory."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_typestore

from pilotfish.worlds.exploration.known_space import MapSampler
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.exploration_trajectory import (
    ExplorationTrajectory,
    MapHistory,
    last_contacts,
)
from pilotfish.worlds.render.mcap import RawMessage, read_messages
from pilotfish.worlds.render.recording import grid_of, resample, seconds, track_of, yaw_of
from pilotfish.worlds.render.trajectory import row_at

PERIOD = 0.2
"""Time between the rows of the trajectory [s]."""
UNLINKED = -100.0
"""Margin of links that nobody recorded [dB]."""
ROBOT_TOPIC = re.compile(r"(?:^|/)robot_(\d+)/(odom|map|waypoint)$")


def holds_exploration(path: Path | str) -> bool:
    """Whether a recording is one of an exploring team: it has a ``true_map``."""
    return any(message.topic.rsplit("/", 1)[-1] == "true_map" for message in read_messages(path))


@dataclass
class _Heard:
    """What was recorded, by robot; times in seconds of the messages' stamps."""

    grid: GridMap | None = None
    odom: dict[int, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    maps: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    waypoints: dict[int, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    links: list[tuple[float, NDArray]] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)


def load_exploration(
    path: Path | str, grid: GridMap | None = None, radius: float = 0.2
) -> ExplorationTrajectory:
    """Trajectory of the team whose ``robot_<i>/odom`` and ``robot_<i>/map`` a recording holds.

    Its time begins with 0. Where robots believe each other to be follows from the links; recordings without
    ``links`` (real radios have none to record) are shown without.

    Args:
        path: an MCAP file, complete or cut off, or a rosbag2 folder with one.
        grid: the true map, instead of the recorded ``true_map``.
        radius: of the robots [m], which recordings do not tell.

    Raises:
        FileNotFoundError: there is no recording.
        ValueError: it is no MCAP file, or the true map or odometry is missing; the message lists the topics
            that there are.
    """
    heard = _listen(path)
    grid = grid or heard.grid
    there = ", ".join(sorted(heard.topics)) or "nothing"
    if grid is None:
        raise ValueError(f"{path} has no true_map with a message (name the map); it holds {there}")
    robots = range(max(heard.odom, default=-1) + 1)
    silent = [robot for robot in robots if robot not in heard.odom]
    if silent or not robots:
        raise ValueError(f"{path} lacks odometry of robots {silent or 'altogether'}; it holds {there}")
    tracks = [track_of(heard.odom[robot]) for robot in robots]
    start, end = max(track[0, 0] for track in tracks), max(track[-1, 0] for track in tracks)
    if end < start:
        raise ValueError(f"{path} has no moment at which all {len(robots)} robots are there")
    times = np.arange(start, end + PERIOD / 2, PERIOD)
    poses = np.stack([resample(track, times) for track in tracks], axis=1)
    links = _links_at(heard.links, times, len(robots))
    return ExplorationTrajectory(
        grid=grid,
        times=times - start,
        poses=poses.astype(np.float32),
        links=links,
        maps=[_history(heard.maps[robot], grid, start) for robot in robots],
        believed=last_contacts(poses, links),
        targets=np.stack([_targets_at(heard.waypoints[robot], times) for robot in robots], axis=1),
        radius=radius,
    )


def _listen(path: Path | str) -> _Heard:
    store = get_typestore(Stores.ROS2_KILTED)
    heard = _Heard()
    due: dict[int, float] = defaultdict(float)
    for message in read_messages(path):
        heard.topics.add(message.topic)
        name = message.topic.rsplit("/", 1)[-1]
        match = ROBOT_TOPIC.search(message.topic)
        if name == "true_map":
            heard.grid = grid_of(_decode(store, message))
        elif name == "links":
            margins = np.asarray(_decode(store, message).data, np.float32)
            heard.links.append((message.log_time, margins))
        elif match is not None:
            _robot_said(heard, int(match[1]), match[2], store, message, due)
    return heard


def _robot_said(
    heard: _Heard, robot: int, kind: str, store: Any, message: RawMessage, due: dict[int, float]
) -> None:
    if kind == "odom":
        if message.log_time < due[robot]:
            return
        due[robot] = message.log_time + 0.4 * PERIOD
    decoded = _decode(store, message)
    stamp = seconds(decoded.header.stamp)
    if kind == "odom":
        place = decoded.pose.pose.position
        heard.odom[robot].append((stamp, place.x, place.y, yaw_of(decoded.pose.pose.orientation)))
    elif kind == "map":
        heard.maps[robot].append((stamp, decoded))
    else:
        place = decoded.pose.position
        heard.waypoints[robot].append((stamp, place.x, place.y))


def _decode(store: Any, message: RawMessage) -> Any:
    return store.deserialize_cdr(message.data, message.type_name)


def _history(maps: list[tuple[float, Any]], grid: GridMap, start: float) -> MapHistory:
    sampler = MapSampler(grid)
    history = MapHistory(grid.walls.shape)
    for stamp, message in maps:
        time, info = stamp - start, message.info
        if history.times and time <= history.times[-1]:
            continue  # latched: a restarted robot's map, or the same one again
        cells = np.asarray(message.data, np.int8).reshape(info.height, info.width)
        corner = (info.origin.position.x, info.origin.position.y)
        history.add(time, sampler.pixels(cells, round(float(info.resolution), 6), corner))
    return history


def _links_at(
    said: list[tuple[float, NDArray]], times: NDArray[np.float64], robots: int
) -> NDArray[np.float32]:
    """float32 [T, N, N] margins in force at each time; unlinked where there is no word."""
    rows = [(time, margins.reshape(robots, robots)) for time, margins in said if margins.size == robots**2]
    links: NDArray[np.float32] = np.full((len(times), robots, robots), UNLINKED, np.float32)
    if rows:
        stamps = np.array([time for time, _ in rows])
        links = np.stack([margins for _, margins in rows])[row_at(stamps, times)]
    return links


def _targets_at(rows: list[tuple[float, ...]], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32 [T, 2] waypoint in force at each time, NaN before the first."""
    said = np.array([(-np.inf, np.nan, np.nan), *sorted(rows)])
    return said[np.searchsorted(said[:, 0], times, side="right") - 1, 1:].astype(np.float32)

"""Recordings as streams of a mapping's values, and what a recording has at given times. No ROS needed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.typesys import Stores, get_typestore

from pilotfish.ros_nodes.conversions.features import FeatureMap, Output, Source
from pilotfish.ros_nodes.conversions.messages import RejectedError, full_name, header_time
from pilotfish.worlds.registry import sentence_of
from pilotfish.worlds.render.mcap import read_messages

STORE = get_typestore(Stores.ROS2_KILTED)
STRING, INT64 = "std_msgs/msg/String", "std_msgs/msg/Int64"
SAME = 1_000
"""Times that differ by less are the same: stamps are rounded on their way [ns]."""
SECOND = 1_000_000_000


def new_bag_message(name: str) -> Any:
    """An empty message of ``rosbags``; numbers are 0, lists empty."""
    values = {part: _empty(*kind) for part, kind in STORE.get_msgdef(name).fields}
    return STORE.types[name](**values)


def _empty(node: Nodetype, detail: Any) -> Any:
    if node == Nodetype.NAME:
        return new_bag_message(detail)
    if node == Nodetype.BASE:
        return {"string": "", "bool": False}.get(detail[0], 0.0 if detail[0].startswith("float") else 0)
    (inner, base), length = detail
    if inner == Nodetype.NAME or base[0] == "string":
        return [_empty(inner, base) for _ in range(length)]
    return np.zeros(length, {"octet": "uint8", "char": "uint8"}.get(base[0], base[0]))


def resolved(topic: str, namespace: str = "") -> str:
    """A topic's full name."""
    if topic.startswith("/"):
        return topic
    return "/" + "/".join(part for part in (namespace.strip("/"), topic) if part)


def raw_messages(path: Path) -> Iterator[tuple[str, str, int, bytes]]:
    """(topic, ``package/msg/Name``, time of recording [ns], CDR bytes) of an MCAP or sqlite3 recording.

    Raises:
        FileNotFoundError: there is no recording.
        ValueError: it cannot be read.
    """
    if (path / "metadata.yaml").is_file():
        try:
            with Reader(path) as reader:
                for connection, time, data in reader.messages():
                    yield connection.topic, full_name(connection.msgtype), time, data
        except ReaderError as error:
            raise ValueError(f"{path} is a damaged recording: {error}") from error
    else:  # a single file, or the folder of a recorder that was killed
        for message in read_messages(path):
            yield message.topic, full_name(message.type_name), round(message.log_time * 1e9), message.data


@dataclass
class Stream:
    """What a source or an output said.

    Attributes:
        times: int64 [N], ascending [ns].
        values: one for each time.
        max_age: [ns]
    """

    max_age: int
    times: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    values: list[Any] = field(default_factory=list)

    def sort(self) -> None:
        """By time; of equal ones, the last to come stays the last."""
        order = np.argsort(self.times, kind="stable")
        self.times, self.values = self.times[order], [self.values[k] for k in order]

    def newest(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the newest value not later than each time, and not too old: int64, -1 for none."""
        index = np.searchsorted(self.times, times + SAME, side="right") - 1
        if len(self.times) == 0:
            return np.full(len(times), -1)
        old = times - self.times[np.maximum(index, 0)] > self.max_age + SAME
        return np.where((index < 0) | old, -1, index)

    def following(self, times: NDArray[np.int64], period: int) -> NDArray[np.int64]:
        """Index of the first value within ``period`` from each time on, else as ``newest``."""
        if len(self.times) == 0:
            return np.full(len(times), -1)
        index = np.searchsorted(self.times, times - SAME, side="left")
        at = self.times[np.minimum(index, len(self.times) - 1)]
        return np.where((index < len(self.times)) & (at < times + period - SAME), index, self.newest(times))


@dataclass
class Streams:
    """A recording, as a mapping reads it.

    Attributes:
        sources, outputs: their streams.
        marks: (time [ns], task, or None where an episode ends), ascending.
        messages: topic -> how many were read.
        out_of_order: topic -> how many had an earlier stamp than one before them; they are sorted.
        rejected: topic and reason -> how many were left out.
        clock_offset: longest distance of a header's stamp to the time of recording [s].
    """

    sources: dict[Source, Stream]
    outputs: dict[Output, Stream]
    marks: list[tuple[int, str | None]] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)
    out_of_order: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    clock_offset: float = 0.0

    @property
    def all(self) -> list[Stream]:
        """Sources first."""
        return [*self.sources.values(), *self.outputs.values()]


def read_streams(
    path: Path, mapping: FeatureMap, max_age: float, namespace: str, marks: str, use_stamps: bool
) -> Streams:
    """Read a whole recording; images stay in memory, as large as the mapping makes them.

    Args:
        marks: topic that tells where episodes begin and end: a String as ``policy_node``'s status, or an
            Int64, each message of which begins one.
        use_stamps: times are those of the headers, where messages have one that is not 0.

    Raises:
        ValueError: a topic of the mapping is not in the recording, or has another type.
    """

    def stream(own: float | None = None) -> Stream:
        return Stream(round((max_age if own is None else own) * SECOND))

    found = Streams(
        {source: stream(source.max_age) for source in mapping.sources},
        {output: stream() for output in mapping.outputs},
    )
    readers: dict[str, list[tuple[Source | Output, Stream]]] = defaultdict(list)
    pairs: list[tuple[Source | Output, Stream]] = [*found.sources.items(), *found.outputs.items()]
    for item, target in pairs:
        readers[resolved(item.topic, namespace)].append((item, target))
    marks, kinds, times = resolved(marks, namespace), {}, defaultdict(list)
    latest: dict[str, int] = {}
    for topic, kind, logged, data in raw_messages(path):
        kinds[topic] = kind
        if topic == marks and kind in (STRING, INT64):
            mark: Any = STORE.deserialize_cdr(data, kind)
            found.marks.append(_mark(mark.data, logged))
        if topic not in readers:
            continue
        wanted = readers[topic][0][0].kind
        if kind != wanted:
            raise ValueError(f"{path}: topic {topic} is {kind}, the mapping says {wanted}")
        message = STORE.deserialize_cdr(data, kind)
        stamp = header_time(message)
        if stamp:
            found.clock_offset = max(found.clock_offset, abs(stamp - logged) * 1e-9)
        time = stamp if stamp and use_stamps else logged
        found.messages[topic] += 1
        found.out_of_order[topic] += time < latest.get(topic, time)
        latest[topic] = max(time, latest.get(topic, time))
        for item, target in readers[topic]:
            try:
                target.values.append(item.read(message))
            except RejectedError as error:
                found.rejected[f"{topic}: {error.reason}"] += 1
            else:
                times[id(target)].append(time)
    missing = [topic for topic in readers if topic not in kinds]
    if missing:
        there = ", ".join(sorted(kinds)) or "nothing"
        raise ValueError(f"{path} has no {', '.join(missing)} (is a namespace missing?); it holds {there}")
    for target in found.all:
        target.times = np.array(times[id(target)], np.int64)
        target.sort()
    found.marks.sort(key=lambda mark: mark[0])
    found.out_of_order = +found.out_of_order
    return found


def _mark(data: Any, time: int) -> tuple[int, str | None]:
    """When an episode begins (with its task, "" if not told) or ends (None)."""
    if not isinstance(data, str):
        return time, ""
    try:
        told = json.loads(data)
        return time, sentence_of(str(told.get("task", ""))) if told["state"] == "running" else None
    except (ValueError, KeyError, TypeError):
        return time, None

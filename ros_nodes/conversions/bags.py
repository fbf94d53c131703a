"""Recordings into LeRobot datasets and back, by the mapping that ``policy_node`` uses too.

From a recording, frames are sampled at ``t0 + i / fps``:

- An *observation* is the newest message of each source not later than the sample, and not older than the
  source's ``max_age``.
- An *action* is what was sent in answer to it: of each output the first message from the sample on, before
  the next sample; where there is none, the newest before, if it is not older than ``max_age``: it holds.
- The time of a message is its header's stamp, or that of its recording where it has none (or stamps are not
  to be used). Stamps out of order are sorted, and counted.
- Episodes are where the status of ``policy_node`` was *running*, if it was recorded, else the whole
  recording; t0 is the beginning of the episode, but not before each source has said something. A *gap*, in
  which a source or an output is too old, ends an episode; the next one begins with the first whole frame
  after it. Gaps are reported; episodes of less than ``min_frames`` frames are left out, and counted.
- Messages that are not finite, of a wrong size or without a joint are left out, and counted.

Into a recording, a frame becomes one message on each topic, all with the frame's time, with
``policy/status`` around each episode: what is converted back is the same. Actions beyond the mapping's limits
are clamped, and counted.

Both are written beside their target first: it is complete, or not there.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.ros_nodes.conversions.bag_streams import (
    SAME,
    SECOND,
    STORE,
    STRING,
    Streams,
    new_bag_message,
    read_streams,
    resolved,
)
from pilotfish.ros_nodes.conversions.features import FeatureMap

STATUS = "policy/status"
"""Topic that says where episodes begin and end."""
START = 1_700_000_000 * SECOND
"""Time of the first frame in a recording made from a dataset [ns]."""
PAUSE = 2 * SECOND
"""Between its episodes [ns]."""
GAPS_KEPT = 100


@dataclass(frozen=True)
class Gap:
    """Samples from ``start`` to ``end`` [s] of the recording that lack ``topics``."""

    start: float
    end: float
    topics: list[str]


@dataclass
class Report:
    """What came of a conversion.

    Attributes:
        episodes, frames: that were written.
        lengths: of each episode.
        left_out: episodes that were too short.
        gaps: the first ``GAPS_KEPT``, of ``n_gaps``.
        messages, out_of_order, rejected: see `Streams`.
        clamped: numbers of actions that the mapping's limits have changed.
        clock_offset: see `Streams`.
    """

    episodes: int = 0
    frames: int = 0
    lengths: list[int] = field(default_factory=list)
    left_out: int = 0
    n_gaps: int = 0
    gaps: list[Gap] = field(default_factory=list)
    messages: dict[str, int] = field(default_factory=dict)
    out_of_order: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    clamped: int = 0
    clock_offset: float = 0.0

    def lines(self) -> list[str]:
        """For people."""
        text = [f"{self.episodes} episodes, {self.frames} frames"]
        if self.left_out:
            text.append(f"{self.left_out} episodes are left out: too short")
        text += [f"gap from {gap.start:.2f} to {gap.end:.2f} s: {', '.join(gap.topics)}" for gap in self.gaps]
        if self.n_gaps > len(self.gaps):
            text.append(f"... and {self.n_gaps - len(self.gaps)} gaps more")
        text += [
            f"{topic}: {count} stamps out of order, sorted" for topic, count in self.out_of_order.items()
        ]
        text += [f"{what}: {count} messages rejected" for what, count in self.rejected.items()]
        if self.clamped:
            text.append(f"{self.clamped} numbers of actions are clamped to the mapping's limits")
        if self.clock_offset > 1.0:
            text.append(
                f"stamps are up to {self.clock_offset:.1f} s off the time of recording: two clocks?"
                " Topics without stamps do not fit then"
            )
        return text

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def bag_to_dataset(
    bag: Path,
    target: Path,
    mapping: FeatureMap,
    fps: int,
    task: str = "",
    max_age: float = 0.5,
    namespace: str = "",
    episodes: str = STATUS,
    use_stamps: bool = True,
    min_frames: int = 2,
) -> Report:
    """A recording (MCAP, sqlite3) as a LeRobotDataset; see the module.

    Args:
        fps: frames a second, a whole number.
        task: in words, where the recording does not tell it.
        max_age: of sources that have none of their own, and of outputs [s].
        namespace: of the mapping's relative topics in the recording.
        episodes: topic that marks episodes: a String as ``policy_node``'s status, or an Int64.

    Raises:
        ValueError: the target exists, a topic is missing or no frame can be made.
        FileNotFoundError: there is no recording.
    """
    _must_be_new(target)
    streams = read_streams(bag, mapping, max_age, namespace, episodes, use_stamps)
    report = Report(
        messages=dict(streams.messages),
        out_of_order=dict(streams.out_of_order),
        rejected=dict(streams.rejected),
        clock_offset=round(streams.clock_offset, 3),
    )
    runs = list(_runs(streams, fps, task, min_frames, report))
    if not runs:
        raise ValueError(f"{bag}: not one episode of {min_frames} frames. " + "; ".join(report.lines()[1:]))
    with _staged(target) as place:
        dataset = _new_dataset(place, mapping, fps, streams)
        try:
            for picks, sentence in runs:
                for k in range(picks.shape[1]):
                    dataset.add_frame(_frame(streams, mapping, picks[:, k]) | {"task": sentence})
                dataset.save_episode()
        finally:
            dataset.finalize()  # also where nothing is kept: it writes when it is collected as garbage
    return report


def _runs(
    streams: Streams, fps: int, task: str, min_frames: int, report: Report
) -> Iterator[tuple[NDArray[np.int64], str]]:
    """For each episode, the index of each stream's value at each frame, int64 [streams, frames]; its task."""
    topics = [source.topic for source in streams.sources] + [output.topic for output in streams.outputs]
    silent = [topic for topic, stream in zip(topics, streams.all, strict=True) if not len(stream.times)]
    if silent:
        raise ValueError(f"nothing usable on {', '.join(silent)}: {dict(streams.rejected)}")
    begin = min(int(stream.times[0]) for stream in streams.all)
    finish = max(int(stream.times[-1]) for stream in streams.all)
    first = max(int(stream.times[0]) for stream in streams.sources.values())
    for start, end, sentence in _segments(streams, begin, finish):
        start = max(start, first)
        count = max((end - start - SAME) * fps // SECOND + 1, 0) if end > start else 0
        times = start + np.round(np.arange(count) * (SECOND / fps)).astype(np.int64)
        picks = np.array(
            [stream.newest(times) for stream in streams.sources.values()]
            + [stream.following(times, SECOND // fps) for stream in streams.outputs.values()]
        ).reshape(len(topics), count)
        whole: NDArray[np.bool_] = np.asarray((picks >= 0).all(axis=0))
        for left, right in _stretches(~whole):
            if left > 0 and right < count:  # not before the first frame, nor after the last one
                lost: Any = (picks[:, left:right] < 0).any(axis=1)
                names = sorted({topic for topic, is_lost in zip(topics, lost, strict=True) if is_lost})
                report.n_gaps += 1
                if len(report.gaps) < GAPS_KEPT:
                    since, until = ((times[k] - begin) * 1e-9 for k in (left, right - 1))
                    report.gaps.append(Gap(round(float(since), 3), round(float(until), 3), names))
        for left, right in _stretches(whole):
            if right - left < min_frames:
                report.left_out += 1
                continue
            report.episodes += 1
            report.frames += right - left
            report.lengths.append(right - left)
            yield picks[:, left:right], sentence or task


def _segments(streams: Streams, begin: int, finish: int) -> Iterator[tuple[int, int, str]]:
    """(start, end, task) of what was marked as episodes; without marks all of it. The end is not in it."""
    if not any(task is not None for _, task in streams.marks):
        yield begin, finish + 2 * SAME, ""
        return
    ends = [time for time, _ in streams.marks[1:]] + [finish + 2 * SAME]
    for (start, task), end in zip(streams.marks, ends, strict=True):
        if task is not None:
            yield start, end, task


def _stretches(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[left, right) of each stretch of true."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False]))
    return [(int(left), int(right)) for left, right in edges.reshape(-1, 2)]


def _frame(streams: Streams, mapping: FeatureMap, pick: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    values = [stream.values[k] for stream, k in zip(streams.all, pick, strict=True)]
    frame = mapping.observation(dict(zip(streams.sources, values, strict=False)))
    action = np.zeros(len(mapping.action), np.float32)
    for entries in reversed(
        values[len(streams.sources) :]
    ):  # of two outputs of an entry the first one counts
        for index, number in entries.items():
            action[index] = number
    return frame | {"action": action}


def _new_dataset(place: Path, mapping: FeatureMap, fps: int, streams: Streams) -> Any:
    features: dict[str, dict[str, Any]] = {}
    for name, sources in mapping.features.items():
        shape = mapping.shape(name)
        if sources[0].is_image:
            pictures = streams.sources[sources[0]].values
            shape = shape or pictures[0].shape
            if any(picture.shape != shape for picture in pictures):
                raise ValueError(f"{name}: the pictures have several sizes: give the mapping a resize")
        kind = "image" if sources[0].is_image else "float32"
        features[name] = {"dtype": kind, "shape": shape, "names": mapping.names(name)}
    features["action"] = {"dtype": "float32", "shape": (len(mapping.action),), "names": list(mapping.action)}
    return _lerobot().create(f"local/{place.name}", fps, features, root=place, use_videos=False)


def _lerobot() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from datasets import disable_progress_bars
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    disable_progress_bars()  # one for each episode
    return LeRobotDataset


def dataset_to_bag(root: Path, target: Path, mapping: FeatureMap, namespace: str = "") -> Report:
    """A local LeRobotDataset as an MCAP recording (a rosbag2 folder); see the module.

    Raises:
        ValueError: the target exists, or the dataset lacks something that the mapping names.
        FileNotFoundError: there is no dataset.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

    _must_be_new(target)
    if not (root / "meta" / "info.json").is_file():
        raise FileNotFoundError(f"no LeRobotDataset at {root} (no meta/info.json)")
    dataset = _lerobot()(f"local/{root.name}", root=root)
    _check_features(dataset.meta.features, mapping, root)
    rows = _rows(dataset, mapping)
    tasks = {int(index): str(sentence) for sentence, index in dataset.meta.tasks["task_index"].items()}
    report, topics = Report(), {**mapping.inputs, **{output.topic: output.kind for output in mapping.outputs}}
    topics[STATUS] = STRING
    with _staged(target) as place, Writer(place, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            topic: writer.add_connection(resolved(topic, namespace), kind, typestore=STORE)
            for topic, kind in topics.items()
        }

        def write(topic: str, message: Any, time: int) -> None:
            writer.write(connections[topic], time, STORE.serialize_cdr(message, topics[topic]))

        def tell(state: str, task: str, time: int) -> None:
            facts = {"state": state, "task": task, "run": report.episodes}
            write(STATUS, STORE.types[STRING](data=json.dumps(facts)), time)

        start, period = START, SECOND / dataset.fps
        for first, last in _episodes(rows["episode_index"]):
            task = tasks[int(rows["task_index"][first])]
            report.episodes += 1
            report.frames += last - first
            report.lengths.append(last - first)
            tell("running", task, start)
            for k in range(first, last):
                time = start + round((k - first) * period)
                observation = {name: rows[name][k] for name in mapping.features}
                action = np.asarray(rows["action"][k], np.float64).reshape(-1)
                report.clamped += mapping.clamped(action)
                messages = mapping.input_messages(observation, time, new_bag_message)
                messages |= mapping.output_messages(action, time, new_bag_message)
                for topic, message in messages.items():
                    write(topic, message, time)
            tell("done", task, time + round(period / 2))
            start = time + PAUSE
    report.messages = {topic: report.frames for topic in topics if topic != STATUS}
    return report


def _check_features(features: dict[str, Any], mapping: FeatureMap, root: Path) -> None:
    wanted = {name: mapping.shape(name) for name in mapping.features} | {"action": (len(mapping.action),)}
    for name, shape in wanted.items():
        if name not in features:
            raise ValueError(f"{root} has no {name}, which the mapping names; it has {', '.join(features)}")
        there = tuple(features[name]["shape"])
        if shape is not None and there != shape:
            raise ValueError(f"{root}: {name} has shape {there}, the mapping makes it {shape}")


def _rows(dataset: Any, mapping: FeatureMap) -> dict[str, Any]:
    """Column -> something with one value for each frame."""
    frames = dataset.hf_dataset.with_format("numpy")
    rows: dict[str, Any] = {}
    for name in (*mapping.features, "action", "episode_index", "task_index"):
        kind = dataset.meta.features[name]["dtype"]
        if kind in ("image", "video"):
            rows[name] = _Pictures(dataset, frames, name, kind == "video")
        else:
            rows[name] = np.asarray(frames[name][:])
    return rows


@dataclass
class _Pictures:
    """Pictures of a dataset, uint8 [H, W, C], read one by one."""

    dataset: Any
    frames: Any
    name: str
    video: bool

    def __getitem__(self, k: int) -> NDArray[np.uint8]:
        if self.video:  # decoded by LeRobot, float [C, H, W] in [0, 1]
            return np.round(self.dataset[k][self.name].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
        picture = np.asarray(self.frames[k][self.name])
        return picture[:, :, None] if picture.ndim == 2 else picture


def _episodes(index: NDArray[np.int64]) -> list[tuple[int, int]]:
    """[first, last) frame of each episode."""
    edges = [0, *(np.flatnonzero(np.diff(index.reshape(-1))) + 1).tolist(), len(index)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def _must_be_new(target: Path) -> None:
    if target.exists():
        raise ValueError(f"{target} exists already: name another path, or remove it")


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``target`` if all goes well, and is gone if not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield folder / target.name
        _must_be_new(target)
        (folder / target.name).rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

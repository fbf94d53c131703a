"""A policy's features from messages, and messages from its actions, as a YAML file says.

```yaml
features:                                  # each is its sources side by side, in this order
  observation.state:
    - {topic: joint_states, type: sensor_msgs/JointState, fields: [position.elbow, position.wrist]}
    - {topic: tool_pose, type: geometry_msgs/PoseStamped, fields: [pose.position.x, pose.yaw], max_age: 2.0}
  observation.image:                       # an image is a feature of its own
    - {topic: camera/image, type: sensor_msgs/Image, resize: [96, 96]}
action: [forward, turn, width]             # names of the policy's action entries, in its order
unused: [width]                            # entries that no output takes
outputs:
  - topic: cmd_vel
    type: geometry_msgs/TwistStamped
    frame: base_link
    fields:
      twist.linear.x: {action: forward, scale: 0.5, offset: 0.0, low: -0.2, high: 0.5}
      twist.angular.z: turn                # in short; an entry may also be named by its index
```

Which fields the types have: ``messages.py``. A number in a feature is ``offset + scale * field`` of its
source (1 and 0 if not given); a number in a message is ``offset + scale * action``, kept within ``low`` and
``high``, in the message's unit. What is not finite, has the wrong size or lacks a joint raises
`RejectedError`. ``feature_files.py`` loads and checks the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.ros_nodes.conversions.images import check_image, read_image, write_image
from pilotfish.ros_nodes.conversions.messages import (
    IMAGE,
    KINDS,
    NewMessage,
    RejectedError,
    set_header,
)


@dataclass(frozen=True)
class Source:
    """A piece of a feature: some fields of the messages of a topic.

    Attributes:
        topic: name, relative to the node's namespace.
        kind: ``package/msg/Name``.
        fields: in the order of the feature; () for an image.
        scale: of the numbers; not 0.
        offset: added after scaling.
        max_age: how old it may be used [s]; None: as the caller says.
        resize: (H, W) of an image [px]; None: as it comes.
        channels: of an image, 3 or 1.
        size: (H, W) that an image without ``resize`` must have [px]; None: any.
    """

    topic: str
    kind: str
    fields: tuple[str, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    max_age: float | None = None
    resize: tuple[int, int] | None = None
    channels: int = 3
    size: tuple[int, int] | None = None

    @property
    def is_image(self) -> bool:
        """Whether it gives pixels, uint8 [H, W, channels]."""
        return self.kind == IMAGE

    def check_image(self, message: Any) -> None:
        """Raises RejectedError where ``read`` would, without decoding, or where the image's size is wrong."""
        check_image(message)
        found = (message.height, message.width)
        if self.resize is None and self.size not in (None, found):
            raise RejectedError(
                "size", f"{self.topic}: {found} pixels, not {self.size}: give the mapping a resize"
            )

    def read(self, message: Any) -> NDArray[Any]:
        """float32 [fields], or the pixels of an image. Raises RejectedError."""
        if self.is_image:
            return read_image(message, self.resize, self.channels)
        values = KINDS[self.kind].read(message, self.fields)
        if not np.isfinite(values).all():
            bad = ", ".join(
                f"{f} = {v}" for f, v in zip(self.fields, values, strict=True) if not math.isfinite(v)
            )
            raise RejectedError("not_finite", f"{self.topic}: {bad}")
        return (self.offset + self.scale * values).astype(np.float32)

    def write(self, values: NDArray[Any]) -> dict[str, float]:
        """Field -> number of the message that ``read`` gives these values for."""
        raw = (np.asarray(values, np.float64) - self.offset) / self.scale
        return dict(zip(self.fields, raw.tolist(), strict=True))


@dataclass(frozen=True)
class Entry:
    """One number of an output: ``offset + scale * action[index]``, kept within ``low`` and ``high``.

    Attributes:
        field: of the message.
        index: of the action's entry.
        low, high: limits of the number, in the message's unit.
    """

    field: str
    index: int
    scale: float = 1.0
    offset: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def number(self, action: NDArray[Any]) -> float:
        """Of the message."""
        return min(max(self.offset + self.scale * float(action[self.index]), self.low), self.high)

    def clamps(self, action: NDArray[Any]) -> bool:
        """Whether the limits change it, by more than rounding."""
        wish = self.offset + self.scale * float(action[self.index])
        return abs(self.number(action) - wish) > 1e-6 * max(1.0, abs(wish))


@dataclass(frozen=True)
class Output:
    """Messages on a topic, made from actions.

    Attributes:
        frame: ``frame_id`` of the messages.
        duration: a trajectory's time from start [s]; its stamp is 0, which means at once.
    """

    topic: str
    kind: str
    entries: tuple[Entry, ...]
    frame: str = ""
    duration: float = 0.1

    @property
    def is_twist(self) -> bool:
        """Whether zero stops it. The others hold what was sent last."""
        return self.kind.endswith("TwistStamped")

    def message(self, action: NDArray[Any], nanoseconds: int, new: NewMessage) -> Any:
        """The message for an action [A], stamped. Raises RejectedError where the action cannot be sent."""
        return self._fill({entry.field: entry.number(action) for entry in self.entries}, nanoseconds, new)

    def stop(self, nanoseconds: int, new: NewMessage) -> Any | None:
        """What stops the robot: a twist of zeros, and None for what holds its last command anyway."""
        return self._fill({}, nanoseconds, new) if self.is_twist else None

    def _fill(self, numbers: dict[str, float], nanoseconds: int, new: NewMessage) -> Any:
        message = new(self.kind)
        KINDS[self.kind].write(message, numbers, new)
        if self.kind.endswith("JointTrajectory"):
            set_header(message, 0, self.frame)
            start = message.points[0].time_from_start
            start.sec, start.nanosec = divmod(round(self.duration * 1e9), 1_000_000_000)
        else:
            set_header(message, nanoseconds, self.frame)
        return message

    def read(self, message: Any) -> dict[int, float]:
        """Index -> the action's entry that this message was made from. Raises RejectedError."""
        numbers = KINDS[self.kind].read(message, [entry.field for entry in self.entries])
        if not np.isfinite(numbers).all():
            raise RejectedError("not_finite", f"{self.topic}: {numbers.tolist()}")
        return {
            entry.index: (float(number) - entry.offset) / entry.scale
            for entry, number in zip(self.entries, numbers, strict=True)
        }


@dataclass(frozen=True)
class FeatureMap:
    """What a policy takes and gives, and the topics on both sides.

    Attributes:
        features: name, such as ``observation.state`` -> its sources.
        action: names of the action's entries.
        unused: those that no output takes.
    """

    features: Mapping[str, tuple[Source, ...]]
    action: tuple[str, ...]
    outputs: tuple[Output, ...]
    unused: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """All of them, feature by feature."""
        return tuple(source for sources in self.features.values() for source in sources)

    @property
    def inputs(self) -> dict[str, str]:
        """Topic -> ``package/msg/Name`` of what is listened to."""
        return {source.topic: source.kind for source in self.sources}

    def expecting(self, sizes: Mapping[str, tuple[int, int]]) -> FeatureMap:
        """The same, where images of these features must have these sizes (H, W), unless they are resized."""
        features = {
            name: tuple(
                replace(source, size=sizes.get(name)) if source.is_image else source for source in sources
            )
            for name, sources in self.features.items()
        }
        return replace(self, features=features)

    def shape(self, feature: str) -> tuple[int, ...] | None:
        """(D,), or (H, W, C) of an image; None for an image that keeps its size."""
        sources = self.features[feature]
        if sources[0].is_image:
            size = sources[0].resize or sources[0].size
            return None if size is None else (*size, sources[0].channels)
        return (sum(len(source.fields) for source in sources),)

    def names(self, feature: str) -> list[str]:
        """What each number of a feature is; an image's axes."""
        sources = self.features[feature]
        if sources[0].is_image:
            return ["height", "width", "channels"]
        return [f"{source.topic}:{field}" for source in sources for field in source.fields]

    def observation(self, values: Mapping[Source, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Feature -> float32 [D], or uint8 [H, W, C], from what each source has read."""
        return {
            name: values[sources[0]]
            if sources[0].is_image
            else np.concatenate([values[source] for source in sources])
            for name, sources in self.features.items()
        }

    def input_messages(
        self, observation: Mapping[str, NDArray[Any]], nanoseconds: int, new: NewMessage
    ) -> dict[str, Any]:
        """Topic -> the message whose reading gives this observation; the way back of ``observation``."""
        fields: dict[str, dict[str, float]] = {}
        messages: dict[str, Any] = {topic: new(kind) for topic, kind in self.inputs.items()}
        for name, sources in self.features.items():
            start = 0
            for source in sources:
                if source.is_image:
                    write_image(messages[source.topic], np.asarray(observation[name], np.uint8))
                    continue
                values = observation[name][start : start + len(source.fields)]
                fields.setdefault(source.topic, {}).update(source.write(values))
                start += len(source.fields)
        for topic, kind in self.inputs.items():
            if topic in fields:
                KINDS[kind].write(messages[topic], fields[topic], new)
            if KINDS[kind].stamped:
                set_header(messages[topic], nanoseconds)
        return messages

    def check_action(self, action: NDArray[Any]) -> None:
        """Raises RejectedError where an action [A], or a chunk [n, A], may not be sent."""
        if action.shape[-1] != len(self.action):
            raise RejectedError("size", f"an action of {action.shape[-1]} numbers, not {len(self.action)}")
        if not np.isfinite(action).all():
            raise RejectedError("not_finite", "an action that is not finite")

    def output_messages(self, action: NDArray[Any], nanoseconds: int, new: NewMessage) -> dict[str, Any]:
        """Topic -> message for an action [A]: all of them, or RejectedError."""
        self.check_action(action)
        return {output.topic: output.message(action, nanoseconds, new) for output in self.outputs}

    def stop_messages(self, nanoseconds: int, new: NewMessage) -> dict[str, Any]:
        """Topic -> message that stops the robot, of the outputs that know one."""
        stops = {output.topic: output.stop(nanoseconds, new) for output in self.outputs}
        return {topic: message for topic, message in stops.items() if message is not None}

    def clamped(self, action: NDArray[Any]) -> int:
        """How many numbers of the messages the limits change."""
        return sum(entry.clamps(action) for output in self.outputs for entry in output.entries)

"""What a policy's inputs said last, whether that is fresh, and what was wrong with the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.ros_nodes.conversions.features import FeatureMap, Source
from pilotfish.ros_nodes.conversions.messages import RejectedError, header_time

RESTART = 1.0
"""A stamp that is so much older than the last one is of a clock that began anew [s]."""


class FeatureInputs:
    """The newest good message of each source.

    A message is rejected, counted by reason and never used where it is not finite, of the wrong size or
    encoding, lacks a joint (``missing``) or is older than the last one (``out_of_order``); the last good one
    stays in force until it is stale. Images are checked at once, and decoded when an observation asks for
    them.

    Args:
        mapping: which sources there are.
        max_age: how old a message may be used [s], where its source does not say.
        use_stamps: the age counts from the header's stamp, if that is earlier than the arrival.
    """

    def __init__(self, mapping: FeatureMap, max_age: float, use_stamps: bool = True) -> None:
        self.mapping, self.max_age, self.use_stamps = mapping, max_age, use_stamps
        self.rejected: Counter[str] = Counter()
        self.complaint = ""
        """About the last message that was rejected."""
        self._by_topic: dict[str, list[Source]] = {}
        for source in mapping.sources:
            self._by_topic.setdefault(source.topic, []).append(source)
        self._values: dict[Source, NDArray[Any]] = {}
        self._pictures: dict[Source, Any] = {}  # messages that are not decoded yet
        self._since: dict[Source, float] = {}
        self._stamps: dict[str, int] = {}

    def forget(self) -> None:
        """What was said so far; the counts are kept."""
        for said in (self._values, self._pictures, self._since, self._stamps):
            said.clear()

    def see(self, topic: str, message: Any, now: float) -> None:
        """Take a message of a topic that arrives ``now`` [s]."""
        stamp = header_time(message)
        last = self._stamps.get(topic, 0)
        if stamp and last - int(RESTART * 1e9) < stamp < last:
            self._reject(
                RejectedError("out_of_order", f"{topic}: {(last - stamp) * 1e-9:.3f} s out of order")
            )
            return
        since = min(now, stamp * 1e-9) if stamp and self.use_stamps else now
        for source in self._by_topic[topic]:
            try:
                if source.is_image:
                    source.check_image(message)
                    self._pictures[source] = message
                else:
                    self._values[source] = source.read(message)
            except RejectedError as error:
                self._reject(error)
                continue
            self._since[source] = since
            self._stamps[topic] = stamp

    def _reject(self, error: RejectedError) -> None:
        self.rejected[error.reason] += 1
        self.complaint = str(error)

    def stale(self, now: float) -> list[str]:
        """What there is to say about each topic that is too old or was never heard; [] if all are fresh."""
        found: dict[str, str] = {}
        for source in self.mapping.sources:
            limit = self.max_age if source.max_age is None else source.max_age
            if source not in self._since:
                found[source.topic] = f"{source.topic} has said nothing usable"
            elif now - self._since[source] > limit:
                found[source.topic] = f"{source.topic} is {now - self._since[source]:.2f} s old"
        return list(found.values())

    def observation(self) -> dict[str, NDArray[Any]] | None:
        """Feature -> float32 [1, D], or uint8 [1, H, W, C]; None where a source has nothing usable."""
        for source, message in self._pictures.items():
            self._values[source] = source.read(message)
        self._pictures.clear()
        if any(source not in self._values for source in self.mapping.sources):
            return None
        return {name: values[None] for name, values in self.mapping.observation(self._values).items()}

    def zeros(self) -> dict[str, NDArray[Any]] | None:
        """An observation of zeros; None where an image's size is not known."""
        shapes = {name: self.mapping.shape(name) for name in self.mapping.features}
        if any(shape is None for shape in shapes.values()):
            return None
        kinds = {name: np.uint8 if len(shape or ()) == 3 else np.float32 for name, shape in shapes.items()}
        return {name: np.zeros((1, *(shape or ())), kinds[name]) for name, shape in shapes.items()}

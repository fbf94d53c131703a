"""Loads the YAML files that ``features.py`` describes; errors name the place, the value and the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pilotfish.ros_nodes.conversions.features import Entry, FeatureMap, Output, Source
from pilotfish.ros_nodes.conversions.messages import IMAGE, INPUTS, KINDS, OUTPUTS, full_name
from pilotfish.ros_nodes.plan import share_file
from pilotfish.worlds.registry import MANIPULATION_TASKS

TOP = ("features", "action", "unused", "outputs")
SOURCE = ("topic", "type", "fields", "scale", "offset", "max_age", "resize", "channels")
OUTPUT = ("topic", "type", "fields", "frame", "duration")
ENTRY = ("action", "scale", "offset", "low", "high")


def load_feature_map(name: str | Path) -> FeatureMap:
    """The mapping in a YAML file, or the preset of that name (in ``launch/params``, such as ``policy_arm``).

    Raises:
        FileNotFoundError: there is neither.
        ValueError: something in the file is wrong.
    """
    path = Path(name)
    if not path.is_file():
        try:
            path = share_file(f"launch/params/{name}.yaml")
        except FileNotFoundError:
            raise FileNotFoundError(
                f"no mapping {str(name)!r}: neither a file nor a preset (policy_arm, policy_base, "
                f"{', '.join(f'arm_{task}' for task in MANIPULATION_TASKS)})"
            ) from None
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from None
    return parse_feature_map(data, str(path))


def parse_feature_map(data: Any, where: str = "mapping") -> FeatureMap:
    """The mapping in what a YAML file holds. Raises ValueError, which begins with ``where``."""
    top = _keys(data, TOP, where, needed=("features", "action", "outputs"))
    features = _mapping(top["features"], f"{where}: features")
    read: dict[str, tuple[Source, ...]] = {}
    for name, sources in features.items():
        place = f"{where}: features.{name}"
        if not str(name).startswith("observation."):
            raise ValueError(f"{place}: names of features begin with 'observation.', as LeRobot's do")
        items = _list(sources, place)
        read[str(name)] = tuple(_source(item, f"{place}[{k}]") for k, item in enumerate(items))
        if len(items) > 1 and any(source.is_image for source in read[str(name)]):
            raise ValueError(
                f"{place}: an image is a feature of its own, and this one has {len(items)} sources"
            )
    action = tuple(str(entry) for entry in _list(top["action"], f"{where}: action"))
    if len(set(action)) < len(action):
        raise ValueError(f"{where}: action: a name stands there twice: {', '.join(action)}")
    items = _list(top["outputs"], f"{where}: outputs")
    outputs = tuple(_output(item, action, f"{where}: outputs[{k}]") for k, item in enumerate(items))
    unused = tuple(str(entry) for entry in top.get("unused") or ())
    for entry in unused:
        if entry not in action:
            raise ValueError(f"{where}: unused: {entry!r} is not in action, which has {', '.join(action)}")
    used = {action[entry.index] for output in outputs for entry in output.entries}
    lost = [entry for entry in action if entry not in used and entry not in unused]
    if lost:
        raise ValueError(
            f"{where}: no output takes {', '.join(lost)}: add it to one, or list it under unused"
        )
    found = FeatureMap(read, action, outputs, unused)
    _check_topics(found, where)
    return found


def _check_topics(found: FeatureMap, where: str) -> None:
    for source in found.sources:
        if found.inputs[source.topic] != source.kind:
            kinds = f"{source.kind} and {found.inputs[source.topic]}"
            raise ValueError(f"{where}: topic {source.topic!r} cannot be both {kinds}")
    topics = [output.topic for output in found.outputs]
    for topic in topics:
        if topics.count(topic) > 1 or topic in found.inputs:
            raise ValueError(f"{where}: topic {topic!r} is named twice: an output needs one of its own")


def _source(data: Any, where: str) -> Source:
    item = _keys(data, SOURCE, where, needed=("topic", "type"))
    kind = _kind(item["type"], INPUTS, where)
    if kind == IMAGE:
        return _image(item, kind, where)
    for key in ("resize", "channels"):
        if key in item:
            raise ValueError(f"{where}: {key} is of images, and this is a {kind}")
    if "fields" not in item:
        raise ValueError(f"{where}: fields is missing: which numbers of {kind}?")
    fields = tuple(str(field) for field in _list(item["fields"], f"{where}.fields"))
    _check_fields(kind, fields, where)
    scale = _number(item.get("scale", 1.0), f"{where}.scale")
    if scale == 0.0:
        raise ValueError(f"{where}.scale is 0: that would forget the numbers")
    return Source(
        _topic(item["topic"], where),
        kind,
        fields,
        scale,
        _number(item.get("offset", 0.0), f"{where}.offset"),
        _max_age(item, where),
    )


def _image(item: Mapping[str, Any], kind: str, where: str) -> Source:
    for key in ("fields", "scale", "offset"):
        if key in item:
            raise ValueError(f"{where}: an image has no {key}: it is read whole")
    resize = item.get("resize")
    if resize is not None and not (
        isinstance(resize, list) and len(resize) == 2 and all(isinstance(n, int) and n > 0 for n in resize)
    ):
        raise ValueError(f"{where}.resize {resize!r}: write [height, width] in pixels")
    channels = item.get("channels", 3)
    if channels not in (1, 3):
        raise ValueError(f"{where}.channels {channels!r}: write 3, or 1 for grey")
    size = None if resize is None else (resize[0], resize[1])
    return Source(
        _topic(item["topic"], where), kind, max_age=_max_age(item, where), resize=size, channels=channels
    )


def _max_age(item: Mapping[str, Any], where: str) -> float | None:
    if item.get("max_age") is None:
        return None
    age = _number(item["max_age"], f"{where}.max_age")
    if age <= 0.0:
        raise ValueError(f"{where}.max_age {age:g}: seconds, more than 0")
    return age


def _output(data: Any, action: tuple[str, ...], where: str) -> Output:
    item = _keys(data, OUTPUT, where, needed=("topic", "type", "fields"))
    kind = _kind(item["type"], OUTPUTS, where)
    fields = _mapping(item["fields"], f"{where}.fields")
    entries = tuple(_entry(str(f), value, action, f"{where}.fields.{f}") for f, value in fields.items())
    _check_fields(kind, tuple(entry.field for entry in entries), where)
    duration = _number(item.get("duration", 0.1), f"{where}.duration")
    if duration <= 0.0:
        raise ValueError(f"{where}.duration {duration:g}: seconds, more than 0")
    return Output(_topic(item["topic"], where), kind, entries, str(item.get("frame", "")), duration)


def _entry(field: str, data: Any, action: tuple[str, ...], where: str) -> Entry:
    item = data if isinstance(data, Mapping) else {"action": data}
    item = _keys(item, ENTRY, where, needed=("action",))
    name = item["action"]
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(action):
        index = name
    elif str(name) in action:
        index = action.index(str(name))
    else:
        raise ValueError(f"{where}: no action entry {name!r}: there are {', '.join(action)}")
    scale, offset = (
        _number(item.get(key, v), f"{where}.{key}") for key, v in (("scale", 1.0), ("offset", 0.0))
    )
    low, high = (
        _number(item[key], f"{where}.{key}") if key in item else v
        for key, v in (("low", -math.inf), ("high", math.inf))
    )
    if scale == 0.0:
        raise ValueError(f"{where}.scale is 0: that would forget the action")
    if low > high:
        raise ValueError(f"{where}: low {low:g} is above high {high:g}")
    return Entry(field, index, scale, offset, low, high)


def _check_fields(kind: str, fields: tuple[str, ...], where: str) -> None:
    for field in fields:
        try:
            KINDS[kind].check(field)
        except ValueError as error:
            raise ValueError(f"{where}: {kind} has no field {field!r}: {error}") from None
    if len(set(fields)) < len(fields):
        raise ValueError(f"{where}: a field is named twice: {', '.join(fields)}")


def _kind(name: Any, allowed: tuple[str, ...], where: str) -> str:
    kind = full_name(str(name))
    if kind not in allowed:
        raise ValueError(f"{where}: type {name!r} is not one of {', '.join(allowed)}")
    return kind


def _topic(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or value.endswith("/") or " " in value:
        raise ValueError(f"{where}.topic {value!r}: write a name such as joint_states")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where} {value!r}: write a finite number")
    return float(value)


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where} {value!r}: write a list, with at least one entry")
    return value


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{where} {value!r}: write name: value pairs, at least one")
    return value


def _keys(value: Any, known: tuple[str, ...], where: str, needed: tuple[str, ...]) -> Mapping[str, Any]:
    item = _mapping(value, where)
    for key in item:
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}: there are {', '.join(known)}")
    for key in needed:
        if key not in item:
            raise ValueError(f"{where}: {key} is missing")
    return item

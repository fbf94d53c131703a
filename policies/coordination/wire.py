"""What robots say to each other: one small state message, and its bytes.

A message is a snapshot of everything its sender wants others to know, so a lost one is made good by
the next, a repeated one changes nothing, and one that was overtaken is recognised by its ``sequence``.

Bytes, little endian::

    "PF" version:u8 flags:u8 sender:u16 epoch:u64 sequence:u32        head
    n:u8 n*(cell:u32)                                                 cells held
    request_id:u32 cell:u32                                           if flags & 1
    n:u8 n*(peer:u16 request_id:u32)                                  grants
    cell:u32 goal:u32 priority:f32 5*(score:f32)                      if flags & 2
    crc32:u32 of all before it
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import NamedTuple

MAGIC = b"PF"
VERSION = 1
MAX_CELLS = 16
MAX_GRANTS = 128
MAX_FRAME = 0xFFFF
"""A longer message does not fit into a bundle [bytes]; no real one comes near."""

_HEAD = struct.Struct("<2sBBHQI")
_REQUEST = struct.Struct("<II")
_GRANT = struct.Struct("<HI")
_INTENT = struct.Struct("<II6f")
_CRC = struct.Struct("<I")
_HAS_REQUEST, _HAS_INTENT = 1, 2


class WireError(ValueError):
    """Bytes that are not a message."""


class Request(NamedTuple):
    """A wish for a cell. ``id`` is never used twice by one robot, so a late grant cannot fit a new wish."""

    id: int
    cell: int


class Intent(NamedTuple):
    """What a communicating policy proposes at ``cell``: one row of `pilotfish.policies.fleet.Proposal`.

    Attributes:
        scores: five floats, -inf where there is a wall.
    """

    cell: int
    goal: int
    priority: float
    scores: tuple[float, ...]


class ClaimMessage(NamedTuple):
    """State of one robot.

    Attributes:
        sender: index of the robot.
        epoch: when its process started [ns]; orders the lives of a robot.
        sequence: counts the messages of one life.
        cells: cells that it holds, in driving order: the last one is where it will stop.
        request: the cell that it asks for.
        grants: (peer, request id) pairs that it agrees to.
        intent: for policies that exchange proposals.
    """

    sender: int
    epoch: int
    sequence: int
    cells: tuple[int, ...] = ()
    request: Request | None = None
    grants: tuple[tuple[int, int], ...] = ()
    intent: Intent | None = None


def encode(message: ClaimMessage) -> bytes:
    """The bytes of a message."""
    flags = (_HAS_REQUEST if message.request else 0) | (_HAS_INTENT if message.intent else 0)
    parts = [
        _HEAD.pack(MAGIC, VERSION, flags, message.sender, message.epoch, message.sequence),
        struct.pack(f"<B{len(message.cells)}I", len(message.cells), *message.cells),
    ]
    if message.request:
        parts.append(_REQUEST.pack(message.request.id, message.request.cell))
    grants = message.grants[:MAX_GRANTS]
    parts.append(bytes([len(grants)]))
    parts.extend(_GRANT.pack(*grant) for grant in grants)
    if message.intent:
        intent = message.intent
        parts.append(_INTENT.pack(intent.cell, intent.goal, intent.priority, *intent.scores))
    body = b"".join(parts)
    return body + _CRC.pack(zlib.crc32(body))


def decode(data: bytes) -> ClaimMessage:
    """The message in some bytes.

    Raises:
        WireError: whatever is wrong with them; nothing else is ever raised.
    """
    if len(data) < _HEAD.size + 2 + _CRC.size:
        raise WireError(f"{len(data)} bytes are too short for a message")
    body, (checksum,) = data[: -_CRC.size], _CRC.unpack(data[-_CRC.size :])
    if zlib.crc32(body) != checksum:
        raise WireError("checksum does not match")
    try:
        return _decode_body(body)
    except (struct.error, IndexError) as error:
        raise WireError(f"message is cut short: {error}") from error


def _decode_body(body: bytes) -> ClaimMessage:
    magic, version, flags, sender, epoch, sequence = _HEAD.unpack_from(body)
    if magic != MAGIC or version != VERSION:
        raise WireError(f"expected {MAGIC!r} version {VERSION}, got {magic!r} version {version}")
    at = _HEAD.size
    count = body[at]
    if count > MAX_CELLS:
        raise WireError(f"{count} cells are more than a robot can hold ({MAX_CELLS})")
    cells = struct.unpack_from(f"<{count}I", body, at + 1)
    at += 1 + 4 * count
    request = intent = None
    if flags & _HAS_REQUEST:
        request = Request(*_REQUEST.unpack_from(body, at))
        at += _REQUEST.size
    count = body[at]
    if count > MAX_GRANTS:
        raise WireError(f"{count} grants, at most {MAX_GRANTS} are allowed")
    end = at + 1 + count * _GRANT.size
    grants = tuple(_GRANT.iter_unpack(body[at + 1 : end]))
    at = end
    if flags & _HAS_INTENT:
        cell, goal, priority, *scores = _INTENT.unpack_from(body, at)
        at += _INTENT.size
        if not math.isfinite(priority) or any(math.isnan(s) or s == math.inf for s in scores):
            raise WireError(f"priority {priority} and scores {scores} are not usable numbers")
        intent = Intent(cell, goal, priority, tuple(scores))
    if at != len(body):
        raise WireError(f"{len(body) - at} bytes too many")
    return ClaimMessage(sender, epoch, sequence, cells, request, grants, intent)


def bundle(frames: list[bytes]) -> bytes:
    """Several messages in one: each behind its length as u16, so none may exceed ``MAX_FRAME``."""
    return b"".join(struct.pack("<H", len(frame)) + frame for frame in frames)


def unbundle(data: bytes) -> list[bytes]:
    """The messages of a bundle, not decoded.

    Raises:
        WireError: when the lengths do not add up.
    """
    frames = []
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise WireError("bundle ends within a length")
        (length,) = struct.unpack_from("<H", data, at)
        at += 2
        if at + length > len(data):
            raise WireError(f"bundle ends {at + length - len(data)} bytes early")
        frames.append(data[at : at + length])
        at += length
    return frames

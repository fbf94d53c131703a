"""What explorers say to each other, and its bytes: beacons and pieces of maps.

Every message may be lost, repeated, delayed or overtaken. A beacon is a snapshot: who its sender is, what it
knows of every robot, and how far its copy of every map goes. Pieces of maps (``Tiles``) are sent when a
peer's beacon shows that it lacks them.

A *source* is one life of one robot's process, ``(robot, epoch)``: its own evidence is a map of its own, cut
into tiles, and each change of a tile gets the next *version* of that source. "I have source s up to version
v" is the whole digest of a map.

Bytes, little endian::

    "PX" version:u8 kind:u8 sender:u8 geometry:u32 epoch:u64 sequence:u32      head
    kind 1, beacon:
        stamp:f64 started:f64 S:u8 S*(robot:u8 epoch:u64)                      sources
        N:u8 N*(robot:u8 epoch:u64 sequence:u32 stamp:f64 4*f32 travelled:f32 heard:u32 S*(version:u32))
    kind 2, tiles:
        robot:u8 epoch:u64 after:u32 upto:u32 n:u16
        n*(tile:u16 version:u32 stamp:f64) zlib(n * 256 bytes: 2 bits a pixel, row-major)
    crc32:u32 of all before it
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.mapping import TILE

MAGIC = b"PX"
VERSION = 1
MAX_ROBOTS = 32
"""``heard`` has a bit a robot."""
MAX_SOURCES = 4 * MAX_ROBOTS
MAX_TILES = 64
"""In one message."""
FURTHEST = 1e6
"""Positions and ways beyond this are no positions [px]."""

_TILE_BYTES = TILE * TILE // 4
_BEACON, _TILES = 1, 2
_HEAD = struct.Struct("<2sBBBIQI")
_TIMES = struct.Struct("<dd")
_SOURCE = struct.Struct("<BQ")
_REPORT = struct.Struct("<BQId5fI")
_RANGE = struct.Struct("<BQIIH")
_ENTRY = np.dtype([("tile", "<u2"), ("version", "<u4"), ("stamp", "<f8")])
_CRC = struct.Struct("<I")


class WireError(ValueError):
    """Bytes that are not a message."""


class GeometryError(WireError):
    """A message of a team with another map frame or another number of robots."""


class Source(NamedTuple):
    """One life of a robot's process: robot index and when the process started [ns]."""

    robot: int
    epoch: int


class Report(NamedTuple):
    """The newest that somebody knows of a robot, as that robot said it.

    Attributes:
        source: the robot and its life.
        sequence: of the beacon that said so; counts in one life.
        stamp: of the robot [s, team's clock].
        position, target: (row, col) [px]; NaN where that is not known.
        travelled: way driven [px].
        heard: bit n is set when it hears robot n itself.
        have: source -> version up to which it has that source's map.
    """

    source: Source
    sequence: int
    stamp: float
    position: tuple[float, float]
    target: tuple[float, float]
    travelled: float
    heard: int
    have: dict[Source, int]

    @property
    def age(self) -> tuple[int, int]:
        """Orders the reports on one robot."""
        return self.source.epoch, self.sequence


class Beacon(NamedTuple):
    """Snapshot of what a robot knows of the team.

    Attributes:
        source: the sender.
        sequence: counts its beacons and tiles.
        stamp: [s, team's clock].
        started: when the mission did, as far as the sender knows [s].
        reports: on each robot that it knows anything of, itself included.
    """

    source: Source
    sequence: int
    stamp: float
    started: float
    reports: tuple[Report, ...]


class Tiles(NamedTuple):
    """Pieces of one source's map: all that have changed after version ``after`` up to ``upto``.

    Attributes:
        sender: who sends them, which need not be the source.
        sequence: as in `Beacon`.
        source: whose evidence it is.
        tile: int64 [n] ``i * tiles_in_a_row + j``.
        version: int64 [n] of each tile.
        stamp: float64 [n] when the source last changed it [s, team's clock].
        pixels: uint8 [n, TILE, TILE].
    """

    sender: Source
    sequence: int
    source: Source
    after: int
    upto: int
    tile: NDArray[np.int64]
    version: NDArray[np.int64]
    stamp: NDArray[np.float64]
    pixels: NDArray[np.uint8]


def encode(message: Beacon | Tiles, geometry: int) -> bytes:
    """The bytes of a message; ``geometry`` is `MapFrame.signature`."""
    if isinstance(message, Beacon):
        kind, sender, body = _BEACON, message.source, _encode_beacon(message)
    else:
        kind, sender, body = _TILES, message.sender, _encode_tiles(message)
    head = _HEAD.pack(MAGIC, VERSION, kind, sender.robot, geometry, sender.epoch, message.sequence)
    return head + body + _CRC.pack(zlib.crc32(body, zlib.crc32(head)))


def decode(data: bytes, geometry: int) -> Beacon | Tiles:
    """The message in some bytes.

    Raises:
        GeometryError: it is from a team with another map.
        WireError: whatever else is wrong with them; nothing else is ever raised.
    """
    if len(data) < _HEAD.size + _CRC.size:
        raise WireError(f"{len(data)} bytes are too short for a message")
    body, (checksum,) = data[: -_CRC.size], _CRC.unpack(data[-_CRC.size :])
    if zlib.crc32(body) != checksum:
        raise WireError("checksum does not match")
    magic, version, kind, robot, theirs, epoch, sequence = _HEAD.unpack_from(body)
    if magic != MAGIC or version != VERSION:
        raise WireError(f"expected {MAGIC!r} version {VERSION}, got {magic!r} version {version}")
    if theirs != geometry:
        raise GeometryError(f"robot {robot} uses another map frame or team: {theirs:08x}, not {geometry:08x}")
    if robot >= MAX_ROBOTS:
        raise WireError(f"robot {robot}: a team has at most {MAX_ROBOTS}")
    sender, body = Source(robot, epoch), body[_HEAD.size :]
    try:
        if kind == _BEACON:
            return _decode_beacon(sender, sequence, body)
        if kind == _TILES:
            return _decode_tiles(sender, sequence, body)
    except (struct.error, zlib.error, IndexError) as error:
        raise WireError(f"message is cut short: {error}") from error
    raise WireError(f"no message is of kind {kind}")


def _encode_beacon(beacon: Beacon) -> bytes:
    sources = sorted({source for report in beacon.reports for source in report.have})[:MAX_SOURCES]
    parts = [_TIMES.pack(beacon.stamp, beacon.started), bytes([len(sources)])]
    parts.extend(_SOURCE.pack(*source) for source in sources)
    parts.append(bytes([len(beacon.reports)]))
    for report in beacon.reports:
        parts.append(
            _REPORT.pack(
                report.source.robot,
                report.source.epoch,
                report.sequence,
                report.stamp,
                *report.position,
                *report.target,
                report.travelled,
                report.heard,
            )
        )
        parts.append(struct.pack(f"<{len(sources)}I", *(report.have.get(source, 0) for source in sources)))
    return b"".join(parts)


def _decode_beacon(sender: Source, sequence: int, body: bytes) -> Beacon:
    stamp, started = _TIMES.unpack_from(body)
    if not (math.isfinite(stamp) and math.isfinite(started)):
        raise WireError(f"beacon of {stamp} s, mission since {started} s")
    at = _TIMES.size
    count = body[at]
    if count > MAX_SOURCES:
        raise WireError(f"{count} sources, at most {MAX_SOURCES} are allowed")
    end = at + 1 + count * _SOURCE.size
    sources = [Source(*item) for item in _SOURCE.iter_unpack(body[at + 1 : end])]
    at = end
    reports = []
    robots = body[at]
    at += 1
    for _ in range(robots):
        robot, epoch, number, when, *numbers, heard = _REPORT.unpack_from(body, at)
        at += _REPORT.size
        versions = struct.unpack_from(f"<{count}I", body, at)
        at += 4 * count
        row, col, target_row, target_col, travelled = numbers
        places = (_place(row, col), _place(target_row, target_col))
        if robot >= MAX_ROBOTS or not math.isfinite(when) or not 0 <= travelled <= FURTHEST:
            raise WireError(f"report on robot {robot} of {when} s, travelled {travelled} px, is not usable")
        have = {source: version for source, version in zip(sources, versions, strict=True) if version}
        reports.append(Report(Source(robot, epoch), number, when, *places, travelled, heard, have))
    if at != len(body):
        raise WireError(f"{len(body) - at} bytes too many")
    return Beacon(sender, sequence, stamp, started, tuple(reports))


def _place(row: float, col: float) -> tuple[float, float]:
    if math.isnan(row) and math.isnan(col):
        return math.nan, math.nan
    if not (abs(row) <= FURTHEST and abs(col) <= FURTHEST):
        raise WireError(f"({row}, {col}) is no place")
    return row, col


def _encode_tiles(tiles: Tiles) -> bytes:
    entries = np.zeros(len(tiles.tile), _ENTRY)
    entries["tile"], entries["version"], entries["stamp"] = tiles.tile, tiles.version, tiles.stamp
    quads = tiles.pixels.reshape(-1, 4)
    packed = quads[:, 0] | quads[:, 1] << 2 | quads[:, 2] << 4 | quads[:, 3] << 6
    head = _RANGE.pack(*tiles.source, tiles.after, tiles.upto, len(entries))
    return head + entries.tobytes() + zlib.compress(packed.astype(np.uint8).tobytes(), 6)


def _decode_tiles(sender: Source, sequence: int, body: bytes) -> Tiles:
    robot, epoch, after, upto, count = _RANGE.unpack_from(body)
    if robot >= MAX_ROBOTS or count > MAX_TILES or not after < upto:
        raise WireError(f"{count} tiles of robot {robot} after version {after} up to {upto} are not usable")
    end = _RANGE.size + count * _ENTRY.itemsize
    if len(body) < end:
        raise WireError(f"{count} tiles do not fit into {len(body)} bytes")
    entries = np.frombuffer(body[_RANGE.size : end], _ENTRY)
    inflater = zlib.decompressobj()
    packed = inflater.decompress(body[end:], count * _TILE_BYTES + 1)  # never more than it may be
    if len(packed) != count * _TILE_BYTES or not inflater.eof or inflater.unused_data:
        raise WireError(f"{count} tiles are {count * _TILE_BYTES} bytes, got {len(packed)} or another end")
    quads = np.frombuffer(packed, np.uint8)
    pixels = np.stack([quads & 3, quads >> 2 & 3, quads >> 4 & 3, quads >> 6], axis=1)
    if (pixels == 3).any():
        raise WireError("a pixel is neither unknown nor free nor occupied")
    version = entries["version"].astype(np.int64)
    if not np.isfinite(entries["stamp"]).all() or (version <= after).any() or (version > upto).any():
        raise WireError(f"versions {version.tolist()} or stamps are outside of ({after}, {upto}]")
    return Tiles(
        sender, sequence, Source(robot, epoch), after, upto,
        entries["tile"].astype(np.int64), version, entries["stamp"].astype(np.float64),
        pixels.reshape(count, TILE, TILE),
    )  # fmt: skip

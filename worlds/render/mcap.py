"""Reads MCAP files from front to back: what was written before a recorder died is still read.

Indexed readers want the footer, which a killed recorder never writes. Format: https://mcap.dev/spec.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"\x89MCAP0\r\n"
SCHEMA, CHANNEL, MESSAGE, CHUNK = 3, 4, 5, 6


@dataclass(frozen=True)
class RawMessage:
    """One message as it was recorded.

    Attributes:
        topic: name.
        type_name: such as ``nav_msgs/msg/Odometry``.
        log_time: when it was recorded [s].
        data: CDR bytes.
    """

    topic: str
    type_name: str
    log_time: float
    data: bytes


def read_messages(path: Path | str) -> Iterator[RawMessage]:
    """Messages of an MCAP file, or of the one MCAP file in a rosbag2 folder, in the order of recording.

    A file that ends in the middle of a record just ends there.

    Raises:
        FileNotFoundError: no such file, or no MCAP file in the folder.
        ValueError: it is no MCAP file, or it is compressed with something unknown.
    """
    content = find_mcap(path).read_bytes()
    if not content.startswith(MAGIC):
        raise ValueError(f"{path} is no MCAP file: it begins with {content[:8]!r}")
    schemas: dict[int, str] = {}
    channels: dict[int, tuple[str, str]] = {}
    for kind, body in _records(content, len(MAGIC)):
        inner = _records(_unpack_chunk(body, path), 0) if kind == CHUNK else iter([(kind, body)])
        for inner_kind, record in inner:
            if inner_kind == SCHEMA:
                schemas[struct.unpack_from("<H", record)[0]] = _string(record, 2)[0]
            elif inner_kind == CHANNEL:
                number, schema = struct.unpack_from("<HH", record)
                channels[number] = (_string(record, 4)[0], schemas.get(schema, ""))
            elif inner_kind == MESSAGE:
                number, _, log_time, _ = struct.unpack_from("<HIQQ", record)
                topic, type_name = channels[number]
                yield RawMessage(topic, type_name, log_time * 1e-9, bytes(record[22:]))


def find_mcap(path: Path | str) -> Path:
    """The MCAP file that ``path`` is or, being a rosbag2 folder, holds."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no recording at {path}")
    if path.is_file():
        return path
    files = sorted(path.glob("*.mcap"))
    if not files:
        raise FileNotFoundError(f"the folder {path} holds no .mcap file")
    return files[0]


def _records(content: bytes | memoryview, start: int) -> Iterator[tuple[int, memoryview]]:
    """(opcode, body) of each whole record."""
    view = memoryview(content)
    while start + 9 <= len(view):
        kind, length = struct.unpack_from("<BQ", view, start)
        start += 9
        if start + length > len(view):
            return
        yield kind, view[start : start + length]
        start += length


def _string(record: memoryview, offset: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", record, offset)
    end = offset + 4 + length
    return bytes(record[offset + 4 : end]).decode(), end


def _unpack_chunk(body: memoryview, path: Path | str) -> bytes | memoryview:
    compression, end = _string(body, 28)
    packed = body[end + 8 :]
    if not compression:
        return packed
    if compression == "lz4":
        import lz4.frame

        return lz4.frame.decompress(packed)
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    raise ValueError(f"{path}: chunks are compressed with {compression!r}; lz4, zstd and none can be read")

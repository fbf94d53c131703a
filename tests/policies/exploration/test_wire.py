import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish.policies.exploration.wire import (
    MAX_TILES,
    Beacon,
    GeometryError,
    Report,
    Source,
    Tiles,
    WireError,
    decode,
    encode,
)

GEOMETRY = 0x1234
u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
robots = st.integers(0, 31)
sources = st.builds(Source, robots, u64)
seconds = st.floats(-1e9, 1e10)
place = st.one_of(
    st.just((math.nan, math.nan)), st.tuples(*[st.floats(-1e5, 1e5, width=32) for _ in range(2)])
)
reports = st.builds(
    Report,
    source=sources,
    sequence=u32,
    stamp=seconds,
    position=place,
    target=place,
    travelled=st.floats(0, 1e5, width=32),
    heard=u32,
    have=st.dictionaries(sources, st.integers(1, 2**32 - 1), max_size=6),
)
beacons = st.builds(
    Beacon,
    source=sources,
    sequence=u32,
    stamp=seconds,
    started=seconds,
    reports=st.lists(reports, max_size=5).map(tuple),
)


@st.composite
def tiles(draw):
    n = draw(st.integers(0, 5))
    after = draw(st.integers(0, 1000))
    upto = after + draw(st.integers(1, 100))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return Tiles(
        draw(sources),
        draw(u32),
        draw(sources),
        after,
        upto,
        rng.integers(0, 2**16, n),
        rng.integers(after + 1, upto + 1, n),
        rng.uniform(0, 1e6, n),
        rng.integers(0, 3, (n, 32, 32)).astype(np.uint8),
    )


messages = st.one_of(beacons, tiles())


def assert_same(a, b):
    assert type(a) is type(b)
    for name in a._fields:
        np.testing.assert_equal(getattr(a, name), getattr(b, name))


@settings(deadline=None)
@given(messages)
def test_what_is_encoded_is_decoded(message):
    assert_same(decode(encode(message, GEOMETRY), GEOMETRY), message)


@settings(deadline=None)
@given(messages, st.data())
def test_a_changed_byte_is_noticed(message, data):
    frame = bytearray(encode(message, GEOMETRY))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode(bytes(frame), GEOMETRY)


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_else(garbage):
    with pytest.raises(WireError):
        decode(garbage, GEOMETRY)


@settings(max_examples=300, deadline=None)
@given(messages, st.binary(max_size=40), st.data())
def test_garbage_with_a_good_checksum_raises_nothing_else(message, garbage, data):
    body = bytearray(encode(message, GEOMETRY)[:-4])
    at = data.draw(st.integers(9, len(body)))
    body[at : at + data.draw(st.integers(0, len(garbage)))] = garbage
    try:
        decode(bytes(body) + struct.pack("<I", zlib.crc32(body)), GEOMETRY)
    except WireError as error:
        assert str(error)


@settings(deadline=None)
@given(messages, st.integers(1, 60))
def test_a_message_that_is_cut_short_is_refused(message, cut):
    with pytest.raises(WireError):
        decode(encode(message, GEOMETRY)[:-cut], GEOMETRY)


@settings(deadline=None)
@given(messages)
def test_another_geometry_is_told_apart(message):
    with pytest.raises(GeometryError, match="another map frame"):
        decode(encode(message, GEOMETRY + 1), GEOMETRY)


def sealed(message) -> bytes:
    return encode(message, GEOMETRY)


def report(**change) -> Report:
    good = Report(Source(1, 1), 1, 0.0, (1.0, 2.0), (3.0, 4.0), 5.0, 0, {})
    return good._replace(**change)


@pytest.mark.parametrize(
    "bad",
    [
        report(stamp=math.nan),
        report(position=(math.nan, 1.0)),
        report(position=(math.inf, 1.0)),
        report(target=(1e9, 1.0)),
        report(travelled=-1.0),
        report(travelled=math.nan),
        report(source=Source(200, 1)),
    ],
)
def test_numbers_that_cannot_be_are_refused(bad):
    with pytest.raises(WireError):
        decode(sealed(Beacon(Source(1, 1), 1, 0.0, 0.0, (bad,))), GEOMETRY)


def test_a_bomb_is_not_inflated():
    piece = Tiles(
        Source(1, 1), 1, Source(1, 1), 0, 1, np.array([0]), np.array([1]), np.zeros(1), np.zeros((1, 32, 32))
    )
    frame = encode(piece._replace(pixels=np.zeros((1, 32, 32), np.uint8)), GEOMETRY)
    bomb = zlib.compress(bytes(50_000_000))
    body = frame[: 21 + 19 + 14] + bomb
    with pytest.raises(WireError, match="tiles are 256 bytes"):
        decode(body + struct.pack("<I", zlib.crc32(body)), GEOMETRY)


def test_more_tiles_than_allowed_are_refused():
    n = MAX_TILES + 1
    many = Tiles(
        Source(1, 1),
        1,
        Source(1, 1),
        0,
        n,
        np.arange(n),
        np.arange(1, n + 1),
        np.zeros(n),
        np.zeros((n, 32, 32), np.uint8),
    )
    with pytest.raises(WireError, match=f"{n} tiles"):
        decode(sealed(many), GEOMETRY)

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.policies.coordination.wire import (
    ClaimMessage,
    Intent,
    Request,
    WireError,
    bundle,
    decode,
    encode,
    unbundle,
)

u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (16, 32, 64))
real = st.floats(width=32, allow_nan=False, allow_infinity=False)
score = st.one_of(real, st.just(-math.inf))
messages = st.builds(
    ClaimMessage,
    sender=u16,
    epoch=u64,
    sequence=u32,
    cells=st.lists(u32, max_size=8).map(tuple),
    request=st.none() | st.builds(Request, u32, u32),
    grants=st.lists(st.tuples(u16, u32), max_size=20).map(tuple),
    intent=st.none() | st.builds(Intent, u32, u32, real, st.tuples(*[score] * 5)),
)


@given(messages)
def test_what_is_encoded_is_decoded(message):
    assert decode(encode(message)) == message


@given(messages, st.data())
def test_a_changed_byte_is_noticed(message, data):
    frame = bytearray(encode(message))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode(bytes(frame))


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_else(garbage):
    for read in (decode, unbundle):
        try:
            read(garbage)
        except WireError as error:
            assert str(error)


@given(messages, st.integers(1, 30))
def test_a_message_that_is_cut_short_is_refused(message, cut):
    with pytest.raises(WireError):
        decode(encode(message)[:-cut])


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_bundles_hold_their_frames(frames):
    assert unbundle(bundle(frames)) == frames


def test_a_score_that_is_no_number_is_refused():
    bad = ClaimMessage(1, 1, 1, intent=Intent(0, 0, 0.0, (math.nan, 0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(WireError, match="not usable"):
        decode(encode(bad))

"""Decoding any speaker string gives a voice or a refusal, in bounded memory."""

import lzma
import tracemalloc

import pybase16384
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.engines.chattts.model.speaker import decode

HIDDEN = 768
BOUND = 4 * 2**20  # bytes
windows = st.sampled_from([4096, 65_536, 2**23])
filters = windows.map(lambda size: [{"id": lzma.FILTER_LZMA2, "dict_size": size}])


@st.composite
def strings(draw: st.DrawFn) -> str:
    """Draw bytes that are wrapped as upstream wraps a voice.

    They are any bytes, or an LZMA2 stream of a voice's size, of a bomb's or of another size. They
    may be damaged.
    """
    unpacked = draw(st.binary(max_size=64)) * draw(st.sampled_from([1, 24, 48, 2000]))
    packed = bytearray(
        draw(st.binary(max_size=64))
        if draw(st.booleans())
        else lzma.compress(unpacked, format=lzma.FORMAT_RAW, filters=draw(filters))
    )
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(packed)))
        packed[start : start + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return str(pybase16384.encode_to_string(bytes(packed) or b"\0"))


@given(strings())
@examples(max_examples=150, deadline=None)
def test_any_packed_bytes_are_a_voice_or_refused_in_bounded_memory(string: str) -> None:
    message = ""
    tracemalloc.start()
    try:
        assert decode(string, HIDDEN).shape == (HIDDEN,)
    except InvalidRequest as error:
        message = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < BOUND
    assert string not in message

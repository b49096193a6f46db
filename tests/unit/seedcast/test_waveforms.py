"""Waveforms: rounding and FLAC lose nothing, and a damaged file is refused at little cost."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import Undecodable
from seedcast.waveforms import decode_flac, encode_flac, quantise


def test_quantising_rounds_half_to_even_and_counts_clipped_samples() -> None:
    samples = np.array([0.5, 1.5, 2.5, -0.5, -1.5]) / 32767
    assert quantise(samples)[0].tolist() == [0, 2, 2, 0, -2]
    waveform, clipped = quantise(np.array([1.0, -1.0, 1.01, -7.0]))
    assert (waveform.tolist(), clipped) == ([32767, -32767, 32767, -32767], 2)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=2000))
def test_flac_is_lossless(samples: list[int]) -> None:
    waveform = np.array(samples, dtype="<i2")
    decoded, rate = decode_flac(encode_flac(waveform, 22_050))
    assert (decoded.tolist(), rate) == (samples, 22_050)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(b"fLaC".__add__))
def test_arbitrary_bytes_raise_only_a_mapped_error(value: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_flac(value)


def test_truncated_stereo_or_other_audio_is_refused_with_the_same_message_each_time() -> None:
    mono = encode_flac(np.arange(20_000, dtype="<i2"), 22_050)
    stereo = io.BytesIO()
    soundfile.write(stereo, np.zeros((10, 2), dtype="<i2"), 8000, format="FLAC")
    for invalid in (mono[: len(mono) // 2], stereo.getvalue(), b"", b"RIFF"):
        first, second = (_error_message(invalid) for _ in range(2))
        assert first == second


def test_a_header_that_claims_billions_of_samples_is_refused_before_memory_is_allocated() -> None:
    flac = bytearray(encode_flac(np.arange(20_000, dtype="<i2"), 22_050))
    # STREAMINFO ends its packed fields with a 36-bit count of samples (RFC 9639, section 8.2).
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    assert "68,719,476,735" in _error_message(bytes(flac))


def _error_message(flac: bytes) -> str:
    with pytest.raises(Undecodable) as raised:
        decode_flac(flac)
    return str(raised.value)

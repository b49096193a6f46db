"""Wire formats: round trips are exact, errors are mapped, and no error quotes a request's text."""

import io

import msgspec
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from seedcast import codec
from seedcast.errors import InvalidRequest, Undecodable
from tests.builders.requests import a_request

SECRET = "Zebra-4711"
QUOTED = f"it's '{SECRET}"  # a quotation mark must not end the masking


def test_a_decoded_request_equals_the_encoded_one() -> None:
    request = a_request(metadata={"row": "7", "名": "值"}, speed=1.25)
    assert codec.decode_request(codec.encode_json(request)) == request


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_arbitrary_bytes_raise_only_a_mapped_error(value: bytes) -> None:
    for decode in (
        codec.decode_request,
        codec.decode_result,
        codec.decode_campaign,
        codec.decode_synthesis,
        codec.decode_flac,
    ):
        with pytest.raises((InvalidRequest, Undecodable)):
            decode(value)


@given(
    st.dictionaries(
        st.sampled_from(
            ["text", "voice_seed", "profiles", "deadline", "priority", "style", "campaign_id"]
        ),
        st.none() | st.integers() | st.text() | st.sampled_from([SECRET, QUOTED]),
    )
)
def test_a_rejection_keeps_the_id_and_quotes_no_value(fields: dict[str, object]) -> None:
    value = msgspec.json.encode({"request_id": "request-1", "metadata": {"row": "3"}, **fields})
    with pytest.raises(InvalidRequest) as raised:
        codec.decode_request(value)
    rejected = codec.rejection(value, raised.value)
    assert (rejected.request_id, rejected.status, rejected.metadata) == (
        "request-1",
        "failed",
        {"row": "3"},
    )
    assert SECRET not in rejected.error.message


@pytest.mark.parametrize(
    "rest",
    [
        b'"text":"\xff"',
        b'"text":1e999999',
        b'"unknown":' + b"9" * 5000,
        b'"\xff":1',
        b'"campaign_id":7,"metadata":{"row":"\xff"}',
        b'"metadata":[1]',
    ],
)
def test_a_request_with_a_readable_id_is_always_answered(rest: bytes) -> None:
    value = b'{"request_id":"request-1",' + rest + b"}"
    with pytest.raises(InvalidRequest) as raised:
        codec.decode_request(value)
    rejected = codec.rejection(value, raised.value)
    assert (rejected.request_id, rejected.campaign_id, rejected.metadata) == ("request-1", None, {})


def test_a_rejection_keeps_the_valid_fields_of_an_invalid_request() -> None:
    value = b'{"request_id":"request-1","campaign_id":"july","metadata":{"row":"3"},"text":"\xff"}'
    rejected = codec.rejection(value, InvalidRequest("invalid_request", "wrong"))
    assert (rejected.campaign_id, rejected.metadata) == ("july", {"row": "3"})


@pytest.mark.parametrize(
    "value",
    [
        b'{"request_id":"short"}',
        b'{"request_id":"request-1\n"}',
        b'{"request_id":7}',
        b'"request-1"',
        b'{"x":' + b"[" * 100_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_a_request_without_a_readable_id_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        codec.decode_request(value)


def test_quantising_rounds_half_to_even_and_counts_clipped_samples() -> None:
    samples = np.array([0.5, 1.5, 2.5, -0.5, -1.5]) / 32767
    assert codec.quantise(samples)[0].tolist() == [0, 2, 2, 0, -2]
    waveform, clipped = codec.quantise(np.array([1.0, -1.0, 1.01, -7.0]))
    assert (waveform.tolist(), clipped) == ([32767, -32767, 32767, -32767], 2)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=2000))
def test_flac_is_lossless(samples: list[int]) -> None:
    waveform = np.array(samples, dtype="<i2")
    decoded, rate = codec.decode_flac(codec.encode_flac(waveform, 22_050))
    assert (decoded.tolist(), rate) == (samples, 22_050)


def test_truncated_stereo_or_other_audio_is_refused_with_the_same_message_each_time() -> None:
    mono = codec.encode_flac(np.arange(20_000, dtype="<i2"), 22_050)
    stereo = io.BytesIO()
    soundfile.write(stereo, np.zeros((10, 2), dtype="<i2"), 8000, format="FLAC")
    for invalid in (mono[: len(mono) // 2], stereo.getvalue(), b"", b"RIFF"):
        first, second = (_error_message(invalid) for _ in range(2))
        assert first == second


def test_a_header_that_claims_billions_of_samples_is_refused_before_memory_is_allocated() -> None:
    flac = bytearray(codec.encode_flac(np.arange(20_000, dtype="<i2"), 22_050))
    # STREAMINFO ends its packed fields with a 36-bit count of samples (RFC 9639, section 8.2).
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    assert "68,719,476,735" in _error_message(bytes(flac))


def _error_message(flac: bytes) -> str:
    with pytest.raises(Undecodable) as raised:
        codec.decode_flac(flac)
    return str(raised.value)

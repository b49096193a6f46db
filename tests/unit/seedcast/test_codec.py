"""Wire formats: round trips are exact, errors are mapped, and no error quotes a request's text."""

import msgspec
import pytest
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
        codec.decode_worker,
        codec.decode_synthesis,
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

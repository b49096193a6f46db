"""A part of a body is answered as the RFC says."""

import pytest
from starlette.requests import Request

from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.ranges import ranged

BODY = b"0123456789"


def asking(text: str | None) -> Request:
    headers = [] if text is None else [(b"range", text.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("text", "body", "content_range"),
    [
        ("bytes=0-", BODY, "bytes 0-9/10"),
        ("bytes=0-1", b"01", "bytes 0-1/10"),
        ("bytes=4-100", b"456789", "bytes 4-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", BODY, "bytes 0-9/10"),
    ],
)
def test_one_range_is_a_part(text: str, body: bytes, content_range: str) -> None:
    answer = ranged(asking(text), BODY, {"x": "y"}, "audio/ogg")
    assert (answer.status_code, answer.body) == (206, body)
    assert answer.headers["content-range"] == content_range
    assert (answer.headers["x"], answer.headers["content-type"]) == ("y", "audio/ogg")


@pytest.mark.parametrize("text", [None, "", "bytes=-", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b"])
def test_what_is_no_single_range_is_answered_with_all(text: str | None) -> None:
    answer = ranged(asking(text), BODY, {}, "audio/ogg")
    assert (answer.status_code, answer.body) == (200, BODY)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=99-100", "bytes=5-4", "bytes=-0"])
def test_a_range_of_nothing_is_refused_with_the_size(text: str) -> None:
    with pytest.raises(Problem) as raised:
        ranged(asking(text), BODY, {}, "audio/ogg")
    assert raised.value.status == 416
    assert raised.value.headers["content-range"] == "bytes */10"

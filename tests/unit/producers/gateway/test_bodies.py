"""Bodies are bounded in bytes and in time, and a wrong one says which field is wrong."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from seedcast.producers.gateway import bodies
from seedcast.producers.gateway.bodies import MAX_JSON, decode, json_of, read
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.wire import SpeechBody

GOOD = b'{"input": "Hello.", "voice": 2222}'
SECRET = "Dear Anna Miller"


def a_request(*chunks: bytes, after: Callable[[], Any] | None = None, **headers: str) -> Request:
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": n < len(chunks) - 1 or bool(after)}
        for n, chunk in enumerate(chunks)
    ]

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await after() if after else {"type": "http.disconnect"}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": named}, receive)


def refused(request: Request, limit: int = MAX_JSON) -> Problem:
    with pytest.raises(Problem) as raised:
        asyncio.run(read(request, limit))
    return raised.value


def test_a_body_in_pieces_is_read_whole() -> None:
    request = a_request(GOOD[:7], GOOD[7:], content_type="application/json; charset=utf-8")
    assert asyncio.run(json_of(request, SpeechBody)).voice == 2222


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    assert refused(a_request(content_length="10000000")).status == 413


def test_a_body_larger_than_it_says_is_refused() -> None:
    assert refused(a_request(b"x" * 600, b"x" * 600, content_length="3"), limit=1000).status == 413


def test_half_a_body_is_refused() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    assert refused(a_request(GOOD[:9], after=gone)).code == "incomplete"


def test_a_slow_body_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.05)

    async def never() -> Any:
        await asyncio.Event().wait()

    problem = refused(a_request(b"{", after=never))
    assert (problem.status, problem.headers["connection"]) == (408, "close")


def test_another_media_type_is_refused() -> None:
    request = a_request(GOOD, content_type="application/x-www-form-urlencoded")
    with pytest.raises(Problem) as raised:
        asyncio.run(json_of(request, SpeechBody))
    assert raised.value.status == 415


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"voice": 1}', None),
        (b'{"input": "", "voice": 1}', "input"),
        (b'{"input": "Hi.", "voice": 1, "speed": 3}', "speed"),
        (b'{"input": "Hi.", "voice": -1}', "voice"),
        (b'{"input": "Hi.", "voice": 1, "response_format": "pcm"}', "response_format"),
        (b'{"input": "Hi.", "voice": 1, "instructions": "sadly"}', None),
        (b'{"input": "Hi.", "voice": 1, "style": {"top_k": 0}}', "style.top_k"),
        (b"[]", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b'{"input": "\\ud800", "voice": 1}', None),
    ],
)
def test_a_wrong_body_names_its_field(body: bytes, param: str | None) -> None:
    with pytest.raises(Problem) as raised:
        decode(body, SpeechBody)
    assert (raised.value.status, raised.value.param) == (400, param)


def test_no_problem_quotes_a_text() -> None:
    for body in (
        f'{{"input": "{SECRET}", "voice": 1, "speed": 9}}',
        f'{{"input": ["{SECRET}"], "voice": 1}}',
        f'{{"input": "{SECRET}", "voice": 1, "profile": "{SECRET}"}}',
    ):
        with pytest.raises(Problem) as raised:
            decode(body.encode(), SpeechBody)
        assert SECRET not in str(raised.value.body())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_body_or_a_problem(body: bytes) -> None:
    with suppress(Problem):
        decode(body, SpeechBody)

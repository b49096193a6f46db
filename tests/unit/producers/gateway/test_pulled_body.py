"""A thread pulls a body from the loop, bounded in bytes and in time, and is never left waiting."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from seedcast.producers.gateway import pulled_body
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.pulled_body import Counted, PulledBody


def a_request(*chunks: bytes, after: Callable[[], Any] | None = None) -> Request:
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": n < len(chunks) - 1 or bool(after)}
        for n, chunk in enumerate(chunks)
    ]

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await after() if after else {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def pulled(request: Request) -> list[bytes]:
    body = PulledBody(request)
    return await asyncio.to_thread(lambda: list(body))


def test_a_thread_gets_the_pieces_in_order() -> None:
    assert asyncio.run(pulled(a_request(b"a", b"", b"bc"))) == [b"a", b"bc"]


def test_a_client_that_goes_away_is_told_from_one_that_ends() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(Problem, match="went away") as raised:
        asyncio.run(pulled(a_request(b"a", after=gone)))
    assert raised.value.status == 400


@pytest.mark.parametrize("limit", ["IDLE", "GRACE"])
def test_a_slow_client_is_not_waited_for(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulled_body, limit, 0.05)

    async def never() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(Problem) as raised:
        asyncio.run(pulled(a_request(b"a", after=never)))
    assert (raised.value.status, raised.value.headers["connection"]) == (408, "close")


def test_a_body_that_was_given_up_ends_its_thread() -> None:
    async def given_up() -> None:
        body = PulledBody(a_request(b"a", b"b"))
        pieces = iter(body)
        assert await asyncio.to_thread(next, pieces) == b"a"
        body.give_up()
        with pytest.raises(Problem):
            await asyncio.to_thread(next, pieces)

    asyncio.run(given_up())


def test_pieces_are_read_in_the_size_that_is_asked_for_and_hashed() -> None:
    stream = Counted([b"abc", b"defg", b"h"], most=8)
    assert [stream.read(3), stream.read(4), stream.read(4), stream.read(4)] == [
        b"abc",
        b"defg",
        b"h",
        b"",
    ]
    assert (stream.size, stream.sha256) == (8, hashlib.sha256(b"abcdefgh").hexdigest())


def test_more_than_may_come_is_refused_before_all_is_read() -> None:
    endless = iter(lambda: b"x" * 10, None)
    with pytest.raises(Problem) as raised:
        Counted(endless, most=95).read(1000)
    assert raised.value.status == 413

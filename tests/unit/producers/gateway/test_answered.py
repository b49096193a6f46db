"""An answer is logged, and its place is free, once it has ended: not while it is still sent."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from structlog.testing import capture_logs
from structlog.typing import EventDict

from seedcast.errors import StoreUnavailable
from seedcast.health import Readiness
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.routes import BYTES, Route
from seedcast.producers.gateway.server import application
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey, KeyLimits
from tests.builders.asgi import serving
from tests.builders.waiting import eventually

PIECE = bytes(1000)


class Download:
    """Two pieces; between them it waits until `goes_on`, and then fails if it `fails`."""

    def __init__(self, *, is_endless: bool = False) -> None:
        self.goes_on, self.fails, self.is_endless = threading.Event(), False, is_endless

    async def answer(self, _http: Request, _key: ApiKey) -> Response:
        return StreamingResponse(self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield PIECE
        while not self.goes_on.is_set():
            await anyio.sleep(0.01)
        if self.fails:
            raise StoreUnavailable("reading s3://audio/a")
        yield PIECE

    @contextmanager
    def served(self) -> Iterator[str]:
        route = Route(
            method="GET",
            path="/file",
            scope="read",
            handler=self.answer,
            summary="",
            answers={200: BYTES},
            is_endless=self.is_endless,
        )
        limits = Limits(GatewaySettings.model_validate({}))
        with serving(application([route], Access(found), limits, Readiness())) as url:
            try:
                yield f"{url}/file"
            finally:
                self.goes_on.set()


async def found(_secret: str) -> ApiKey:
    return ApiKey(
        key_id="key-1",
        name="one at once",
        tenant="bank",
        scopes=("read",),
        limits=KeyLimits(concurrency=1),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        expires_at=None,
        revoked_at=None,
    )


CLIENT = httpx.Client(headers={"authorization": "Bearer a"}, timeout=30)


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as logs:
        yield logs


def told(logs: list[EventDict]) -> list[tuple[object, ...]]:
    fields = ("status", "code", "bytes", "sent")
    lines = [line for line in logs if line["event"] == "answered"]
    return [tuple(line[name] for name in fields) for line in lines]


def test_a_download_keeps_its_place_and_its_line_until_its_end(logged: list[EventDict]) -> None:
    download = Download()
    with download.served() as url:
        with CLIENT.stream("GET", url) as first:
            assert first.status_code == 200
            assert told(logged) == []
            refused = CLIENT.get(url)
            assert refused.status_code == 429
            line = (429, "too_many_at_once", len(refused.content), "whole")
            eventually(lambda: told(logged) == [line], what="the line of the refusal")
            download.goes_on.set()
            assert first.read() == PIECE + PIECE
        eventually(lambda: len(told(logged)) == 2, what="the line of the download")
        assert CLIENT.get(url).status_code == 200  # it has its place again
    assert told(logged)[1:] == [(200, "", 2000, "whole")] * 2


def test_a_stream_of_events_is_none_of_the_requests_at_once() -> None:
    download = Download(is_endless=True)
    with download.served() as url, CLIENT.stream("GET", url) as first:
        assert first.status_code == 200
        with CLIENT.stream("GET", url) as second:
            assert second.status_code == 200


def test_a_client_that_leaves_is_told_and_frees_its_place(logged: list[EventDict]) -> None:
    with Download().served() as url:
        with CLIENT.stream("GET", url) as first:
            assert first.status_code == 200
        eventually(lambda: bool(told(logged)), what="the line of the download")
        with CLIENT.stream("GET", url) as second:
            assert second.status_code == 200
    assert told(logged)[0] == (200, "", 1000, "client_left")


def test_a_store_that_fails_midway_cuts_the_answer_and_is_told(logged: list[EventDict]) -> None:
    download = Download()
    download.fails = True
    download.goes_on.set()
    with download.served() as url, pytest.raises(httpx.RemoteProtocolError):
        CLIENT.get(url)
    assert told(logged) == [(200, "unavailable", 1000, "cut")]

"""Connections of clients: how many there may be, and how long one may take for what it says.

uvicorn bounds neither the time nor the size of a request's headers, and closes no connection whose
client does not read.
"""

import asyncio
import resource
from typing import Any

import msgspec
import structlog
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from seedcast import metrics
from seedcast.health import LIVE, READY
from seedcast.producers.gateway.problems import MEDIA_TYPE, Problem, unavailable

log = structlog.get_logger(__name__)
SECONDS = 10.0  # for the headers of a request, from its connection or its first byte
MAX_HEADERS = 64 * 1024  # bytes, with the line of the request
READING = 30.0  # seconds for a client to read what it is sent, once its line is full
SPARE = 256  # connections beyond the limit that are told of it; more are closed without a word
OWN_FILES = 256  # for Kafka, S3, databases, logs, and connections that are just being closed


def most_connections(wanted: int) -> int:
    """Return how many connections the open files of this process allow, at most those wanted.

    Raises the soft limit of open files as far as the hard one allows.
    """
    need = wanted + SPARE + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    allowed = need if hard == unlimited else min(need, hard)
    if soft not in (unlimited,) and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    most = max(1, allowed - SPARE - OWN_FILES)
    if most < wanted:
        log.warning(
            "fewer_connections",
            problem=f"the process may open {hard} files",
            expected=f"{need} for SEEDCAST_GATEWAY_CONNECTIONS={wanted}",
            next=f"at most {most} connections are served at once",
            remedy="raise its limit of open files (ulimit -n), or set fewer connections",
        )
    return most


class ClientProtocol(HttpToolsProtocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None  # until the headers are complete
    _reading: asyncio.TimerHandle | None = None  # while the client has to read
    _is_inside_headers = False
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        limit = self.limit_concurrency
        if limit is not None and len(self.connections) > limit + SPARE:
            metrics.GATEWAY_REFUSED.labels("connections").inc()
            transport.abort()
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_are_complete()
        self._stop_reading_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # The first piece may begin with another request's body: it is not counted.
        self._header_bytes = self._header_bytes + len(data) if self._is_inside_headers else 0
        super().data_received(data)
        if self._is_inside_headers:
            self._wait_for_headers()  # most requests come in one piece, and need no timer
            if self._header_bytes > MAX_HEADERS:
                self._refuse("headers_size", _TOO_LARGE)

    def on_message_begin(self) -> None:
        self._is_inside_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._headers_are_complete()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reading()

    def resume_writing(self) -> None:
        self._stop_reading_timer()
        super().resume_writing()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Let health be asked beyond the limit, and the others be told in our words."""
        if app is service_unavailable:
            is_health = cycle.scope["path"] in (LIVE, READY)
            app = self.app if is_health else _overloaded
        super()._start_asgi_task(cycle, app)

    def _wait_for_headers(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(SECONDS, self._is_late)

    def _headers_are_complete(self) -> None:
        self._is_inside_headers = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        self._refuse("headers_late", _LATE)

    def _wait_for_reading(self) -> None:
        self._stop_reading_timer()
        unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(READING, self._has_read, unread)

    def _has_read(self, before: int) -> None:
        """Leave a client that has read nothing since, so that nothing waits for it for good."""
        if self.transport.get_write_buffer_size() < before:
            self._wait_for_reading()
        else:
            metrics.GATEWAY_REFUSED.labels("not_read").inc()
            self.transport.abort()

    def _stop_reading_timer(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _refuse(self, reason: str, answer: bytes) -> None:
        self._headers_are_complete()
        metrics.GATEWAY_REFUSED.labels(reason).inc()
        if not self.transport.is_closing():
            # While one is under way it would be read as the answer to that.
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(answer)
            self.transport.close()


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    metrics.GATEWAY_REFUSED.labels("connections").inc()
    problem = unavailable("the gateway has as many connections as it may")
    problem.headers["connection"] = "close"
    await problem.response()(scope, receive, send)


def _raw(problem: Problem) -> bytes:
    body = msgspec.json.encode(problem.body())
    lines = (
        f"HTTP/1.1 {problem.status} {problem.body()['title']}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
        "\r\n",
    )
    return "\r\n".join(lines).encode() + body


_LATE = _raw(Problem(408, "timeout", f"the headers did not arrive within {SECONDS:g} seconds"))
_TOO_LARGE = _raw(Problem(431, "too_large", f"expected headers of at most {MAX_HEADERS:,} bytes"))

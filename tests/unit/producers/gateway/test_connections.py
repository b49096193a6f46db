"""Connections over real sockets, at a server of uvicorn with the gateway's protocol."""

import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seedcast import metrics
from seedcast.producers.gateway import connections
from seedcast.producers.gateway.connections import ClientProtocol, most_connections
from tests.builders.waiting import eventually

LARGE = 64 * 1024 * 1024  # bytes; more than what kernels keep for a connection
ASK = b"GET /asked HTTP/1.1\r\nhost: a\r\n\r\n"
Connect = Callable[[], socket.socket]


async def asked(http: Request) -> Response:
    return PlainTextResponse(f"read {len(await http.body())}")


async def large(_: Request) -> Response:
    return Response(bytes(LARGE))


APP = Starlette(
    routes=[
        Route("/asked", asked, methods=["GET", "POST"]),
        Route("/live", asked),
        Route("/large", large),
    ]
)


@contextmanager
def serving(limit: int | None = None) -> Iterator[Connect]:
    """Serve in a thread; yield what opens connections, which end with it."""
    config = uvicorn.Config(
        APP, http=ClientProtocol, loop="uvloop", limit_concurrency=limit, log_config=None
    )
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with ExitStack() as opened:
        try:
            yield lambda: opened.enter_context(closing(connect(listening)))
        finally:
            opened.close()
            server.should_exit = True
            thread.join()
            listening.close()


def connect(listening: socket.socket) -> socket.socket:
    made = socket.create_connection(listening.getsockname(), timeout=10)
    made.settimeout(10)
    return made


def rest(client: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection; a reset ends it, too."""
    found = bytearray()
    try:
        while data := client.recv(65536):
            found += data
    except ConnectionResetError:
        pass
    return bytes(found)


def answer(client: socket.socket) -> bytes:
    return client.recv(65536)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.3)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("sent", [b"", b"GET /asked HT", b"GET /asked HTTP/1.1\r\nhost: a\r\nx: "])
def test_headers_that_do_not_come_end_the_connection(sent: bytes) -> None:
    with serving() as open_one:
        client = open_one()
        client.sendall(sent)
        assert rest(client).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.usefixtures("soon")
def test_a_drop_now_and_then_does_not_keep_a_connection() -> None:
    with serving() as open_one:
        client, ended = open_one(), threading.Event()

        def drip() -> None:
            client.sendall(b"GET /asked HTTP/1.1\r\n")
            try:
                while not ended.wait(0.05):
                    client.sendall(b"x: y\r\n")
            except OSError:  # it is closed, as it should be
                return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert b" 408 " in rest(client)
        finally:
            ended.set()
            dripping.join()


@pytest.mark.usefixtures("soon")
def test_the_headers_of_a_second_request_are_bounded_too() -> None:
    with serving() as open_one:
        client = open_one()
        client.sendall(ASK)
        assert b" 200 " in answer(client)
        client.sendall(b"GET /asked HTTP/1.1\r\n")
        assert rest(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("soon")
def test_a_body_may_take_longer_than_headers() -> None:
    with serving() as open_one:
        client = open_one()
        client.sendall(b"POST /asked HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab")
        assert not threading.Event().wait(0.6)
        client.sendall(b"cd")
        assert b"read 4" in answer(client)


def test_headers_without_end_are_refused() -> None:
    with serving() as open_one:
        client = open_one()
        client.sendall(b"GET /asked HTTP/1.1\r\n")
        try:
            for _ in range(100):
                client.sendall(b"x: " + b"y" * 4000 + b"\r\n")
        except OSError:  # the answer may be lost with what was sent after it
            return
        assert rest(client).startswith(b"HTTP/1.1 431 ")


def test_who_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READING", 0.3)
    left = metrics.GATEWAY_REFUSED.labels("not_read")
    before = left._value.get()
    with serving() as open_one:
        client = open_one()
        client.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        eventually(lambda: left._value.get() == before + 1, 10, what="its end")
        assert len(rest(client)) < LARGE
        slow = open_one()
        slow.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert len(rest(slow)) > LARGE, "who reads gets all of it"


def test_beyond_the_limit_health_is_told_and_the_others_are_refused() -> None:
    with serving(limit=5) as open_one:
        kept = [open_one() for _ in range(5)]
        kept[0].sendall(ASK.replace(b"/asked", b"/live"))
        assert b" 200 " in answer(kept[0])
        others = [open_one() for _ in range(9)]
        others[8].sendall(ASK.replace(b"/asked", b"/live"))
        assert b" 200 " in answer(others[8])  # so all are accepted
        for each in others[:8]:
            each.sendall(ASK)
            told = rest(each)
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"application/problem+json" in told


def test_many_more_connections_are_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SPARE", 5)
    with serving(limit=5) as open_one:
        kept = [open_one() for _ in range(10)]
        beyond = [open_one() for _ in range(300)]
        assert {rest(each) for each in beyond} == {b""}
        kept[0].sendall(ASK.replace(b"/asked", b"/live"))
        assert b" 200 " in answer(kept[0])
        for each in kept[1:]:
            each.close()

        def is_served() -> bool:
            one = open_one()
            one.sendall(ASK.replace(b"host", b"connection: close\r\nhost"))
            return b" 200 " in rest(one)

        eventually(is_served, 10, what="a place that is free again")


def test_the_limit_of_open_files_is_raised_or_bounds_the_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised = list[tuple[int, int]]()
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 20_000))
    assert most_connections(2000) == 2000
    assert raised == [(2000 + connections.SPARE + connections.OWN_FILES, 20_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert most_connections(2000) == 1024 - connections.SPARE - connections.OWN_FILES
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert most_connections(2000) == 2000

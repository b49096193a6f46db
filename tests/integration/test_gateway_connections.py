"""A gateway under more connections than it serves, and under requests that are broken off."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from seedcast.embedded import Stack
from seedcast.producers.gateway.connections import SPARE
from seedcast.storage.accounts.accounts import open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits
from tests.builders import gateways, processes
from tests.builders.deployments import environment, fresh
from tests.builders.waiting import eventually
from tests.integration.test_gateway import url_of

pytestmark = pytest.mark.integration

LIMIT = 50  # connections
SLOW = 10_000
BODY = b'{"input": "Your order leaves today.", "voice": 1}'


@dataclass
class Served:
    url: str
    key: str
    log: Path

    def connect(self) -> socket.socket:
        parts = urlsplit(self.url)
        return socket.create_connection((parts.hostname, parts.port or 0), timeout=20)

    def speech(self, length: int, body: bytes) -> bytes:
        return (
            b"POST /v1/audio/speech HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            b"prefer: respond-async\r\n"
            + f"authorization: Bearer {self.key}\r\ncontent-length: {length}\r\n\r\n".encode()
            + body
        )


@pytest.fixture(scope="module")
def served(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings, log = fresh(stack), tmp_path_factory.mktemp("connections") / "gateway.log"
    variables = environment(settings) | {"SEEDCAST_GATEWAY_CONNECTIONS": str(LIMIT)}
    gateway = processes.start(["run", "gateway"], variables, log)
    try:
        with open_accounts(settings.accounts) as accounts:
            key = accounts.add_key("test", "bank", SCOPES, KeyLimits())[1]
        yield Served(url_of(log), key, log)
        assert gateway.poll() is None, "it has lived through all"
    finally:
        gateway.kill()
        gateway.wait()
        print(log.read_text(errors="replace")[-20_000:])


def read(client: socket.socket) -> bytes:
    """Return what comes until the server ends the connection."""
    found = b""
    try:
        while data := client.recv(65536):
            found += data
    except ConnectionResetError:
        pass
    return found


def test_two_thousand_connections_are_a_bounded_refusal(served: Served) -> None:
    headers = {"authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.url, headers=headers, timeout=20) as first:
        assert first.get("/v1/models").status_code == 200
        with ExitStack() as opened:
            others = [opened.enter_context(closing(served.connect())) for _ in range(2000)]
            for each in others:
                each.setblocking(False)
            most = 2000 - LIMIT - SPARE
            eventually(lambda: sum(map(is_closed, others)) >= most, what="the end of the others")
            assert first.get("/live").status_code == 200
            assert first.get("/ready").status_code == 200
            refused = first.get("/v1/models")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")

        def is_served() -> bool:
            try:
                return first.get("/v1/models").status_code == 200
            except httpx.TransportError:
                return False

        eventually(is_served, what="an answer once they are gone")
        assert refused_connections(first.get("/metrics").text) >= most


@pytest.mark.slow
def test_ten_thousand_slow_clients_cost_bounded_memory_and_are_refused(
    stack: Stack, tmp_path: Path
) -> None:
    """They say half of their headers: as many as are served wait, and are refused in time."""
    raise_open_files(SLOW + 1000)
    with gateways.gateway(fresh(stack), tmp_path / "slow.log") as gateway, ExitStack() as opened:
        first = opened.enter_context(gateway.client())  # its connection is one that is served
        assert first.get("/live").status_code == 200
        before = resident(gateway.process.pid)
        address = urlsplit(gateway.url).hostname, urlsplit(gateway.url).port
        for _ in range(SLOW):
            client = opened.enter_context(closing(socket.create_connection(address, timeout=60)))
            with suppress(ConnectionError):  # beyond the limit it is closed at once
                client.sendall(b"GET /v1/models HTTP/1.1\r\nhost: gateway\r\nx-slow: ")
        assert first.get("/live").status_code == 200
        grown = resident(gateway.process.pid) - before
        assert grown < 150, f"{grown:.0f} MiB for {SLOW:,} connections"

        def is_served() -> bool:
            try:
                with gateway.client() as late:
                    return late.get("/v1/models").status_code == 200
            except httpx.TransportError:
                return False

        eventually(is_served, timeout=60, what="an answer once the slow ones are refused")

        def all_are_refused() -> bool:
            page = first.get("/metrics").text
            refused = refused_connections(page) + refused_connections(page, "headers_late")
            return refused >= SLOW

        eventually(all_are_refused, timeout=60, what="a refusal of each of them")


def raise_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def resident(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def refused_connections(page: str, reason: str = "connections") -> float:
    name = f'seedcast_gateway_refused_connections_total{{reason="{reason}"}}'
    [line] = [line for line in page.splitlines() if line.startswith(name)]
    return float(line.split()[-1])


def test_half_an_upload_is_no_request(served: Served) -> None:
    with closing(served.connect()) as client:
        client.sendall(served.speech(len(BODY), BODY[:20]))
        client.shutdown(socket.SHUT_WR)
        assert b" 202 " not in read(client)
    with closing(served.connect()) as client:
        client.sendall(served.speech(len(BODY), BODY))
        assert b" 202 Accepted" in client.recv(65536)
    assert "Traceback" not in served.log.read_text()


def test_a_body_larger_than_it_says_is_no_second_request(served: Served) -> None:
    with closing(served.connect()) as client:
        client.sendall(served.speech(len(BODY), BODY + b"{" * 1000))
        told = read(client)
        assert told.count(b"HTTP/1.1 ") == 1
        assert told.startswith((b"HTTP/1.1 202 ", b"HTTP/1.1 400 "))
    assert "Traceback" not in served.log.read_text()

"""Why a broker that closes connections does not answer in plaintext, by a look at its address."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcast.embedded.stack_state import HOST
from seedcast.kafka import broker_faults
from tests.builders.certificates import certificates


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as made:
        yield made


def serve(listener: socket.socket, context: ssl.SSLContext | None) -> str:
    """Take connections, with TLS if there is a context, and close each; return the address."""

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) if context else connection:
                    pass
            except OSError:  # of one connection, or because the test has ended
                if listener.fileno() < 0:
                    return

    threading.Thread(target=run, daemon=True).start()
    return f"{HOST}:{listener.getsockname()[1]},elsewhere:9092"


def test_a_listener_that_speaks_tls_is_told(listener: socket.socket, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates(tmp_path) / "server.pem")
    fault = broker_faults.look(serve(listener, context))
    assert fault is not None
    assert "only TLS" in fault.what


def test_a_listener_that_closes_connections_is_told(listener: socket.socket) -> None:
    fault = broker_faults.look(serve(listener, None))
    assert fault is not None
    assert "may want a password" in fault.remedy


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:9", "no port", "host.invalid:9092", ""])
def test_an_address_where_nothing_listens_is_no_finding(bootstrap: str) -> None:
    assert broker_faults.look(bootstrap) is None

"""A receiver of webhooks that answers as a test wants: a real HTTP server, with or without TLS."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from seedcast.embedded.stack_state import HOST

# So that a gateway calls it.
ALLOWED = {
    "SEEDCAST_WEBHOOKS_ALLOW_HTTP": "true",
    "SEEDCAST_WEBHOOKS_ALLOW_NETWORKS": f'["{HOST}/32"]',
}


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    port: int
    calls: list[Call] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # of the next answers; then 204
    before: Callable[[], object] = lambda: None  # called before each answer
    body: Callable[[], Iterator[bytes]] = lambda: iter(())  # of each answer
    headers: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/hook"

    def take(self, call: Call) -> int:
        with self._lock:
            self.calls.append(call)
            return self.statuses.pop(0) if self.statuses else 204


@contextmanager
def receiver(certificates: Path | None = None) -> Iterator[Receiver]:
    """Yield a receiver; with a folder of `certificates` it speaks TLS, as `localhost`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            status = made.take(Call(self.path, names, body))
            made.before()
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in made.body():
                self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who called has gone: that is what a test wants."""

    server = Server((HOST, 0), Handler)
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()

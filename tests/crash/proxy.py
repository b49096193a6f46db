"""A TCP proxy in front of a broker or an object store, which fails as a test tells it to."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
CHUNK = 65_536  # bytes


@dataclass(frozen=True)
class Fault:
    """What happens to every connection while the fault lasts. Nothing by default."""

    cut: bool = False  # open connections are closed, and new ones at once
    cut_at: int | None = None  # the number of Kafka's request whose arrival begins such a cut
    frozen: bool = False  # nothing passes in either direction
    answers_lost: bool = False  # requests arrive, answers do not
    delay: float = 0.0  # seconds before each chunk
    answer: bytes = b""  # the HTTP answer to every request, none of which reaches the server


def s3_error(status: str, code: str) -> Fault:
    """Every request is refused in the form that S3 uses."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{code}</Code><Message>told to</Message></Error>"
    ).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return Fault(answer=head.encode() + body)


class Proxy:
    def __init__(self, target: int) -> None:
        """Listen on a free port and forward to `target`, another port of this machine."""
        self.target = target
        self._fault, self._changed = Fault(), threading.Condition()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fail(self, fault: Fault) -> None:
        """Replace the current fault.

        A stream that may have lost bytes cannot be mended, so connections are closed if either
        fault loses any.
        """
        with self._changed:
            before, self._fault = self._fault, fault
            self._changed.notify_all()
        if fault.cut or fault.answer or before.answers_lost or before.answer:
            self._close_all()

    @property
    def is_cut(self) -> bool:
        return self._fault.cut

    def heal(self) -> None:
        self.fail(Fault())

    def close(self) -> None:
        self.fail(Fault(cut=True))
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if self._fault.cut:
                return
            if self._fault.answer:
                self._refuse(client, self._fault.answer)
                return
            with socket.create_connection((HOST, self.target)) as server:
                self._open |= {client, server}
                if self._fault.cut or self._fault.answer:  # it began while this one connected
                    return
                back = threading.Thread(target=self._pump, args=(server, client, True), daemon=True)
                back.start()
                self._pump(client, server, False)
                back.join()
                self._open -= {client, server}

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                with self._changed:
                    self._changed.wait_for(lambda: not self._fault.frozen)
                if self._fault.delay:
                    time.sleep(self._fault.delay)  # the fault itself, not a wait for something
                if not answers and self._fault.cut_at in _requests(chunk):
                    self.fail(Fault(cut=True))
                    break
                if not (self._fault.answers_lost and answers):
                    sink.sendall(chunk)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _refuse(self, client: socket.socket, answer: bytes) -> None:
        """Read the request, then answer. An unread body would turn the answer into a reset."""
        head = b""
        while b"\r\n\r\n" not in head and (chunk := client.recv(CHUNK)):
            head += chunk
        fields, _, body = head.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in fields.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        remaining = sum(lengths) - len(body)
        if b"100-continue" in fields.lower():
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while remaining > 0 and (chunk := client.recv(CHUNK)):
            remaining -= len(chunk)
        client.sendall(answer)

    def _close_all(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _requests(chunk: bytes) -> Iterator[int]:
    """Yield the numbers of the requests in a chunk that begins with one."""
    while len(chunk) >= 6:
        size, number = struct.unpack_from(">ih", chunk)
        yield number
        chunk = chunk[4 + max(size, 2) :]

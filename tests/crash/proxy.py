"""A TCP proxy that fails as told: between clients and a broker, or an object store."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
CHUNK = 65_536  # bytes


@dataclass(frozen=True)
class Fault:
    """What happens to every connection while it lasts. Nothing by default."""

    cut: bool = False  # connections are closed, new ones at once
    frozen: bool = False  # nothing passes, either way
    deaf: bool = False  # what clients say arrives, and no answer does
    delay: float = 0.0  # seconds before each chunk
    answer: bytes = b""  # what every request gets (HTTP, without a body to wait for), and the server hears nothing


def http(status: str, code: str) -> Fault:
    """S3's way to say no."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>told to</Message></Error>'.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return Fault(answer=head.encode() + body)


class Proxy:
    def __init__(self, target: int) -> None:
        """Listens on a port of its own, and forwards to the target, a port of this machine."""
        self.target = target
        self._fault, self._changed = Fault(), threading.Condition()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fail(self, fault: Fault) -> None:
        """A stream that may have lost bytes cannot be mended: what is open is closed where the fault begins or ends in one."""
        with self._changed:
            before, self._fault = self._fault, fault
            self._changed.notify_all()
        if fault.cut or fault.answer or before.deaf or before.answer:
            self._close_all()

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
                if self._fault.cut or self._fault.answer:  # which came while it connected
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
                if not (self._fault.deaf and answers):
                    sink.sendall(chunk)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _refuse(self, client: socket.socket, answer: bytes) -> None:
        """A body that was not read would turn the answer into a reset."""
        head = b""
        while b"\r\n\r\n" not in head and (chunk := client.recv(CHUNK)):
            head += chunk
        fields, _, body = head.partition(b"\r\n\r\n")
        lengths = [
            int(line.split(b":")[1])
            for line in fields.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        left = sum(lengths) - len(body)
        if b"100-continue" in fields.lower():
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left > 0 and (chunk := client.recv(CHUNK)):
            left -= len(chunk)
        client.sendall(answer)

    def _close_all(self) -> None:
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

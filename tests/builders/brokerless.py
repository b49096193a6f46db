"""A proxy in front of a single broker, which can make its metadata name no broker at all.

So do brokers that are just starting or ending: none of them is registered.
"""

import socket
import struct
import threading
from contextlib import suppress

HOST = "127.0.0.1"
METADATA = 3  # Kafka's number of that request
FLEXIBLE = 9  # the first version of its answer with compact arrays


class Brokerless:
    """Clients know the broker by the proxy's port only, so that all they ask passes here."""

    def __init__(self, target: int) -> None:
        self.hides = False  # from now on, answers name no broker
        self.hidden = 0  # answers that named none
        self._target = target
        self._server = socket.create_server((HOST, 0))
        self.port: int = self._server.getsockname()[1]
        self._address = HOST.encode() + struct.pack(">i", self.port)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection((HOST, self._target)) as server:
            asked: set[int] = set()  # metadata requests under way, by correlation id
            back = threading.Thread(target=self._answers, args=(server, client, asked), daemon=True)
            back.start()
            while frame := _frame(client):
                kind, version, correlation = struct.unpack_from(">hhi", frame)
                if kind == METADATA and version >= FLEXIBLE:
                    asked.add(correlation)
                _send(server, frame)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _answers(self, server: socket.socket, client: socket.socket, asked: set[int]) -> None:
        with suppress(OSError):
            while frame := _frame(server):
                if struct.unpack_from(">i", frame)[0] in asked and self.hides:
                    frame = _without_brokers(frame)
                    self.hidden += 1
                real = HOST.encode() + struct.pack(">i", self._target)
                _send(client, frame.replace(real, self._address))
            client.shutdown(socket.SHUT_RDWR)


def _frame(source: socket.socket) -> bytes:
    """Return the next request or answer without its length; nothing at the end."""
    head = _exactly(source, 4)
    return _exactly(source, struct.unpack(">i", head)[0]) if head else b""


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        if not (chunk := source.recv(count - len(found))):
            return b""
        found += chunk
    return found


def _send(sink: socket.socket, frame: bytes) -> None:
    sink.sendall(struct.pack(">i", len(frame)) + frame)


def _without_brokers(answer: bytes) -> bytes:
    """A metadata answer: correlation id, tags, throttle time, then the array of brokers."""
    start = 4 + 1 + 4
    count, at = _varint(answer, start)
    for _ in range(count - 1):
        at += 4  # id
        size, at = _varint(answer, at)
        at += size - 1 + 4  # host, port
        size, at = _varint(answer, at)
        at += max(size - 1, 0) + 1  # rack, tags
    return answer[:start] + b"\x01" + answer[at:]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at

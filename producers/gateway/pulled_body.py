"""A body that a thread pulls piece by piece from the event loop: never whole in memory.

What the thread does not take, the client cannot send: nothing is buffered but what TCP holds.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterable, Iterator

from starlette.requests import ClientDisconnect, Request

from seedcast.producers.gateway.problems import Problem

IDLE = 30.0  # seconds without a byte
GRACE = 60.0  # seconds before the pace counts
PACE = 64 * 1024  # bytes per second, on average: 2 GiB take nine hours at most


class PulledBody:
    """Iterate over it in another thread than the loop's, in which it is made."""

    def __init__(self, http: Request) -> None:
        self._loop, self._pieces = asyncio.get_running_loop(), _paced(http)
        self._is_given_up = False

    def __iter__(self) -> Iterator[bytes]:
        """Raises Problem for a body that is broken off, or too slow."""
        while not self._is_given_up:
            pulling = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            if (piece := pulling.result()) is None:
                return
            yield piece
        raise _broken_off()

    def give_up(self) -> None:
        """Let the thread end: nobody waits for it any more."""
        self._is_given_up = True

    async def _next(self) -> bytes | None:
        return await anext(self._pieces, None)


async def _paced(http: Request) -> AsyncIterator[bytes]:
    stream, began, received = http.stream(), time.monotonic(), 0
    while True:
        left = began + GRACE + received / PACE - time.monotonic()
        try:
            async with asyncio.timeout(min(IDLE, left)):
                piece = await anext(stream, None)
        except TimeoutError:
            message = f"the body came too slowly: expected {PACE // 1024} KiB/s"
            raise Problem(408, "timeout", message, headers={"connection": "close"}) from None
        except ClientDisconnect:
            raise _broken_off() from None
        if piece is None:
            return
        received += len(piece)
        if piece:
            yield piece


class Counted:
    """Pieces as a file to read from, counted, hashed, and bounded."""

    def __init__(self, pieces: Iterable[bytes], most: int) -> None:
        self._pieces, self._most, self._rest = iter(pieces), most, b""
        self._hash, self.size = hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end. Raises Problem 413, and what the pieces raise."""
        taken, length = [self._rest], len(self._rest)
        while length < size and (piece := next(self._pieces, None)) is not None:
            self.size += len(piece)
            if self.size > self._most:
                raise too_large(self._most)
            self._hash.update(piece)
            taken.append(piece)
            length += len(piece)
        data = b"".join(taken)
        self._rest = data[size:]
        return data[:size]


def too_large(most: int) -> Problem:
    message = f"expected at most {most:,} bytes"
    return Problem(413, "too_large", message, headers={"connection": "close"})


def _broken_off() -> Problem:
    return Problem(400, "incomplete", "the client went away inside its body")

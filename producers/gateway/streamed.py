"""An answer that a thread writes while the client reads, at the client's pace.

A few chunks are ahead of the client, so that memory stays flat. A client that goes away, or takes
nothing for a minute, ends the thread at its next write. Nothing is written to the disk.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from io import BufferedWriter, RawIOBase
from typing import Any, BinaryIO, cast

import structlog
from anyio import (
    BrokenResourceError,
    CancelScope,
    CapacityLimiter,
    create_memory_object_stream,
    create_task_group,
    from_thread,
    move_on_after,
    to_thread,
)
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seedcast.errors import SeedcastError

log = structlog.get_logger(__name__)
CHUNK = 64 * 1024  # bytes
AHEAD = 4  # chunks
STALLED = 60.0  # seconds

Write = Callable[[BinaryIO], object]  # what the thread does
# Of a cancelled answer: before a write waits, anyio raises the one, and while it waits the other.
_CANCELLED = (asyncio.CancelledError, concurrent.futures.CancelledError)


class Gone(Exception):
    """Nobody reads any more."""


class Streamed(Response):
    """Errors before the first chunk are answered as all are. Later ones cut the connection, so
    that no client takes a part for the whole."""

    def __init__(
        self,
        write: Write,
        media_type: str,
        headers: Mapping[str, str],
        held: AbstractContextManager[object],
    ) -> None:
        """`write` may raise our errors. `held` is left when the answer has ended."""
        self.status_code, self.media_type, self.background = 200, media_type, None
        self.init_headers(headers)
        self._write, self._held = write, held
        self._error: SeedcastError | None = None
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            if scope["method"] == "HEAD":
                await self._send(send, b"", more=False)
                return
            chunks, taken = create_memory_object_stream[bytes](AHEAD)
            async with create_task_group() as group:
                group.start_soon(self._produce, chunks)
                group.start_soon(_until_gone, receive, group.cancel_scope)
                await self._pass_on(taken, send)
                group.cancel_scope.cancel()
        if self._error is not None:
            if not self._has_begun:
                raise self._error
            log.warning("answer_cut", problem=str(self._error))

    async def _produce(self, chunks: MemoryObjectSendStream[bytes]) -> None:
        """Let a thread write to `chunks`, and close them.

        It is none of the threads for short questions, which it would keep for minutes.
        """
        with chunks:
            try:
                await to_thread.run_sync(self._in_thread, chunks.send, limiter=CapacityLimiter(1))
            except Gone:
                log.info("client_left")
            except SeedcastError as error:
                self._error = error

    def _in_thread(self, put: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
        raw = _Chunks(put)
        file = BufferedWriter(raw, CHUNK)
        try:
            self._write(cast("BinaryIO", file))
            file.flush()
        finally:
            raw.is_open = False  # what a buffer still holds goes nowhere

    async def _pass_on(self, taken: MemoryObjectReceiveStream[bytes], send: Send) -> None:
        with taken:  # once it is closed, the thread's next write ends it
            async for chunk in taken:
                if not await self._send(send, chunk, more=True):
                    log.info("client_stalled", seconds=STALLED)
                    return
        if self._error is None:
            await self._send(send, b"", more=False)

    async def _send(self, send: Send, chunk: bytes, *, more: bool) -> bool:
        """Return False if the client did not take it in time."""
        with move_on_after(STALLED) as patience:
            if not self._has_begun:
                self._has_begun = True
                head = {"status": self.status_code, "headers": self.raw_headers}
                await send({"type": "http.response.start", **head})
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
        return not patience.cancelled_caught


class _Chunks(RawIOBase):
    """A file whose writes wait until there is room for them. For a thread of anyio's."""

    def __init__(self, put: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
        self._put, self.is_open = put, True

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Raises Gone."""
        if self.is_open:
            try:
                from_thread.run(self._put, bytes(data))
            except (BrokenResourceError, *_CANCELLED):
                raise Gone from None
        return len(data)


async def _until_gone(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()

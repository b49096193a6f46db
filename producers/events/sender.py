"""Sends one request at a time, and returns once the broker has acknowledged it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Self

from seedcast.catalog import lexicon, profiles, voices
from seedcast.errors import BrokerUnavailable, InvalidInput, InvalidRow, Retryable
from seedcast.producers.events.build import Event, EventBuilder, as_event
from seedcast.producers.events.connection import Connection, connect
from seedcast.producers.events.options import SendOptions, SendReceipt
from seedcast.producers.request_topics import Place
from seedcast.producers.rows.content import encode
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings


class Sender:
    """Keeps one connection open for all events. Thread-safe; `send_async` is for any event loop.

    A `with` or `async with` block opens it at its beginning and closes it at its end. Without one,
    the first event opens it, and `close` ends it.
    """

    def __init__(
        self,
        settings: Settings,
        options: SendOptions,
        connect: Callable[[Settings, float], Connection] = connect,
    ) -> None:
        """Ask no broker yet. Raises InvalidInput and InvalidSettings."""
        if not options.timeout > 0:
            got = f"{options.timeout:g}"
            raise InvalidInput("option timeout", expected="more than 0 seconds", got=got)
        self._settings, self._timeout, self._connect = settings, options.timeout, connect
        self._tenant = options.tenant
        words = lexicon.of_list(options.lexicon)
        known = profiles.load(settings.postprocess)
        self._events = EventBuilder(options, known, voices.load(settings), words)
        self._lock = Lock()
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        self._opened()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._opened)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Wait for what is on its way, at most as long as for an event, and drop the rest."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection:
            connection.close(self._timeout)

    def prepare(self, event: Event) -> SpeechRequest:
        """Return the request that `send` would send, with its ids, and send nothing.

        To send that is the same request each time, even if the event has no id.
        Raises InvalidEvent.
        """
        return self._events.build(event, datetime.now(UTC))

    def send(self, event: Event) -> SendReceipt:
        """Send a mapping, as if it were a row of a list, or a request, as it is.

        Raises InvalidEvent if it is wrong, InvalidInput if its campaign takes no events, the
        broker's error if that refuses it, and Retryable without an acknowledgement in time. What
        is sent again with the same id is the same request. The first event also raises what
        opening does: Unreachable, CredentialsRefused, AccessDenied and TopicMismatch.
        """
        connection = self._opened()
        request, value = self._encoded(event)
        place, ends = connection.topics.place(request), time.monotonic() + self._timeout
        with self._explained(request):
            if opening := connection.campaigns.admit(request.campaign_id, self._tenant):
                opening.result(ends - time.monotonic())
            sent = connection.producer.send(
                place.topic, key=place.key, value=value, partition=place.partition
            )
            try:
                offset = sent.result(ends - time.monotonic())
            finally:
                sent.cancel()  # nothing is sent that nobody waits for
        return _receipt(request, place, offset)

    async def send_async(self, event: Event, *, tenant: str | None = None) -> SendReceipt:
        """Do as `send` does, without blocking the event loop; many may be in flight.

        `tenant`: whose request it is, where one sender serves several.
        """
        connection = self._connection
        if connection is None:
            connection = await asyncio.to_thread(self._opened)
        request, value = self._encoded(event)
        place = connection.topics.place(request)
        with self._explained(request):
            async with asyncio.timeout(self._timeout):
                if opening := connection.campaigns.admit(
                    request.campaign_id, tenant or self._tenant
                ):
                    # Others wait for it, too: whoever gives up must not cancel it.
                    await asyncio.shield(asyncio.wrap_future(opening))
                sent = connection.producer.send(
                    place.topic, key=place.key, value=value, partition=place.partition
                )
                offset = await asyncio.wrap_future(sent)
        return _receipt(request, place, offset)

    def _opened(self) -> Connection:
        with self._lock:
            if self._connection is None:
                self._connection = self._connect(self._settings, self._timeout)
            return self._connection

    def _encoded(self, event: Event) -> tuple[SpeechRequest, bytes]:
        request = self.prepare(event)
        try:
            return request, encode(0, request)
        except InvalidRow as error:
            raise as_event(error) from None

    @contextmanager
    def _explained(self, request: SpeechRequest) -> Iterator[None]:
        """Raises BrokerUnavailable for an outage; it says how to repeat the request."""
        try:
            yield
        except (Retryable, TimeoutError) as error:
            named = f"id {request.metadata['id']!r}" if "id" in request.metadata else "same ids"
            raise BrokerUnavailable(
                f"sending request {request.request_id}",
                expected=f"an acknowledgement within {self._timeout:g} s",
                got=str(error) or "none yet",
                remedy=f"send it again with the {named}: it stays one request",
            ) from error


def _receipt(request: SpeechRequest, place: Place, offset: int | None) -> SendReceipt:
    return SendReceipt(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        topic=place.topic,
        partition=place.partition,
        offset=offset,
    )

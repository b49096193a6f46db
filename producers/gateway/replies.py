"""Who waits for an urgent request gets its result as soon as it is on `results.urgent`.

Every gateway reads all of that topic, without a group, from where it ends when the gateway starts:
it never reads the results of a night's lists.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from threading import Event, Lock, Thread
from typing import Protocol

import structlog

from seedcast.campaigns.progress import decode_readable
from seedcast.errors import Retryable
from seedcast.kafka import GroupOffsets, Record, TopicReader
from seedcast.metrics import REPLIES, REPLIES_BEHIND, REPLIES_WAITING
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import RESULTS_URGENT
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

LIMIT = 10_000  # requests that are waited for at a time
POLL = 0.5  # seconds; a record ends it at once, and `close` waits for it

Waiting = asyncio.Future[SpeechResult]


class Reader(Protocol):
    """What is used of a TopicReader."""

    def poll(self, timeout: float, *, at_once: bool) -> list[Record]: ...
    def behind(self, positions: dict[int, int], /) -> int: ...
    def close(self) -> None: ...


def read_from_end(settings: Settings) -> TopicReader:
    """Return a reader of what is written from now on.

    Raises BrokerUnavailable, CredentialsRefused, AccessDenied and TopicMismatch.
    """
    topic, offsets = settings.topic(RESULTS_URGENT), GroupOffsets(settings)
    seconds = settings.kafka.start_timeout  # a topic that is new may have no leader yet
    bounds = retry(lambda: offsets.bounds([topic]), seconds=seconds, backoff=BRIEF_BACKOFF)
    reader = TopicReader(settings, topic, {p.number: end for p, (_, end) in bounds.items()})
    try:
        for _ in reader.to_end():  # nobody can wait for these yet
            pass
        reader.follow()
    except BaseException:
        reader.close()
        raise
    return reader


class Replies:
    """Resolves futures by request id, from a thread of its own, until `close`.

    Through an outage of the broker it keeps its place. Not covered: a result that came before
    `wait`; it is on `results`, and in the index.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        limit: int = LIMIT,
        connect: Callable[[Settings], Reader] = read_from_end,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        """Return once every result that is sent from now on will be read: it blocks.

        `on_end` is called, in its thread, once no result will come any more.

        Raises SeedcastError, as `read_from_end` does.
        """
        self._limit, self._reader = limit, connect(settings)
        self._waiting: dict[str, list[Waiting]] = {}  # by request id
        self._count, self._lock = 0, Lock()
        self._ended: Exception | None = None  # why nothing is read any more
        self._on_end = on_end
        self._stop = Event()
        self.behind = 0  # records that are on the topic and not read yet, as far as is known
        self._thread = Thread(target=self._run, name="replies", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return False once no result will come any more, because of an error or `close`."""
        return self._ended is None

    def wait(self, request_id: str) -> Waiting:
        """Return a future of the request's result. Call it before the request is sent.

        Cancel the future to wait no more. Any number may wait for one request. An error that ends
        the thread becomes the future's.

        Raises Retryable if as many as the limit are waited for, and that error once it has come.
        """
        waiting: Waiting = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._ended:
                raise self._ended
            if self._count >= self._limit:
                most = f"at most {self._limit} requests that are waited for"
                raise Retryable("waiting for a result", expected=most, got="as many already")
            self._waiting.setdefault(request_id, []).append(waiting)
            self._count += 1
        REPLIES_WAITING.inc()
        waiting.add_done_callback(partial(self._forget, request_id))
        return waiting

    def close(self) -> None:
        """End the thread, which takes up to POLL seconds; who still waits gets a Retryable."""
        self._stop.set()
        self._thread.join()

    def _forget(self, request_id: str, waiting: Waiting) -> None:
        with self._lock:
            others = [each for each in self._waiting[request_id] if each is not waiting]
            if others:
                self._waiting[request_id] = others
            else:
                del self._waiting[request_id]
            self._count -= 1
        REPLIES_WAITING.dec()

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            log.exception("replies_ended", next="urgent requests are refused")
            self._end(error)
        else:
            self._end(Retryable("waiting for a result", got="a gateway that stops"))
        finally:
            self._reader.close()

    def _follow(self) -> None:
        positions: dict[int, int] = {}
        while not self._stop.is_set():
            for record in self._reader.poll(POLL, at_once=True):
                positions[record.partition.number] = record.offset + 1
                self._take(record)
            self.behind = self._reader.behind(positions)
            REPLIES_BEHIND.set(self.behind)

    def _take(self, record: Record) -> None:
        with self._lock:
            waiting = tuple(self._waiting.get((record.key or b"").decode(errors="replace"), ()))
        REPLIES.labels("yes" if waiting else "no").inc()
        if waiting and (result := decode_readable(record)):
            for each in waiting:
                _soon(each, partial(each.set_result, result))

    def _end(self, error: Exception) -> None:
        with self._lock:
            self._ended = error
            waiting = [each for some in self._waiting.values() for each in some]
        self._on_end()
        for each in waiting:
            _soon(each, partial(each.set_exception, error))


def _soon(waiting: Waiting, settle: Callable[[], object]) -> None:
    """Let the future's loop call `settle`, unless the future is done by then, or the loop over."""
    loop = waiting.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: None if waiting.done() else settle())

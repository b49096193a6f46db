"""Takes one record to its end: render, store objects, send the manifest; else a dead letter."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count

import msgspec
import structlog

from seedcast import metrics
from seedcast.codec import encode_json
from seedcast.errors import Poison, Retryable, SeedcastError, Undecodable
from seedcast.failpoints import failpoint
from seedcast.kafka import Headers, Record
from seedcast.retry import AsyncRetry
from seedcast.schemas.messages import RequestError, SpeechResult
from seedcast.schemas.topics import DEAD_LETTERS, RESULTS, RESULTS_URGENT
from seedcast.settings import Settings
from seedcast.storage.dead_letters import dead_letter
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.postprocess.deadlines import TooLate, has_passed
from seedcast.stream_apps.postprocess.error_mapping import FOREIGN, translate
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.stream_apps.postprocess.render import (
    AudioObject,
    Outcome,
    RenderContext,
    expired,
    render_record,
    unforeseen,
)
from seedcast.stream_apps.postprocess.taking_back import Created, Uses, store, take_back
from seedcast.worker import BROKER, STORE

log = structlog.get_logger(__name__)
STAGE = "postprocess"

Campaigns = Callable[[], frozenset[str]]  # returns those of which something holds by now


@dataclass(frozen=True)
class RenderSlots:
    """Limits the records of one topic in the render pool to its number of threads.

    Those queued in the pool could no longer be overtaken by urgent ones.
    """

    free: asyncio.Semaphore
    after: asyncio.Event | None = None  # set while a more urgent topic is idle; None: start at once


class Delivery:
    def __init__(
        self,
        app: App,
        settings: Settings,
        deployment: RenderContext,
        store: ObjectStore,
        retry: AsyncRetry,
        beat: Callable[[], None],
        cancelled: Campaigns,
        deliver_late: Campaigns = frozenset,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app, self._deployment, self._store = app, deployment, store
        self._retry, self._beat, self._cancelled = retry, beat, cancelled
        self._deliver_late, self._clock, self._uses = deliver_late, clock, Uses()
        self._in_hand = 0  # of the renderers, or in front of them
        self._threads = settings.postprocess.threads
        self._results = settings.topic(RESULTS)
        self._urgent_results = settings.topic(RESULTS_URGENT)
        self._dead_letters = settings.topic(DEAD_LETTERS)
        self._renderers = ThreadPoolExecutor(settings.postprocess.threads, "render")
        self._storers = ThreadPoolExecutor(settings.s3.concurrency, "store")

    async def deliver(self, record: Record, slots: RenderSlots) -> SpeechResult | None:
        """Return the result once it is on `results`; None if the record is a dead letter.

        Raises Retryable if the record has to be handed back instead.
        """
        result = None
        try:
            outcome = await self._render(record, slots)
        except Undecodable as error:
            await self._bury(record, error)
        else:
            result = await self._deliver(outcome)
        self._beat()
        return result

    async def reply(self, result: SpeechResult) -> None:
        """Send an urgent request's result to the gateways, too, once it is on `results`.

        Returns once it is acknowledged, or can never be: then it is on `results` alone. Raises
        Retryable if the record has to be handed back: both topics get the same bytes again.
        """
        with metrics.STAGE_SECONDS.labels("reply").time():
            try:
                await self._send(self._urgent_results, *_manifest(result), ())
            except Poison as error:
                log.error(
                    "reply_refused",
                    request_id=result.request_id,
                    campaign_id=result.campaign_id,
                    problem=str(error),
                )

    @property
    def rendering(self) -> int:
        """The number of records that are being rendered; for any thread."""
        return min(self._in_hand, self._threads)

    def close(self) -> None:
        self._renderers.shutdown(wait=False, cancel_futures=True)
        self._storers.shutdown(wait=False, cancel_futures=True)

    async def _render(self, record: Record, slots: RenderSlots) -> Outcome:
        async with slots.free:
            if slots.after:
                await slots.after.wait()
            campaigns = self._cancelled(), self._deliver_late()  # they change on this thread

            def render() -> Outcome:
                return render_record(record.value, self._deployment, *campaigns, self._clock())

            self._in_hand += 1
            try:
                return await asyncio.get_running_loop().run_in_executor(self._renderers, render)
            finally:
                self._in_hand -= 1

    async def _deliver(self, outcome: Outcome) -> SpeechResult:
        """Send the manifest only after every object that it names is stored; return it."""
        failpoint("postprocess.rendered")
        created = Created()
        try:
            with self._uses.of(outcome.objects):
                return await self._deliver_in_time(outcome, created)
        except (Retryable, MemoryError):
            raise
        except Exception as error:  # costs this request, not the worker
            result = outcome.result
            log.exception(
                "delivery_failed", request_id=result.request_id, campaign_id=result.campaign_id
            )
            return await self._send_result(_failed(outcome, error))

    async def _deliver_in_time(self, outcome: Outcome, created: Created) -> SpeechResult:
        try:
            await self._put_all(outcome, created)
            failpoint("postprocess.stored")
            return await self._send_result(outcome)
        except TooLate as error:
            if not error.uncertain:
                await self._take_back(outcome, created)
            return await self._send_result(expired(outcome))

    async def _put_all(self, outcome: Outcome, created: Created) -> None:
        """Raises the first failure, once no object is under way any more."""
        noted = created if outcome.deadline else None
        puts = (self._put(audio, noted, outcome.deadline) for audio in outcome.objects)
        for end in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(end, BaseException):
                raise end

    async def _take_back(self, outcome: Outcome, created: Created) -> None:
        alone = [audio for audio in outcome.objects if not self._uses.shared(audio)]
        uris = [self._store.uri(audio.key) for audio in alone]
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._storers, take_back, self._store, uris, created)

    def _refuse_late(self, deadline: datetime | None, *, uncertain: bool = False) -> None:
        """Raises TooLate."""
        if has_passed(deadline, self._clock()):
            raise TooLate(uncertain=uncertain)

    async def _put(
        self, audio: AudioObject, created: Created | None, deadline: datetime | None
    ) -> None:
        """Raises TooLate if the deadline passes before it is stored."""

        def put() -> None:
            self._refuse_late(deadline)
            with metrics.STAGE_SECONDS.labels("store").time():
                store(self._store, audio, created)

        loop = asyncio.get_running_loop()
        await self._retry(STORE, lambda: loop.run_in_executor(self._storers, put))
        metrics.RENDITION_BYTES.labels(audio.profile).inc(len(audio.data))

    async def _send_result(self, outcome: Outcome) -> SpeechResult:
        result = outcome.result
        with metrics.STAGE_SECONDS.labels("send").time():
            await self._send(self._results, *_manifest(result), (), outcome.deadline)
        failpoint("postprocess.acknowledged")
        metrics.RESULTS.labels(result.status).inc()
        if outcome.submitted_at:
            seconds = (datetime.now(UTC) - outcome.submitted_at).total_seconds()
            metrics.END_TO_END_SECONDS.observe(seconds)
        return result

    async def _bury(self, record: Record, error: SeedcastError) -> None:
        def letter() -> tuple[bytes | None, bytes, Headers]:
            return dead_letter(record, error, stage=STAGE, store=self._store)

        loop = asyncio.get_running_loop()
        key, value, headers = await self._retry(
            STORE, lambda: loop.run_in_executor(self._storers, letter)
        )
        await self._send(self._dead_letters, key, value, headers)
        metrics.DEAD_LETTERS.labels(STAGE).inc()
        log.warning(
            "dead_letter",
            problem=str(error),
            topic=record.partition.topic,
            partition=record.partition.number,
            offset=record.offset,
        )

    async def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        deadline: datetime | None = None,
    ) -> None:
        """Returns once all in-sync replicas have the record.

        Raises Poison if the topic takes no such record, and TooLate if the deadline passes before
        an attempt. An earlier attempt may have succeeded unknown to us.
        """
        attempts = count()

        async def attempt() -> None:
            self._refuse_late(deadline, uncertain=next(attempts) > 0)
            try:
                acknowledgement = await self._app.producer.send(
                    topic, key, value, None, None, list(headers)
                )
                failpoint("postprocess.sent")
                await acknowledgement
            except FOREIGN as error:
                raise translate(error, f"producing to {topic}") from error

        await self._retry(BROKER, attempt)


def _manifest(result: SpeechResult) -> tuple[bytes, bytes]:
    """Return the key and the value."""
    return result.request_id.encode(), encode_json(result)


def _failed(outcome: Outcome, error: Exception) -> Outcome:
    """Return a failure that fits any topic: metadata may have made the manifest too large."""
    reason = unforeseen(error)
    if isinstance(error, Poison):
        message = f"the manifest does not fit its topic: {error}"
        reason = RequestError(code="render_error", message=message)
    changes: dict[str, object] = {
        "status": "failed",
        "renditions": (),
        "receipt": None,
        "metadata": {},
        "error": reason,
    }
    result = msgspec.structs.replace(outcome.result, **changes)
    return replace(outcome, result=result, deadline=None)

"""Takes one record to its end: render, store objects, send the manifest; else a dead letter."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import structlog

from seedcast import metrics
from seedcast.codec import encode_json
from seedcast.errors import Poison, Retryable, SeedcastError, Undecodable
from seedcast.failpoints import failpoint
from seedcast.kafka import Headers, Record
from seedcast.retry import AsyncRetry
from seedcast.schemas.messages import RequestError
from seedcast.schemas.topics import DEAD_LETTERS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.dead_letters import dead_letter
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.postprocess.error_mapping import FOREIGN, translate
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.stream_apps.postprocess.render import (
    AudioObject,
    Outcome,
    RenderContext,
    render_record,
    unforeseen,
)
from seedcast.worker import BROKER, STORE

log = structlog.get_logger(__name__)
STAGE = "postprocess"

Cancelled = Callable[[], frozenset[str]]  # returns the campaigns that are cancelled by now


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
        cancelled: Cancelled,
    ) -> None:
        self._app, self._deployment, self._store = app, deployment, store
        self._retry, self._beat, self._cancelled = retry, beat, cancelled
        self._results = settings.topic(RESULTS)
        self._dead_letters = settings.topic(DEAD_LETTERS)
        self._renderers = ThreadPoolExecutor(settings.postprocess.threads, "render")
        self._storers = ThreadPoolExecutor(settings.s3.concurrency, "store")

    async def deliver(self, record: Record, slots: RenderSlots) -> None:
        """Raises Retryable if the record has to be handed back instead."""
        try:
            outcome = await self._render(record, slots)
        except Undecodable as error:
            await self._bury(record, error)
        else:
            await self._deliver(outcome)
        self._beat()

    def close(self) -> None:
        self._renderers.shutdown(wait=False, cancel_futures=True)
        self._storers.shutdown(wait=False, cancel_futures=True)

    async def _render(self, record: Record, slots: RenderSlots) -> Outcome:
        async with slots.free:
            if slots.after:
                await slots.after.wait()
            return await asyncio.get_running_loop().run_in_executor(
                self._renderers, render_record, record.value, self._deployment, self._cancelled()
            )

    async def _deliver(self, outcome: Outcome) -> None:
        """Send the manifest only after every object that it names is stored."""
        failpoint("postprocess.rendered")
        try:
            await asyncio.gather(*(self._put(audio) for audio in outcome.objects))
            failpoint("postprocess.stored")
            await self._send_result(outcome)
        except (Retryable, MemoryError):
            raise
        except Exception as error:  # costs this request, not the worker
            result = outcome.result
            log.exception(
                "delivery_failed", request_id=result.request_id, campaign_id=result.campaign_id
            )
            await self._send_result(_failed(outcome, error))

    async def _put(self, audio: AudioObject) -> None:
        def put() -> str:
            with metrics.STAGE_SECONDS.labels("store").time():
                return self._store.put(audio.key, audio.data, audio.content_type)

        loop = asyncio.get_running_loop()
        await self._retry(STORE, lambda: loop.run_in_executor(self._storers, put))
        metrics.RENDITION_BYTES.labels(audio.profile).inc(len(audio.data))

    async def _send_result(self, outcome: Outcome) -> None:
        result = outcome.result
        with metrics.STAGE_SECONDS.labels("send").time():
            await self._send(self._results, result.request_id.encode(), encode_json(result), ())
        failpoint("postprocess.acknowledged")
        metrics.RESULTS.labels(result.status).inc()
        if outcome.submitted_at:
            seconds = (datetime.now(UTC) - outcome.submitted_at).total_seconds()
            metrics.END_TO_END_SECONDS.observe(seconds)

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

    async def _send(self, topic: str, key: bytes | None, value: bytes, headers: Headers) -> None:
        """Returns once all in-sync replicas have the record.

        Raises Poison if the topic takes no such record.
        """

        async def attempt() -> None:
            try:
                acknowledgement = await self._app.producer.send(
                    topic, key, value, None, None, list(headers)
                )
                failpoint("postprocess.sent")
                await acknowledgement
            except FOREIGN as error:
                raise translate(error, f"producing to {topic}") from error

        await self._retry(BROKER, attempt)


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
    return replace(outcome, result=msgspec.structs.replace(outcome.result, **changes))

"""One record to its end: outcome, objects stored, manifest acknowledged; else a dead letter."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import structlog

from schemas.messages import RequestError
from schemas.topics import DEAD_LETTERS, RESULTS
from seedcast import metrics
from seedcast.codec import encode_json
from seedcast.errors import Poison, Retryable, SeedcastError, Undecodable
from seedcast.failpoints import failpoint
from seedcast.kafka import Headers, Record
from seedcast.settings import Settings
from storage.dead_letters import dead_letter
from storage.objects import ObjectStore
from stream_apps.postprocess.error_mapping import FOREIGN, translate
from stream_apps.postprocess.faust_app import App
from stream_apps.postprocess.patience import Patience
from stream_apps.postprocess.render import AudioObject, Deployment, Outcome, render_record

log = structlog.get_logger(__name__)
STAGE = "postprocess"

Cancelled = Callable[[], frozenset[str]]  # the campaigns that are, at this moment


@dataclass(frozen=True)
class Lane:
    """Where a record came from decides how long it waits: bulk work starts nothing while urgent work is in hand."""

    slots: (
        asyncio.Semaphore
    )  # as many as there are threads: what has been handed to them cannot be overtaken
    after: asyncio.Event | None = None  # set while the lane before this one is idle


class Delivery:
    def __init__(
        self,
        app: App,
        settings: Settings,
        deployment: Deployment,
        store: ObjectStore,
        patience: Patience,
        beat: Callable[[], None],
        cancelled: Cancelled,
    ) -> None:
        self._app, self._deployment, self._store, self._patience, self._beat, self._cancelled = (
            app,
            deployment,
            store,
            patience,
            beat,
            cancelled,
        )
        self._results, self._dead_letters = settings.topic(RESULTS), settings.topic(DEAD_LETTERS)
        self._renderers = ThreadPoolExecutor(settings.postprocess.threads, "render")
        self._storers = ThreadPoolExecutor(settings.s3.concurrency, "store")

    async def deliver(self, record: Record, lane: Lane) -> None:
        """Raises Retryable where the record has to be handed back instead."""
        try:
            made = await self._render(record, lane)
        except Undecodable as error:
            await self._bury(record, error)
        else:
            await self._deliver(made)
        self._beat()

    def close(self) -> None:
        self._renderers.shutdown(wait=False, cancel_futures=True)
        self._storers.shutdown(wait=False, cancel_futures=True)

    async def _render(self, record: Record, lane: Lane) -> Outcome:
        async with lane.slots:
            if lane.after:
                await lane.after.wait()
            return await asyncio.get_running_loop().run_in_executor(
                self._renderers, render_record, record.value, self._deployment, self._cancelled()
            )

    async def _deliver(self, made: Outcome) -> None:
        """A manifest is sent only after every object that it names is stored."""
        failpoint("postprocess.rendered")
        try:
            await asyncio.gather(*(self._put(item) for item in made.objects))
            failpoint("postprocess.stored")
            await self._send_result(made)
        except (Retryable, MemoryError):
            raise
        except Exception as error:  # it must cost this request, not the worker
            log.exception(
                "delivery_failed",
                request_id=made.result.request_id,
                campaign_id=made.result.campaign_id,
            )
            await self._send_result(_failed(made, error))

    async def _put(self, item: AudioObject) -> None:
        def put() -> str:
            with metrics.STAGE_SECONDS.labels("store").time():
                return self._store.put(item.key, item.data, item.content_type)

        loop = asyncio.get_running_loop()
        await self._patience.keep_trying("store", lambda: loop.run_in_executor(self._storers, put))
        metrics.RENDITION_BYTES.labels(item.profile).inc(len(item.data))

    async def _send_result(self, made: Outcome) -> None:
        result = made.result
        with metrics.STAGE_SECONDS.labels("send").time():
            await self._send(self._results, result.request_id.encode(), encode_json(result), ())
        failpoint("postprocess.acknowledged")
        metrics.RESULTS.labels(result.status).inc()
        if made.submitted_at:
            metrics.END_TO_END_SECONDS.observe(
                (datetime.now(UTC) - made.submitted_at).total_seconds()
            )

    async def _bury(self, record: Record, error: SeedcastError) -> None:
        def letter() -> tuple[bytes | None, bytes, Headers]:
            return dead_letter(record, error, stage=STAGE, store=self._store)

        loop = asyncio.get_running_loop()
        key, value, headers = await self._patience.keep_trying(
            "store", lambda: loop.run_in_executor(self._storers, letter)
        )
        await self._send(self._dead_letters, key, value, headers)
        metrics.DEAD_LETTERS.labels(STAGE).inc()
        place = {
            "topic": record.partition.topic,
            "partition": record.partition.number,
            "offset": record.offset,
        }
        log.warning("dead_letter", problem=str(error), **place)

    async def _send(self, topic: str, key: bytes | None, value: bytes, headers: Headers) -> None:
        """Returns once the broker has acknowledged it: all replicas in sync. Raises Poison where it takes no such record."""

        async def attempt() -> None:
            try:
                acknowledgement = await self._app.producer.send(
                    topic, key, value, None, None, list(headers)
                )
                failpoint("postprocess.sent")
                await acknowledgement
            except FOREIGN as error:
                raise translate(error, f"producing to {topic}") from error

        await self._patience.keep_trying("broker", attempt)


def _failed(made: Outcome, error: Exception) -> Outcome:
    """Small enough for any topic: metadata may be what made the manifest too large."""
    what = (
        f"the manifest does not fit its topic: {error}"
        if isinstance(error, Poison)
        else f"unforeseen {type(error).__name__}; the worker's log has the rest"
    )
    changes: dict[str, object] = {
        "status": "failed",
        "renditions": (),
        "receipt": None,
        "metadata": {},
        "error": RequestError(code="render_error", message=what),
    }
    return replace(made, result=msgspec.structs.replace(made.result, **changes))

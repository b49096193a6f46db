"""The agents: one for each audio topic, the urgent one served first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import structlog

from seedcast import metrics
from seedcast.errors import Retryable
from seedcast.health import Readiness
from seedcast.kafka import Partition, Record
from seedcast.schemas.topics import NORMAL, URGENT
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.postprocess.acks import Acks, Events
from seedcast.stream_apps.postprocess.delivery import Campaigns, Delivery, RenderSlots
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.stream_apps.postprocess.idle_wait import IdleWait
from seedcast.stream_apps.postprocess.render import RenderContext

log = structlog.get_logger(__name__)


class Agents:
    """Created inside the event loop that runs the app."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        deployment: RenderContext,
        store: ObjectStore,
        beat: Callable[[], None],
        readiness: Readiness,
        cancelled: Campaigns,
        deliver_late: Campaigns,
    ) -> None:
        self._app, self._limits = app, settings.postprocess
        self._acks = Acks(app, settings, beat, readiness)
        self._delivery = Delivery(
            app, settings, deployment, store, self._acks.retry, beat, cancelled, deliver_late
        )
        self._in_hand = 0  # batches
        urgent_idle, normal_idle = asyncio.Event(), asyncio.Event()
        urgent_idle.set()
        threads = self._limits.threads
        urgent = RenderSlots(asyncio.Semaphore(threads))
        normal = RenderSlots(asyncio.Semaphore(threads), after=urgent_idle)
        self._attach(settings.topic(URGENT.audio), urgent, urgent_idle, reply=True)
        self._attach(settings.topic(NORMAL.audio), normal, normal_idle)

    @property
    def idle(self) -> bool:
        return not self._in_hand

    @property
    def rendering(self) -> int:
        """The number of records that are being rendered; for any thread."""
        return self._delivery.rendering

    def stop(self) -> None:
        """Start no more batches. Those in progress finish, unless they wait out an outage."""
        self._acks.stop()

    def close(self) -> None:
        self._delivery.close()

    def _attach(
        self, topic: str, slots: RenderSlots, idle: asyncio.Event, *, reply: bool = False
    ) -> None:
        async def agent(stream: Any) -> None:
            idle_wait = IdleWait(stream)
            batches: AsyncIterator[Events] = stream.take_events(
                self._limits.batch, within=self._limits.batch_wait
            )
            async for events in batches:
                idle_wait.took(len(events))
                idle.clear()
                self._in_hand += 1
                try:
                    await self._deliver_batch(events, slots, idle, reply)
                finally:
                    self._in_hand -= 1
                    idle.set()

        # One instance: with more, Faust commits past an event that another still has in hand.
        self._app.agent(self._app.topic(topic), name=topic, concurrency=1)(agent)

    async def _deliver_batch(
        self, events: Events, slots: RenderSlots, idle: asyncio.Event, reply: bool
    ) -> None:
        """Returns once each event is delivered or withheld; raises only if it is cancelled.

        With `reply`, gateways have the results, too, by then. The other lane does not wait for
        that: `idle` is set once every result is on `results`.
        """
        owned = self._acks.owned(events)
        metrics.AUDIO_TAKEN.inc(len(owned))
        ended = count(1)

        async def deliver(event: Any) -> None:
            try:
                result = await self._delivery.deliver(_record(event), slots)
            finally:
                if next(ended) == len(owned):
                    idle.set()
            if reply and result:
                await self._delivery.reply(result)

        deliveries = map(deliver, owned)
        try:
            await self._acks.refuse_gaps(owned)
            ends = await asyncio.gather(*deliveries, return_exceptions=True)
        except Exception as error:
            ends = [error]
        except BaseException:
            self._acks.withhold_ack(owned)
            raise
        if failures := [end for end in ends if isinstance(end, BaseException)]:
            # Withhold all, so that nothing after an unfinished event is acknowledged.
            self._acks.withhold_ack(owned)
            await self._hand_back(failures, len(owned))

    async def _hand_back(self, failures: list[BaseException], count: int) -> None:
        for failure in failures:
            if not isinstance(failure, Retryable):
                log.error("cannot_go_on", exc_info=failure)
                self._acks.stop()  # withholds what comes after
                await self._app.crash(failure)
        log.warning("handed_back", records=count, problem=str(failures[0]))


def _record(event: Any) -> Record:
    message = event.message
    headers = message.headers or ()
    if isinstance(headers, dict):
        headers = headers.items()
    return Record(
        partition=Partition(message.topic, message.partition),
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in headers),
        timestamp_ms=int((message.timestamp or 0) * 1000),
    )

"""The agents: one for each audio topic, the urgent one served first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from schemas.topics import AUDIO, AUDIO_URGENT
from seedcast.errors import Retryable
from seedcast.health import Readiness
from seedcast.kafka import Partition, Record
from seedcast.settings import Settings
from storage.objects import ObjectStore
from stream_apps.postprocess.acks import Acks, Events
from stream_apps.postprocess.delivery import Cancelled, Delivery, Lane
from stream_apps.postprocess.faust_app import App
from stream_apps.postprocess.render import Deployment

log = structlog.get_logger(__name__)


class Agents:
    """Made inside the loop that runs the app."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        deployment: Deployment,
        store: ObjectStore,
        beat: Callable[[], None],
        readiness: Readiness,
        cancelled: Cancelled,
    ) -> None:
        self._app, self._limits = app, settings.postprocess
        self._custody = Acks(app, settings, beat, readiness)
        self._delivery = Delivery(
            app, settings, deployment, store, self._custody.patience, beat, cancelled
        )
        self._in_hand = 0  # batches
        urgent_idle, bulk_idle = asyncio.Event(), asyncio.Event()
        urgent_idle.set()
        threads = self._limits.threads
        self._attach(settings.topic(AUDIO_URGENT), Lane(asyncio.Semaphore(threads)), urgent_idle)
        self._attach(
            settings.topic(AUDIO), Lane(asyncio.Semaphore(threads), after=urgent_idle), bulk_idle
        )

    @property
    def idle(self) -> bool:
        return not self._in_hand

    def stop(self) -> None:
        """From here on nothing is begun; what is in hand is finished, unless it waits for something that is away."""
        self._custody.stop()

    def close(self) -> None:
        self._delivery.close()

    def _attach(self, topic: str, lane: Lane, idle: asyncio.Event) -> None:
        async def agent(stream: Any) -> None:
            batches: AsyncIterator[Events] = stream.take_events(
                self._limits.batch, within=self._limits.batch_wait
            )
            async for events in batches:
                idle.clear()
                self._in_hand += 1
                try:
                    await self._batch(events, lane)
                finally:
                    self._in_hand -= 1
                    idle.set()

        # One at a time: with more, Faust commits past an event that another instance still has in hand.
        self._app.agent(self._app.topic(topic), name=topic, concurrency=1)(agent)

    async def _batch(self, events: Events, lane: Lane) -> None:
        """Returns when each event is delivered or withheld; raises only when it is cancelled."""
        ours = self._custody.ours(events)
        try:
            await self._custody.refuse_gaps(ours)
            ends = await asyncio.gather(
                *(self._delivery.deliver(_record(event), lane) for event in ours),
                return_exceptions=True,
            )
        except Exception as error:
            ends = [error]
        except BaseException:
            self._custody.withhold_ack(ours)
            raise
        if failures := [end for end in ends if isinstance(end, BaseException)]:
            # All of them, so that nothing behind one that is not done is acknowledged.
            self._custody.withhold_ack(ours)
            await self._give_up(failures, len(ours))

    async def _give_up(self, failures: list[BaseException], count: int) -> None:
        for failure in failures:
            if not isinstance(failure, Retryable):
                log.error("cannot_go_on", exc_info=failure)
                self._custody.stop()  # what comes behind is withheld
                await self._app.crash(failure)
        log.warning("handed_back", records=count, problem=str(failures[0]))


def _record(event: Any) -> Record:
    message = event.message
    headers = (
        message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    )
    return Record(
        partition=Partition(message.topic, message.partition),
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in headers),
        timestamp_ms=int((message.timestamp or 0) * 1000),
    )

"""The agents: one for each audio topic, and the rules by which Faust may acknowledge a record.

A record's offset is acknowledged only after its objects are stored and its manifest is acknowledged.
What cannot be finished (partitions are leaving, or the process ends, while the store is away) is
handed back: it is not acknowledged, and whoever gets the partition takes it again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import structlog

from schemas.topics import AUDIO, AUDIO_URGENT
from seedcast.errors import Fatal, Retryable
from seedcast.kafka import Admin, Partition, Record, refuse_gap
from seedcast.settings import Settings
from storage.objects import ObjectStore
from stream_apps.configuration import GROUP, App
from stream_apps.delivery import Delivery, Lane
from stream_apps.patience import Patience
from stream_apps.postprocess import Deployment

log = structlog.get_logger(__name__)


class Agents:
    """Agents on an app, and what is in their hands. Made inside the loop that runs it."""

    def __init__(self, app: App, settings: Settings, deployment: Deployment, store: ObjectStore, beat: Callable[[], None]) -> None:
        self.app = app
        self._settings = settings
        self._patience = Patience(beat)
        self._delivery = Delivery(app, settings, deployment, store, self._patience, beat)
        self._in_hand = 0  # batches
        self._leaving: int | None = None  # generation whose partitions are being revoked
        self._stopping = False
        self._admin = Admin(settings)
        self._next: dict[Any, int] = {}  # offset expected next, by partition, since the assignment
        self._attach()

    @property
    def idle(self) -> bool:
        return not self._in_hand

    async def stop(self) -> None:
        """Finishes what is in hand, unless it waits for something that is away; commits, and leaves the group."""
        self._stopping = True
        self._patience.hurry.set()
        await self.app.stop()
        self._delivery.close()

    def _attach(self) -> None:
        threads = self._settings.postprocess.threads
        no_urgent_work = asyncio.Event()
        no_urgent_work.set()
        urgent, bulk = Lane(asyncio.Semaphore(threads)), Lane(asyncio.Semaphore(threads), after=no_urgent_work)
        self._agent(self._settings.topic(AUDIO_URGENT), urgent, no_urgent_work)
        self._agent(self._settings.topic(AUDIO), bulk, asyncio.Event())
        loop = asyncio.get_running_loop()
        self.app.rebalance_began = partial(_schedule, loop, self._revoking)
        self.app.on_partitions_assigned.connect(self._assigned, weak=False)

    def _agent(self, topic: str, lane: Lane, idle: asyncio.Event) -> None:
        limits = self._settings.postprocess

        async def agent(stream: Any) -> None:
            batches: AsyncIterator[Sequence[Any]] = stream.take_events(limits.batch, within=limits.batch_wait)
            async for events in batches:
                idle.clear()
                self._in_hand += 1
                try:
                    await self._batch(events, lane)
                finally:
                    self._in_hand -= 1
                    idle.set()

        self.app.agent(self.app.topic(topic), name=topic, concurrency=1)(agent)

    async def _batch(self, events: Sequence[Any], lane: Lane) -> None:
        """Faust acknowledges the events when this returns, and also when it raises: those not done are withheld from that."""
        stale = [event for event in events if self._is_stale(event)]
        self._withhold(stale)
        fresh = [event for event in events if event not in stale]
        try:
            await self._refuse_gaps(fresh)
            ends = await asyncio.gather(*(self._delivery.deliver(_record(event), lane) for event in fresh), return_exceptions=True)
        except BaseException as error:  # OffsetsLost; or cancelled, where Faust has crashed and would acknowledge what is half done
            self._withhold(fresh)
            if not isinstance(error, Exception):
                raise
            ends = [error]
        if failures := [end for end in ends if isinstance(end, BaseException)]:
            self._withhold(fresh)
            log.warning("handed_back", records=len(fresh), topic=fresh[0].message.topic, problem=str(failures[0]), exc_info=failures[0])
        for failure in failures:
            if not isinstance(failure, Retryable):
                await self.app.crash(failure)

    def _is_stale(self, event: Any) -> bool:
        """Whether its partition is leaving, or has left and will be read again from what was committed."""
        generation = event.message.generation_id
        return self._stopping or generation == self._leaving or generation != self.app.consumer_generation_id

    def _withhold(self, events: Sequence[Any]) -> None:
        """One reference more than Faust will drop; and no longer among what a rebalance or a shutdown waits for."""
        for event in events:
            event.message.incref()
            self.app.consumer.unacked.discard(event.message)

    async def _refuse_gaps(self, events: Sequence[Any]) -> None:
        """aiokafka goes on at the log's beginning where retention has overtaken it, without a word. Raises OffsetsLost."""
        for event in events:
            message = event.message
            expected = self._next.get(message.tp, message.offset)
            self._next[message.tp] = message.offset + 1
            if message.offset > expected:
                begins = await self.app.consumer.earliest_offsets(message.tp)
                refuse_gap(message.topic, message.partition, expected, *begins.values())

    def _revoking(self) -> None:
        self._leaving = self.app.consumer_generation_id
        self._patience.hurry.set()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        try:
            await asyncio.to_thread(self._admin.refuse_gap, self._settings.group(GROUP))
        except Fatal as error:
            await self.app.crash(error)
            return
        self._leaving = None
        self._next.clear()
        if not self._stopping:
            self._patience.hurry.clear()


def _schedule(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(call)


def _record(event: Any) -> Record:
    message = event.message
    headers = message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    return Record(
        partition=Partition(message.topic, message.partition),
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in headers),
        timestamp_ms=int((message.timestamp or 0) * 1000),
    )

"""Whose an event is, and what Faust may acknowledge of it.

Faust acknowledges every event of a batch when the agent asks for the next one, and also when the agent
fails or is cancelled. An event that is not done must be withheld from that, or its record is lost. A
withheld event comes again: from the committed offset, to whoever has the partition then.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from faust.types import TP

from seedcast.errors import Fatal, SeedcastError
from seedcast.kafka import Admin, Committed, Partition, refuse_gap
from seedcast.settings import Settings
from stream_apps.configuration import GROUP, App
from stream_apps.errors import FOREIGN, translate
from stream_apps.patience import Patience

log = structlog.get_logger(__name__)
Events = Sequence[Any]  # faust.Event, of raw bytes


class Custody:
    """Made inside the app's loop; all of it runs there."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.leaving = asyncio.Event()  # partitions are being revoked, or the process stops: begin nothing, wait for nobody
        self._app, self._settings = app, settings
        self._stopping = False
        self._revoked: int | None = None  # generation
        self._next: dict[Any, int] = {}  # offset expected, by partition, since the assignment
        app.rebalance_began = partial(_call_in, asyncio.get_running_loop(), self._on_revocation)
        app.on_partitions_assigned.connect(self._on_assignment, weak=False)

    def stop(self) -> None:
        self._stopping = True
        self.leaving.set()

    def ours(self, events: Events) -> Events:
        """Those to work on. The others are withheld: their partitions leave, or have left and are read anew."""
        kept = [event for event in events if not self._is_stale(event.message.generation_id)]
        self.withhold([event for event in events if event not in kept])
        return kept

    def withhold(self, events: Events) -> None:
        """One reference more than Faust will drop; and no longer among what a rebalance or a shutdown waits for."""
        for event in events:
            event.message.incref()
            self._app.consumer.unacked.discard(event.message)

    async def refuse_gaps(self, events: Events, patience: Patience) -> None:
        """aiokafka goes on at the beginning of a log whose retention has overtaken it, without a word. Raises OffsetsLost."""
        for event in events:
            message = event.message
            expected = self._next.get(message.tp, message.offset)
            if message.offset > expected:
                begins = await patience.keep_trying("broker", partial(self._begins, message.tp))
                refuse_gap(message.topic, message.partition, expected, begins)
            self._next[message.tp] = message.offset + 1

    async def _begins(self, partition: Any) -> int:
        try:
            return int((await self._app.consumer.earliest_offsets(partition))[partition])
        except FOREIGN as error:
            raise translate(error, f"looking up where {partition.topic}[{partition.partition}] begins") from error

    def _is_stale(self, generation: int) -> bool:
        return self._stopping or generation == self._revoked or generation != self._app.consumer_generation_id

    def _on_revocation(self) -> None:
        self._revoked = self._app.consumer_generation_id
        self.leaving.set()

    async def _on_assignment(self, *sent: Any, **_: Any) -> None:
        log.info("assigned", partitions=len(sent[1]))  # sent by the app, with the partitions
        self._next.clear()
        try:
            for partition, left in (await asyncio.to_thread(self._committed)).items():
                self._next.setdefault(TP(partition.topic, partition.number), left.offset or 0)
        except Fatal as error:
            await self._app.crash(error)
            return
        except SeedcastError as error:  # the broker is away again; another assignment will follow
            log.warning("committed_offsets_unchecked", problem=str(error))
        self._revoked = None
        if not self._stopping:
            self.leaving.clear()

    def _committed(self) -> dict[Partition, Committed]:
        """Raises OffsetsLost. By a client of its own: one that has seen an outage may get no answer any more (measured)."""
        return Admin(self._settings).refuse_gap(self._settings.group(GROUP))


def _call_in(loop: asyncio.AbstractEventLoop, callback: Any) -> None:
    loop.call_soon_threadsafe(callback)

"""Whose an event is, and what Faust may acknowledge of it.

Faust acknowledges every event of a batch when the agent asks for the next one, and also when the agent
fails or is cancelled. An event that is not done must be withheld from that, or its record is lost. A
withheld event comes again: from the committed offset, to whoever has the partition then.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import structlog
from faust.types import TP

from seedcast.errors import Fatal
from seedcast.health import Readiness
from seedcast.kafka import Admin, Committed, Partition, refuse_gap, warn_if_truncated
from seedcast.settings import Settings
from stream_apps.postprocess.error_mapping import FOREIGN, translate
from stream_apps.postprocess.faust_app import GROUP, App
from stream_apps.postprocess.patience import Patience

log = structlog.get_logger(__name__)
Events = Sequence[Any]  # faust.Event, of raw bytes


class Acks:
    """Made inside the app's loop; all of it runs there."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        beat: Callable[[], None],
        readiness: Readiness | None = None,
    ) -> None:
        self._leaving = (
            asyncio.Event()
        )  # partitions are being revoked, or the process stops: begin nothing, wait for nobody
        self.patience = Patience(self._leaving, beat, readiness)
        self._app, self._settings = app, settings
        self._stopping = False
        self._revoked: int | None = None  # generation
        self._checked: int | None = None  # generation
        self._checking: asyncio.Task[None] | None = None
        self._next: dict[
            Any, int
        ] = {}  # offset expected, by partition, in the generation that is checked
        loop = asyncio.get_running_loop()
        app.rebalance_began = lambda: loop.call_soon_threadsafe(
            self._on_revocation, app.consumer_generation_id
        )
        app.on_partitions_assigned.connect(self._on_assignment, weak=False)

    def stop(self) -> None:
        self._stopping = True
        self._leaving.set()

    def ours(self, events: Events) -> Events:
        """Those to work on. The others are withheld: their partitions leave, or have left and are read anew."""
        kept = [event for event in events if not self._is_stale(event.message.generation_id)]
        self.withhold_ack([event for event in events if event not in kept])
        if kept:
            self._arrive()
        return kept

    def withhold_ack(self, events: Events) -> None:
        """One reference more than Faust will drop; and no longer among what a rebalance or a shutdown waits for."""
        for event in events:
            event.message.incref()
            self._app.consumer.unacked.discard(event.message)

    async def refuse_gaps(self, events: Events) -> None:
        """aiokafka goes on at the beginning of a log whose retention has overtaken it, without a word. Raises OffsetsLost.

        The first events of a generation wait until it is known what the group has committed: a commit of theirs would hide a gap.
        """
        if not events:
            return
        await asyncio.shield(self._check())
        for event in events:
            message = event.message
            if (expected := self._next.get(message.tp)) is None:
                warn_if_truncated(message.topic, message.partition, expected := message.offset)
            if message.offset > expected:
                begins = await self.patience.keep_trying(
                    "broker", partial(self._begins, message.tp)
                )
                refuse_gap(message.topic, message.partition, expected, begins)
            self._next[message.tp] = message.offset + 1

    async def _begins(self, partition: Any) -> int:
        try:
            return int((await self._app.consumer.earliest_offsets(partition))[partition])
        except FOREIGN as error:
            raise translate(
                error, f"looking up where {partition.topic}[{partition.partition}] begins"
            ) from error

    def _check(self) -> "asyncio.Task[None]":
        """One for each generation."""
        if self._checking is None or self._checked != self._app.consumer_generation_id:
            self._checked = self._app.consumer_generation_id
            self._next = {}
            self._checking = asyncio.create_task(self._learn(self._next))
            self._checking.add_done_callback(_look_at)
        return self._checking

    async def _learn(self, expected: dict[Any, int]) -> None:
        """What the group has committed. A worker without events ends here, too, where records were deleted."""
        try:
            committed = await self.patience.keep_trying(
                "broker", partial(asyncio.to_thread, self._committed)
            )
        except Fatal as error:
            await self._app.crash(error)
            raise
        expected |= {
            TP(partition.topic, partition.number): left.offset or 0
            for partition, left in committed.items()
        }

    def _is_stale(self, generation: int) -> bool:
        return (
            self._stopping
            or generation == self._revoked
            or generation != self._app.consumer_generation_id
        )

    def _arrive(self) -> None:
        """Faust reads on before it says that there are partitions, so whichever comes first ends the leaving."""
        self._revoked = None
        if not self._stopping:
            self._leaving.clear()

    def _on_revocation(self, generation: int) -> None:
        """Where the loop comes to it only when there are partitions again, nothing leaves."""
        if generation == self._app.consumer_generation_id:
            self._revoked = generation
            self._leaving.set()

    async def _on_assignment(self, *sent: Any, **_: Any) -> None:
        log.info("assigned", partitions=len(sent[1]))  # sent by the app, with the partitions
        self._arrive()
        self._check()

    def _committed(self) -> dict[Partition, Committed]:
        """Raises OffsetsLost. By a client of its own: one that has seen an outage may get no answer any more (measured)."""
        return Admin(self._settings).refuse_gap(self._settings.group(GROUP))


def _look_at(checked: "asyncio.Task[None]") -> None:
    """Whoever waits for it gets the error as well; nobody need."""
    if not checked.cancelled() and (error := checked.exception()) and not isinstance(error, Fatal):
        log.warning("committed_offsets_unchecked", problem=str(error), next="the partitions leave")

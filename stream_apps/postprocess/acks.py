"""Which events this worker may work on, and which of them Faust may acknowledge.

Faust acknowledges every event of a batch when the agent asks for the next one, and also when the
agent fails or is cancelled. Unfinished events must not be acknowledged, or their records are lost.
A withheld event is read again from the committed offset, by the partition's next owner.
"""

import asyncio
from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import Any

import structlog
from faust.types import TP

from seedcast.errors import CredentialsRefused, Fatal
from seedcast.health import Readiness
from seedcast.kafka import (
    Committed,
    GroupOffsets,
    Partition,
    in_mid_run,
    refuse_gap,
    warn_if_truncated,
)
from seedcast.retry import AsyncRetry
from seedcast.schemas.topics import POSTPROCESS
from seedcast.settings import Settings
from seedcast.stream_apps.postprocess.error_mapping import FOREIGN, translate
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.worker import BROKER

log = structlog.get_logger(__name__)
Events = Sequence[Any]  # faust.Event, of raw bytes


class Acks:
    """Created inside the app's event loop; everything runs there."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        beat: Callable[[], None],
        readiness: Readiness | None = None,
    ) -> None:
        # Set while partitions are being revoked or the process stops: start nothing, wait for
        # nothing.
        self._leaving = asyncio.Event()
        self.retry = AsyncRetry(self._leaving, beat, readiness)
        self._app, self._settings = app, settings
        self._stopping = False
        self._revoked: int | None = None  # generation
        self._checked: int | None = None  # generation
        self._checking: asyncio.Task[None] | None = None
        self._next: dict[Any, int] = {}  # expected offset by partition, in the checked generation
        loop = asyncio.get_running_loop()
        app.rebalance_began = lambda: loop.call_soon_threadsafe(
            self._on_revocation, app.consumer_generation_id
        )
        app.on_partitions_assigned.connect(self._on_assignment, weak=False)

    def stop(self) -> None:
        self._stopping = True
        self._leaving.set()

    def owned(self, events: Events) -> Events:
        """Return the events to work on; withhold the others.

        The partitions of the others are being revoked, or were revoked and are read anew.
        """
        owned = [event for event in events if not self._is_stale(event.message.generation_id)]
        self.withhold_ack([event for event in events if event not in owned])
        if owned:
            self._end_leaving()
        return owned

    def withhold_ack(self, events: Events) -> None:
        """Keep Faust from acknowledging these events, and from waiting for them.

        A message is acknowledged once its last reference is dropped: take one that is never
        dropped.
        """
        for event in events:
            event.message.incref()
            self._app.consumer.unacked.discard(event.message)

    async def refuse_gaps(self, events: Events) -> None:
        """Raises OffsetsLost if records were deleted before they were read.

        aiokafka silently continues at the beginning of a truncated log. The first events of a
        generation wait until it is known what the group has committed: a commit of theirs would
        hide the gap.
        """
        if not events:
            return
        await asyncio.shield(self._check())
        for event in events:
            await self._refuse_gap(event.message)

    async def _refuse_gap(self, message: Any) -> None:
        if (expected := self._next.get(message.tp)) is None:
            warn_if_truncated(message.topic, message.partition, expected := message.offset)
        if message.offset > expected:
            log_start = await self.retry(BROKER, partial(self._log_start, message.tp))
            refuse_gap(message.topic, message.partition, expected, log_start)
        self._next[message.tp] = message.offset + 1

    async def _log_start(self, tp: Any) -> int:
        try:
            return int((await self._app.consumer.earliest_offsets(tp))[tp])
        except FOREIGN as error:
            raise translate(error, f"looking up where {tp.topic}[{tp.partition}] begins") from error

    def _check(self) -> "asyncio.Task[None]":
        """Return the task that learns the committed offsets, one per generation."""
        if self._checking is None or self._checked != self._app.consumer_generation_id:
            self._checked = self._app.consumer_generation_id
            self._next = {}
            self._checking = asyncio.create_task(self._learn(self._next))
            self._checking.add_done_callback(_log_failure)
        return self._checking

    async def _learn(self, expected: dict[Any, int]) -> None:
        """Fill `expected` with the offsets at which the group starts.

        A worker without events ends here too, if records were deleted.
        """
        try:
            found = await self.retry(BROKER, partial(asyncio.to_thread, self._committed))
        except Fatal as error:
            await self._app.crash(error)
            raise
        committed = {TP(p.topic, p.number): each for p, each in found.items()}
        expected |= {tp: each.start or 0 for tp, each in committed.items()}
        self._commit_starts({tp for tp, each in committed.items() if each.offset is None}, expected)

    def _commit_starts(self, new: Set[Any], starts: dict[Any, int]) -> None:
        """See to it that partitions of which nothing is committed are, from where they begin."""
        consumer: Any = self._app.consumer  # of faust_transport
        for tp in new & consumer.assignment():
            warn_if_truncated(tp.topic, tp.partition, starts[tp])
        consumer.commit_starts({tp: starts[tp] for tp in new})

    def _is_stale(self, generation: int) -> bool:
        current = self._app.consumer_generation_id
        return self._stopping or generation == self._revoked or generation != current

    def _end_leaving(self) -> None:
        """Called for the first event or the assignment, whichever is first.

        Faust may deliver events before it reports their assignment.
        """
        self._revoked = None
        if not self._stopping:
            self._leaving.clear()

    def _on_revocation(self, generation: int) -> None:
        """Ignored if the loop runs this after the next assignment: nothing is revoked then."""
        if generation == self._app.consumer_generation_id:
            self._revoked = generation
            self._leaving.set()

    async def _on_assignment(self, *sent: Any, **_: Any) -> None:
        log.info("assigned", partitions=len(sent[1]))  # sent: the app, its partitions
        self._end_leaving()
        self._check()

    def _committed(self) -> dict[Partition, Committed]:
        """Return where the group starts in each partition. Raises OffsetsLost.

        Uses a client of its own each time: after an outage, one may never get an answer again
        (measured).
        """
        group = self._settings.group(POSTPROCESS.name)
        topics = [self._settings.topic(topic) for topic in POSTPROCESS.topics]
        try:
            return GroupOffsets(self._settings).refuse_gap(group, topics)
        except CredentialsRefused as error:
            raise in_mid_run(error) from error


def _log_failure(checked: "asyncio.Task[None]") -> None:
    """Log the error here, because the task may never be awaited."""
    if checked.cancelled() or not (error := checked.exception()):
        return
    if not isinstance(error, Fatal):
        log.warning(
            "committed_offsets_unchecked", problem=str(error), next="the partitions are revoked"
        )

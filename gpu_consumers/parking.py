"""Parked requests: those of a paused campaign stay parked, all others go back to their lane.

The GPU consumer's loop reads them in a separate consumer group. So paused requests delay no other
request, and do not count towards the lag by which the workers are autoscaled.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from seedcast import metrics
from seedcast.errors import Retryable
from seedcast.failpoints import failpoint
from seedcast.gpu_consumers.admission import State
from seedcast.gpu_consumers.detour import back
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.gpu_consumers.shelf import Shelf
from seedcast.kafka import Committed, GroupConsumer, Partition, Record
from seedcast.kafka.owned_partitions import OwnedPartition, OwnedPartitions
from seedcast.schemas.topics import PARKING, REQUESTS_PARKED
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POLL_LIMIT = 512  # records between two engine steps; most of them are only looked at
UNDER_WAY = 4096  # put back and unacknowledged, at most: a crash may put them back twice


@dataclass(eq=False)
class Parked(OwnedPartition[Shelf]):
    seek_to: int | None = None  # the offset to read again from


class Parking(OwnedPartitions[Parked]):
    def __init__(
        self,
        settings: Settings,
        state: State,
        publisher: Publisher,
        partitions: dict[str, int],
        flush: Callable[[], object],
        join: Callable[..., GroupConsumer] = GroupConsumer,
    ) -> None:
        """`partitions`: the number of partitions of each topic, by full name.

        `flush` waits for the delivery reports of what was put back.
        """
        self._settings, self._state = settings, state
        self._publisher, self._partitions = publisher, partitions
        self.busy = False  # the last turn read something, so there may be more
        super().__init__(settings, PARKING.name, [settings.topic(REQUESTS_PARKED)], flush, join)

    def release(self, campaigns: Iterable[str]) -> None:
        """Schedule a seek to the first parked request of the campaigns that are not paused."""
        running = [campaign for campaign in campaigns if self._state(campaign) != "paused"]
        for parked in self._owned.values():
            firsts = [
                first
                for campaign in running
                if (first := parked.tracker.first(campaign)) is not None
            ]
            if firsts:
                parked.seek_to = min(
                    [*firsts, *([] if parked.seek_to is None else [parked.seek_to])]
                )

    def turn(self) -> None:
        """One round, without waiting. Raises Fatal errors."""
        self._go_back()
        self.busy = False
        if sum(len(parked.tracker.under_way) for parked in self._owned.values()) < UNDER_WAY:
            for record in self._consumer.poll(POLL_LIMIT):
                self.busy = True
                parked = self._owned.get(record.partition)
                if parked and parked.seek_to is None:  # else the record is read again
                    self._look(parked, record)
        self.commit_when_due()

    def _go_back(self) -> None:
        for parked in self._owned.values():
            if parked.seek_to is None:
                continue
            try:
                self._consumer.seek(parked.partition, parked.seek_to)
            except Retryable as error:  # just assigned and not fetched yet; the next round tries
                log.debug("parking_not_yet", partition=parked.partition.number, problem=str(error))
            else:
                parked.tracker.position, parked.seek_to = parked.seek_to, None

    def _look(self, parked: Parked, record: Record) -> None:
        campaign = (record.key or b"").decode(errors="replace")
        if not parked.tracker.advance(record.offset, campaign):
            return
        if self._state(campaign) == "paused":
            parked.tracker.leave(record.offset, campaign)
        else:
            parked.tracker.take(record.offset, campaign)
            self._publisher.move(
                parked, record, back(record, self._settings, self._partitions), _put_back
            )

    def _own(self, partition: Partition, committed: Committed) -> Parked:
        shelf = Shelf.of(committed.start or 0, committed.metadata)
        return Parked(partition, shelf, committed.checkpoint)


def _put_back() -> None:
    failpoint("gpu.put_back")
    metrics.REQUESTS_PUT_BACK.inc()

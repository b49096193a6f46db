"""The parked requests: those of a campaign that is paused stay where they are, all others go back to where they came from.

Read by the loop of the GPU consumer, in a consumer group of its own: paused requests then hold back nobody, and are no lag of
the group whose lag decides how many workers there are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from gpu_consumers.admission import State
from gpu_consumers.detour import back
from gpu_consumers.publisher import Publisher
from gpu_consumers.shelf import Shelf
from schemas.topics import REQUESTS_PARKED
from seedcast import metrics
from seedcast.errors import Retryable
from seedcast.failpoints import failpoint
from seedcast.kafka import Committed, GroupConsumer, Partition, Record
from seedcast.kafka.owned_partitions import OwnedPartition, OwnedPartitions
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "parking"
POLL_LIMIT = 512  # records between two engine steps; most of them are only looked at
UNDER_WAY = 4096  # put back and not acknowledged, at most: what a crash may put back twice


@dataclass(eq=False)
class Parked(OwnedPartition[Shelf]):
    again: int | None = None  # the offset to go back to


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
        """`partitions`: how many each topic has, by full name. `flush`: waits for the delivery reports of what was put back."""
        self._settings, self._state, self._publisher, self._partitions = (
            settings,
            state,
            publisher,
            partitions,
        )
        self.busy = False  # whether the last turn read something, so that more may be there
        super().__init__(settings, GROUP, [settings.topic(REQUESTS_PARKED)], flush, join)

    def release(self, campaigns: Iterable[str]) -> None:
        """Of these something was heard: those that are not paused are read again from their first request here."""
        running = [campaign for campaign in campaigns if self._state(campaign) != "paused"]
        for parked in self._ours.values():
            firsts = [
                first
                for campaign in running
                if (first := parked.ledger.first(campaign)) is not None
            ]
            if firsts:
                parked.again = min([*firsts, *([] if parked.again is None else [parked.again])])

    def turn(self) -> None:
        """One round, without waiting. Raises Fatal errors."""
        self._go_back()
        self.busy = False
        if sum(len(parked.ledger.under_way) for parked in self._ours.values()) < UNDER_WAY:
            for record in self._consumer.poll(POLL_LIMIT):
                self.busy = True
                if (
                    parked := self._ours.get(record.partition)
                ) and parked.again is None:  # else it is read once more
                    self._look(parked, record)
        self.commit_when_due()

    def _go_back(self) -> None:
        for parked in self._ours.values():
            if parked.again is None:
                continue
            try:
                self._consumer.seek(parked.partition, parked.again)
            except Retryable as error:  # it has only just been assigned, and is not read yet: tried again in the next round
                log.debug("parking_not_yet", partition=parked.partition.number, problem=str(error))
            else:
                parked.ledger.position, parked.again = parked.again, None

    def _look(self, parked: Parked, record: Record) -> None:
        campaign = (record.key or b"").decode(errors="replace")
        if not parked.ledger.reach(record.offset, campaign):
            return
        if self._state(campaign) == "paused":
            parked.ledger.leave(record.offset, campaign)
        else:
            parked.ledger.take(record.offset, campaign)
            self._publisher.move(
                parked, record, back(record, self._settings, self._partitions), _put_back
            )

    def _hold(self, partition: Partition, left: Committed) -> Parked:
        return Parked(partition, Shelf.of(left.start or 0, left.metadata), left.held)


def _put_back() -> None:
    failpoint("gpu.put_back")
    metrics.REQUESTS_PUT_BACK.inc()

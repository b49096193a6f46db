"""The parked requests: those of a campaign that is paused stay where they are, all others go back to where they came from.

Read by the loop of the GPU consumer, in a consumer group of its own: paused requests then hold back nobody, and are no lag of
the group whose lag decides how many workers there are.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from gpu_consumers.detour import back
from gpu_consumers.publisher import Publisher
from gpu_consumers.reception import State
from gpu_consumers.shelf import Shelf
from schemas.topics import REQUESTS_PARKED
from seedcast import metrics
from seedcast.errors import Retryable
from seedcast.failpoints import failpoint
from seedcast.kafka import Committed, GroupConsumer, Partition, Record
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "parking"
POLL_LIMIT = 512  # records between two engine steps; most of them are only looked at
UNDER_WAY = 4096  # put back and not acknowledged, at most: what a crash may put back twice


@dataclass(eq=False)
class Parked:
    """A partition for as long as it is ours. What is acknowledged after that is dropped."""

    partition: Partition
    shelf: Shelf
    committed: tuple[int, str] | None  # None: nothing yet
    ours: bool = True
    again: int | None = None  # the offset to go back to

    def finish(self, offset: int) -> None:
        if self.ours:
            self.shelf.finish(offset)


class Parking:
    def __init__(
        self, settings: Settings, state: State, publisher: Publisher, partitions: dict[str, int], join: Callable[..., GroupConsumer] = GroupConsumer
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._settings, self._state, self._publisher, self._partitions = settings, state, publisher, partitions
        self._ours: dict[Partition, Parked] = {}
        self._commit_due = time.monotonic() + settings.gpu.commit_interval
        self.busy = False  # whether the last turn read something, so that more may be there
        topics = [settings.topic(REQUESTS_PARKED)]
        self._consumer = join(settings, settings.group(GROUP), topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def release(self, campaigns: Iterable[str]) -> None:
        """Of these something was heard: those that are not paused are read again from their first request here."""
        running = [campaign for campaign in campaigns if self._state(campaign) != "paused"]
        for parked in self._ours.values():
            firsts = [first for campaign in running if (first := parked.shelf.first(campaign)) is not None]
            if firsts:
                parked.again = min([*firsts, *([] if parked.again is None else [parked.again])])

    def turn(self) -> None:
        """One round, without waiting. Raises Fatal errors."""
        self._go_back()
        self.busy = False
        if sum(len(parked.shelf.under_way) for parked in self._ours.values()) < UNDER_WAY:
            for record in self._consumer.poll(POLL_LIMIT):
                self.busy = True
                if (parked := self._ours.get(record.partition)) and parked.again is None:  # else it is read once more
                    self._look(parked, record)
        if time.monotonic() >= self._commit_due:
            self.commit()

    def commit(self) -> None:
        """Commits what moved, in the order of `Assignments.commit`: checkpoint, synchronous commit, note."""
        self._commit_due = time.monotonic() + self._settings.gpu.commit_interval
        checkpoints = {parked.partition: parked.shelf.checkpoint() for parked in self._ours.values()}
        moved = {partition: checkpoint for partition, checkpoint in checkpoints.items() if checkpoint != self._ours[partition].committed}
        if not moved:
            return
        try:
            self._consumer.commit(moved)
        except Retryable as error:
            log.warning("parking_commit_failed", problem=str(error), next="tried again with the next commit")
            return
        for partition, checkpoint in moved.items():
            self._ours[partition].committed = checkpoint

    def close(self) -> None:
        """Leaves the group; what was put back is waited for and committed first."""
        self._consumer.close()

    def _go_back(self) -> None:
        for parked in self._ours.values():
            if parked.again is None:
                continue
            try:
                self._consumer.seek(parked.partition, parked.again)
            except Retryable as error:  # it has only just been assigned, and is not read yet: tried again in the next round
                log.debug("parking_not_yet", partition=parked.partition.number, problem=str(error))
            else:
                parked.shelf.position, parked.again = parked.again, None

    def _look(self, parked: Parked, record: Record) -> None:
        campaign = (record.key or b"").decode(errors="replace")
        if not parked.shelf.reach(record.offset, campaign):
            return
        if self._state(campaign) == "paused":
            parked.shelf.leave(record.offset, campaign)
        else:
            parked.shelf.take(record.offset, campaign)
            self._publisher.move(parked, record, back(record, self._settings, self._partitions), _put_back)

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        for partition, left in committed.items():
            self._ours[partition] = Parked(partition, Shelf.of(left.start or 0, left.metadata), committed=left.held)

    def _revoked(self, _: Sequence[Partition]) -> None:
        self._publisher.flush()
        self.commit()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        """Forgets partitions without a commit: somebody else may own them already."""
        for partition in partitions:
            if parked := self._ours.pop(partition, None):
                parked.ours = False


def _put_back() -> None:
    failpoint("gpu.put_back")
    metrics.REQUESTS_PUT_BACK.inc()

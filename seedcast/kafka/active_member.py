"""Which of several processes is active: the member of their group that owns the one partition."""

from collections.abc import Mapping, Sequence

import structlog

from seedcast.errors import SeedcastError
from seedcast.kafka.group_consumer import GroupConsumer, Offsets
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.schemas.topics import CAMPAIGNS, ConsumerGroup
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


class ActiveMember:
    """A member of a group by `campaigns`, which has one partition.

    It reads no record: to own the partition is all.
    """

    def __init__(self, settings: Settings, group: ConsumerGroup) -> None:
        self._owned = set[Partition]()
        self._fresh = set[Partition]()  # taken over since the last poll
        self._committing = False
        self._consumer = GroupConsumer(
            settings,
            settings.group(group.name),
            [settings.topic(CAMPAIGNS)],
            on_assign=self._assigned,
            on_revoke=lambda _: None,
            on_lost=self._lost,
            on_commit=self._committed,
        )

    def is_active(self, timeout: float = 0.0) -> bool:
        """Serve the group for up to `timeout` seconds. Call it often, or the place is lost.

        Raises Fatal errors.
        """
        for _ in self._consumer.poll(1, timeout):
            pass
        for partition in self._fresh:
            self._consumer.pause(partition)
        self._fresh.clear()
        return bool(self._owned)

    def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit offsets of any topic, asynchronously; return False while a commit is under way.

        Its outcome is not told: it is for the group's lag alone. Raises Retryable errors.
        """
        if self._committing:
            return False
        self._consumer.commit_async({p: (offset, "") for p, offset in offsets.items()})
        self._committing = True
        return True

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        self._owned |= committed.keys()
        self._fresh |= committed.keys()

    def _committed(self, _: Offsets, error: SeedcastError | None) -> None:
        self._committing = False
        if error:
            log.warning("commit", problem=str(error))

    def _lost(self, partitions: Sequence[Partition]) -> None:
        self._owned -= set(partitions)
        self._fresh -= set(partitions)

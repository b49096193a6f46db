"""Which of several processes is active: the member of their group that owns the one partition."""

from collections.abc import Sequence

from seedcast.kafka.group_consumer import GroupConsumer
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.schemas.topics import CAMPAIGNS, ConsumerGroup
from seedcast.settings import Settings


class ActiveMember:
    """A member of a group by `campaigns`, which has one partition.

    It reads no record: to own the partition is all.
    """

    def __init__(self, settings: Settings, group: ConsumerGroup) -> None:
        self._owned = set[Partition]()
        self._fresh = set[Partition]()  # taken over since the last poll
        self._consumer = GroupConsumer(
            settings,
            settings.group(group.name),
            [settings.topic(CAMPAIGNS)],
            on_assign=self._assigned,
            on_revoke=lambda _: None,
            on_lost=self._lost,
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

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        self._owned |= committed.keys()
        self._fresh |= committed.keys()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        self._owned -= set(partitions)
        self._fresh -= set(partitions)

"""One group member per topic, so that a group shares each topic evenly among its workers.

cooperative-sticky balances partitions whatever their topic: with one member for both topics, a
second worker was given all urgent partitions and none of the others (measured). With a member per
topic, urgent records do not wait behind the prefetch of others either.
"""

from collections.abc import Callable, Iterator, Sequence

from seedcast.kafka.group_consumer import GroupConsumer, Offsets
from seedcast.kafka.records import Partition, Record
from seedcast.settings import Settings

Join = Callable[..., GroupConsumer]


class TopicConsumers:
    """Has the interface of GroupConsumer. Topics are served in the order given."""

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        *,
        join: Join = GroupConsumer,
        **callbacks: Callable[..., None],
    ) -> None:
        """`callbacks` are those of GroupConsumer; every member gets all of them."""
        self._members = {topic: join(settings, group, [topic], **callbacks) for topic in topics}

    def poll(self, limit: int, timeout: float = 0.0) -> Iterator[Record]:
        """Yield up to `limit` records; wait only for the first. Raises Fatal errors.

        Once the limit is reached, each remaining topic may still add one record.
        """
        share = timeout / len(self._members)
        for member in self._members.values():
            # Poll every member each time: one that does not poll loses its place in the group.
            for record in member.poll(max(limit, 1), share):
                limit, share = limit - 1, 0.0
                yield record

    def commit_sync(self, offsets: Offsets) -> None:
        """Raises SeedcastError."""
        for member, part in self._split(offsets):
            member.commit_sync(part)

    def commit_async(self, offsets: Offsets) -> None:
        """Commit each topic separately, so that a blocked commit does not delay the other topic."""
        for member, part in self._split(offsets):
            member.commit_async(part)

    def pause(self, partition: Partition) -> None:
        self._members[partition.topic].pause(partition)

    def resume(self, partition: Partition) -> None:
        self._members[partition.topic].resume(partition)

    def stop_taking_over(self) -> None:
        """From now on, take over no partition."""
        for member in self._members.values():
            member.stop_taking_over()

    def close(self) -> None:
        """Leave the group; `on_revoke` and `on_lost` run first."""
        for member in self._members.values():
            member.close()

    def _split(self, offsets: Offsets) -> Iterator[tuple[GroupConsumer, Offsets]]:
        for topic, member in self._members.items():
            if part := {p: offset for p, offset in offsets.items() if p.topic == topic}:
                yield member, part

"""A worker's place in its consumer group: a member for each topic, so that each topic is shared evenly.

cooperative-sticky balances partitions whatever their topic: with one member for both, a second worker was given all of the urgent
partitions and none of the bulk (measured). Apart, urgent records wait behind no prefetch of bulk ones either.
"""

from collections.abc import Callable, Iterator, Sequence

from seedcast.kafka import GroupConsumer, Offsets, Partition, Record
from seedcast.settings import Settings

Join = Callable[..., GroupConsumer]


class TopicConsumers:
    """The interface of GroupConsumer. Topics are served in the order given."""

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        *,
        join: Join = GroupConsumer,
        **callbacks: Callable[..., None],
    ) -> None:
        """`callbacks`: those of GroupConsumer, for each member alike."""
        self._members = {topic: join(settings, group, [topic], **callbacks) for topic in topics}

    def poll(self, limit: int, timeout: float = 0.0) -> Iterator[Record]:
        """Up to `limit` records, and one more of each further topic; waits only for the first. Raises Fatal errors."""
        patience = timeout / len(self._members)
        for member in self._members.values():
            for record in member.poll(
                max(limit, 1), patience
            ):  # every one each time: who does not poll loses its place in the group
                limit, patience = limit - 1, 0.0
                yield record

    def commit(self, offsets: Offsets) -> None:
        """Raises SeedcastError."""
        for member, part in self._split(offsets):
            member.commit(part)

    def commit_soon(self, offsets: Offsets) -> None:
        """Of each topic on its own: what holds up one holds up no other."""
        for member, part in self._split(offsets):
            member.commit_soon(part)

    def pause(self, partition: Partition) -> None:
        self._members[partition.topic].pause(partition)

    def resume(self, partition: Partition) -> None:
        self._members[partition.topic].resume(partition)

    def leaving(self) -> None:
        """From here on, nothing is taken over."""
        for member in self._members.values():
            member.leaving()

    def close(self) -> None:
        """Leaves the group; `on_revoke` and `on_lost` run first."""
        for member in self._members.values():
            member.close()

    def _split(self, offsets: Offsets) -> Iterator[tuple[GroupConsumer, Offsets]]:
        for topic, member in self._members.items():
            if part := {
                partition: left for partition, left in offsets.items() if partition.topic == topic
            }:
                yield member, part

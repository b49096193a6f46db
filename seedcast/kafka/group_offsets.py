"""Offsets: what groups have committed, where logs begin and end, and the lag between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from seedcast.kafka.access import TIMEOUT
from seedcast.kafka.admin_connection import AdminConnection
from seedcast.kafka.error_mapping import refuse_gap, translate
from seedcast.kafka.group_client import GroupClients
from seedcast.kafka.log_ids import LogId, log_ids
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed, as_committed
from seedcast.schemas.rights import Right
from seedcast.schemas.topics import TOPICS
from seedcast.settings import Settings


@dataclass(frozen=True)
class Lag:
    group: str
    topic: str
    partition: int
    committed: int | None
    end: int

    @property
    def records(self) -> int:
        return self.end - (self.committed or 0)


def count_after(bounds: Mapping[Partition, tuple[int, int]], positions: Mapping[int, int]) -> int:
    """Return how many records that are kept follow these next offsets, by partition number.

    `bounds`: of one topic's partitions. Where there is no position, all of them follow.
    """
    return sum(
        max(0, end - max(start, positions.get(partition.number, 0)))
        for partition, (start, end) in bounds.items()
    )


class GroupOffsets:
    """For one thread. Groups have their full names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = AdminConnection(settings)
        self._groups = GroupClients(settings.kafka)

    def committed(
        self, group: str, topics: Iterable[str] | None = None
    ) -> dict[Partition, Committed]:
        """Return what the group has committed of these topics, with the state beside it.

        `topics` are full names; None: all of the table.
        """
        names = map(self._settings.topic, TOPICS) if topics is None else topics
        try:
            partitions = self._committed(group, names)
            ids = log_ids(self._connection.client, {p.topic for p in partitions if p.metadata})
        except (KafkaException, TimeoutError) as error:
            right = Right("Describe", "Group", group)
            doing = f"reading the offsets of {group}"
            raise translate(error, doing, self._settings.kafka, right) from error
        return {
            Partition(p.topic, p.partition): as_committed(p, ids.get(p.topic)) for p in partitions
        }

    def bounds(self, topics: Iterable[str]) -> dict[Partition, tuple[int, int]]:
        """Return the log start and the next offset of every partition.

        A topic that does not exist has no partitions.
        """
        starts, ends = self._offsets(topics, OffsetSpec.earliest(), OffsetSpec.latest())
        return {partition: (start, ends[partition]) for partition, start in starts.items()}

    def partitions(self, topic: str) -> int:
        """Return how many partitions the topic has; 0 if there is no such topic."""
        found, _ = self._connection.describe([topic])
        return len(found[topic].partitions) if topic in found else 0

    def ids(self, topics: Iterable[str]) -> dict[str, LogId]:
        """Return which topics of which cluster these names stand for."""
        try:
            return log_ids(self._connection.client, topics)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "looking up the ids of topics") from error

    def first_since(self, topics: Iterable[str], moment: float) -> dict[Partition, int]:
        """Return the offset of the first record at or after `moment` in every partition.

        `moment` is in seconds since the epoch. Without such a record: the next offset.
        """
        since = OffsetSpec.for_timestamp(int(1000 * moment))
        offsets, ends = self._offsets(topics, since, OffsetSpec.latest())
        return {p: offset if offset >= 0 else ends[p] for p, offset in offsets.items()}

    def lag(self, group: str) -> list[Lag]:
        """Return committed and end offsets of every partition that the group has committed."""
        committed = self.committed(group)
        bounds = self.bounds({partition.topic for partition in committed})
        return [
            Lag(group, p.topic, p.number, committed[p].offset, bounds[p][1])
            for p in sorted(committed)
        ]

    def unread(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records that the topics still hold the group has not committed.

        A partition without a commit counts whole.
        """
        committed = self.committed(group, topics)
        counts = 0
        for partition, (start, end) in self.bounds(topics).items():
            offsets = committed.get(partition)
            counts += end - max(start, offsets.offset or 0 if offsets else 0)
        return counts

    def refuse_gap(self, group: str, topics: Iterable[str]) -> dict[Partition, Committed]:
        """Return what the group has committed of each partition, and where the others begin.

        Raises OffsetsLost if the log of a partition begins after its committed offset.
        """
        committed, bounds = self.committed(group), self.bounds(topics)
        for p, (log_start, _) in bounds.items():
            if p in committed:
                refuse_gap(p.topic, p.number, committed[p].offset or 0, log_start)
        return {p: committed.get(p, Committed(None, "", start)) for p, (start, _) in bounds.items()}

    def _offsets(self, topics: Iterable[str], *specs: OffsetSpec) -> list[dict[Partition, int]]:
        # Look up the metadata each time: librdkafka keeps the leader epoch that it knows, and a
        # leader that has restarted refuses that epoch for ever (measured).
        # A description does not do that, but tells which topics there are: to ask for another one
        # might create it.
        found, _ = self._connection.describe(topics)
        partitions = [
            TopicPartition(name, number)
            for name, topic in found.items()
            for number in range(len(topic.partitions))
        ]
        client = self._connection.client
        try:
            for name in found:
                client.list_topics(name, timeout=self._connection.timeout)
            answers = [client.list_offsets(dict.fromkeys(partitions, spec)) for spec in specs]
            return [
                {
                    Partition(p.topic, p.partition): answer[p].result(TIMEOUT).offset
                    for p in partitions
                }
                for answer in answers
            ]
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "looking up the offsets of topics") from error

    def _committed(self, group: str, topics: Iterable[str]) -> list[TopicPartition]:
        """Raises KafkaException."""
        found, _ = self._connection.describe(topics)
        partitions = [
            TopicPartition(name, number)
            for name, topic in found.items()
            for number in range(len(topic.partitions))
        ]
        if not partitions:
            return []
        answers = self._groups.committed(group, partitions, self._connection.timeout)
        for answer in answers:
            if answer.error:
                raise KafkaException(answer.error)
        return [answer for answer in answers if answer.offset >= 0]

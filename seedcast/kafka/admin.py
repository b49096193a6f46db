"""Administration: topics checked against schemas/topics.py, committed offsets, and lag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, TopicMetadata

from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    Retryable,
    TopicMismatch,
    Unreachable,
)
from seedcast.kafka import client_config
from seedcast.kafka.error_mapping import map_client_errors, refuse_gap, translate
from seedcast.kafka.log_ids import log_ids
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed, as_committed
from seedcast.kafka.topic_differences import topic_differences
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.topics import TOPICS, Topic
from seedcast.settings import Settings

TIMEOUT = 15.0  # seconds for one administrative request
_QUIET = {"log_level": 2}  # critical only: what fails is raised here


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


class Admin:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refused: list[Fatal] = []
        self._group_clients: dict[str, Consumer] = {}
        with map_client_errors():
            self._client = AdminClient(
                client_config.client(settings.kafka) | _QUIET | {"error_cb": self._on_error}
            )

    def cluster_id(self) -> str:
        """Wait for the brokers up to `kafka.start_timeout`; return the cluster's id.

        Raises CredentialsRefused and other Fatal errors at once, and Unreachable in the end.
        """
        seconds = self._settings.kafka.start_timeout
        try:
            return retry(self._ask_cluster_id, seconds=seconds, backoff=BRIEF_BACKOFF)
        except Retryable as error:
            raise Unreachable(
                "no Kafka broker answers",
                expected=f"one at {self._settings.kafka.bootstrap} within {seconds:g} s",
                got="none",
                remedy="check SEEDCAST_KAFKA_BOOTSTRAP and that the brokers run, "
                "or start the embedded stack with `seedcast up`",
            ) from error

    def existing(self) -> dict[str, int]:
        """Return the number of partitions of each topic of the cluster."""
        return {name: len(topic.partitions) for name, topic in self._metadata().items()}

    def ensure_topics(self) -> list[str]:
        """Create the missing topics and check the others; return the names created.

        Raises TopicMismatch.
        """
        existing = self.existing()
        missing = [topic for topic in TOPICS if self._settings.topic(topic) not in existing]
        self._create(missing)
        if problems := list(self.problems()):
            raise TopicMismatch(
                "topics contradict the table",
                got="; ".join(problems),
                remedy="alter the topics, or use another SEEDCAST_KAFKA_PREFIX",
            )
        return [self._settings.topic(topic) for topic in missing]

    def problems(self) -> Iterator[str]:
        """Yield one line for each difference from the table."""
        metadata = self._metadata()
        existing = [topic for topic in TOPICS if self._settings.topic(topic) in metadata]
        for topic in TOPICS:
            if topic not in existing:
                yield f"{self._settings.topic(topic)}: missing"
        configs = self._configs(existing)
        for topic in existing:
            name = self._settings.topic(topic)
            yield from topic_differences(topic, metadata[name], configs[name], self._settings.kafka)

    def committed(self, group: str) -> dict[Partition, Committed]:
        """Return what the group has committed of the table's topics, with the state beside it."""
        try:
            partitions = self._committed(group)
            ids = log_ids(self._client, {p.topic for p in partitions if p.metadata})
        except (KafkaException, TimeoutError) as error:
            raise translate(error, f"reading the offsets of {group}") from error
        return {
            Partition(p.topic, p.partition): as_committed(p, ids.get(p.topic)) for p in partitions
        }

    def bounds(self, topics: Iterable[str]) -> dict[Partition, tuple[int, int]]:
        """Return the log start and the next offset of every partition.

        A topic that does not exist has no partitions.
        """
        starts, ends = self._offsets(topics, OffsetSpec.earliest(), OffsetSpec.latest())
        return {partition: (start, ends[partition]) for partition, start in starts.items()}

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

    def refuse_gap(self, group: str, topics: Iterable[str]) -> dict[Partition, Committed]:
        """Return what the group has committed of each partition, and where the others begin.

        Raises OffsetsLost if the log of a partition begins after its committed offset.
        """
        committed, bounds = self.committed(group), self.bounds(topics)
        for p, (log_start, _) in bounds.items():
            if p in committed:
                refuse_gap(p.topic, p.number, committed[p].offset or 0, log_start)
        return {p: committed.get(p, Committed(None, "", start)) for p, (start, _) in bounds.items()}

    def _ask_cluster_id(self) -> str:
        try:
            return str(self._client.list_topics(timeout=1.0).cluster_id)
        except KafkaException as error:
            # Refused credentials arrive as an event; the call itself only times out.
            self._client.poll(0)
            if self._refused:
                raise self._refused[0] from error
            raise translate(error, "connecting to Kafka") from error

    def _metadata(self) -> dict[str, TopicMetadata]:
        try:
            return dict(self._client.list_topics(timeout=TIMEOUT).topics)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "listing topics") from error

    def _offsets(self, topics: Iterable[str], *specs: OffsetSpec) -> list[dict[Partition, int]]:
        # Look up the metadata each time: librdkafka keeps the leader epoch that it knows, and a
        # leader that has restarted refuses that epoch for ever (measured).
        existing = self.existing()
        partitions = [TopicPartition(t, n) for t in topics for n in range(existing.get(t, 0))]
        try:
            answers = [self._client.list_offsets(dict.fromkeys(partitions, spec)) for spec in specs]
            return [
                {
                    Partition(p.topic, p.partition): answer[p].result(TIMEOUT).offset
                    for p in partitions
                }
                for answer in answers
            ]
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "looking up the offsets of topics") from error

    def _committed(self, group: str) -> list[TopicPartition]:
        """Raises KafkaException.

        Asked by a client with the group's id that never joins it. list_consumer_group_offsets of
        AdminClient would crash the process if the coordinator moves or loads: librdkafka 2.16 then
        looks up the coordinator of the client's own group, which an admin client does not have
        (SIGSEGV).
        """
        existing = self.existing()
        names = [self._settings.topic(topic) for topic in TOPICS]
        partitions = [
            TopicPartition(n, number) for n in names for number in range(existing.get(n, 0))
        ]
        if not partitions:
            return []
        answers = self._group_client(group).committed(partitions, timeout=TIMEOUT)
        for answer in answers:
            if answer.error:
                raise KafkaException(answer.error)
        return [answer for answer in answers if answer.offset >= 0]

    def _group_client(self, group: str) -> Consumer:
        if group not in self._group_clients:
            properties = client_config.reader(self._settings.kafka) | _QUIET | {"group.id": group}
            self._group_clients[group] = Consumer(properties, logger=client_config.LOGGER)
        return self._group_clients[group]

    def _create(self, topics: list[Topic]) -> None:
        new = [self._new_topic(topic) for topic in topics]
        if not new:
            return
        for name, future in self._client.create_topics(new, operation_timeout=TIMEOUT).items():
            try:
                future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another was faster
                    raise translate(error, f"creating {name}") from error
            except TimeoutError as error:
                raise translate(error, f"creating {name}") from error
        names = {topic.topic for topic in new}
        retry(lambda: self._refuse_missing(names), seconds=TIMEOUT, backoff=BRIEF_BACKOFF)

    def _new_topic(self, topic: Topic) -> NewTopic:
        kafka = self._settings.kafka
        return NewTopic(
            self._settings.topic(topic),
            num_partitions=topic.partitions(kafka.partitions),
            replication_factor=kafka.replication,
            config=topic.config(kafka.replication),
        )

    def _refuse_missing(self, names: set[str]) -> None:
        """A new topic is not known to every broker at once. Raises BrokerUnavailable."""
        if missing := names - self.existing().keys():
            raise BrokerUnavailable("created topics do not appear", got=", ".join(sorted(missing)))

    def _configs(self, topics: list[Topic]) -> dict[str, dict[str, str]]:
        topic = ConfigResource.Type.TOPIC
        resources = [ConfigResource(topic, self._settings.topic(each)) for each in topics]
        if not resources:
            return {}
        try:
            answers = self._client.describe_configs(resources).items()
            return {
                resource.name: {name: entry.value for name, entry in answer.result(TIMEOUT).items()}
                for resource, answer in answers
            }
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "reading the settings of topics") from error

    def _on_error(self, error: KafkaError) -> None:
        if isinstance(mapped := translate(error, "connecting to Kafka"), CredentialsRefused):
            self._refused.append(mapped)

"""Creating and checking topics against the table in schemas/topics.py; lag of the groups."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, TopicMetadata

from schemas.topics import TOPICS, Topic
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
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.settings import KafkaSettings, Settings

TIMEOUT = 15.0  # seconds for one administrative request
_DURABLE = "min.insync.replicas"


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
        self._refusal: list[Fatal] = []
        self._members: dict[str, Consumer] = {}  # by group
        with map_client_errors():
            self._client = AdminClient(
                client_config.client(settings.kafka) | {"error_cb": self._note, "log_level": 2}
            )

    def cluster_id(self) -> str:
        """Waits for the brokers up to `kafka.start_timeout`. Raises CredentialsRefused or Unreachable."""
        patience = time.monotonic() + self._settings.kafka.start_timeout
        while time.monotonic() < patience:
            try:
                return str(self._client.list_topics(timeout=1.0).cluster_id)
            except KafkaException as error:
                if not isinstance(mapped := translate(error, "connecting to Kafka"), Retryable):
                    raise mapped from error
            self._client.poll(
                0
            )  # serves `_note`: a refusal comes as an event, while the call itself only times out
            if self._refusal:
                raise self._refusal[0]
        raise Unreachable(
            "no Kafka broker answers",
            expected=f"one at {self._settings.kafka.bootstrap} within {self._settings.kafka.start_timeout:g} s",
            got="none",
            remedy="check SEEDCAST_KAFKA_BOOTSTRAP and that the brokers run, or start the embedded stack with `seedcast up`",
        )

    def existing(self) -> dict[str, int]:
        """Partition counts of all topics of the cluster."""
        return {name: len(topic.partitions) for name, topic in self._listed().items()}

    def ensure_topics(self) -> list[str]:
        """Creates what is missing and checks the rest; returns the names created. Raises TopicMismatch."""
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
        """What differs from the table, one line each."""
        existing = self._listed()
        there = [topic for topic in TOPICS if self._settings.topic(topic) in existing]
        for topic in TOPICS:
            if topic not in there:
                yield f"{self._settings.topic(topic)}: missing"
        configs = self._configs(there)
        for topic in there:
            name = self._settings.topic(topic)
            yield from _differences(topic, existing[name], configs[name], self._settings.kafka)

    def committed(self, group: str) -> dict[Partition, Committed]:
        """What the group has committed, with its metadata."""
        try:
            found = self._taken(group)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, f"reading the offsets of {group}") from error
        return {
            Partition(p.topic, p.partition): Committed(p.offset, p.metadata or "") for p in found
        }

    def bounds(self, topics: Iterable[str]) -> dict[Partition, tuple[int, int]]:
        """The first offset that is still there, and the next one to come, of every partition. Topics that do not exist have none."""
        begins, ends = self._offsets(topics, OffsetSpec.earliest(), OffsetSpec.latest())
        return {partition: (begin, ends[partition]) for partition, begin in begins.items()}

    def first_since(self, topics: Iterable[str], moment: float) -> dict[Partition, int]:
        """The offset of the first record at or after a moment (seconds since 1970) in every partition; where there is none, the next one to come."""
        found, ends = self._offsets(
            topics, OffsetSpec.for_timestamp(int(1000 * moment)), OffsetSpec.latest()
        )
        return {
            partition: offset if offset >= 0 else ends[partition]
            for partition, offset in found.items()
        }

    def lag(self, group: str) -> list[Lag]:
        """Committed and end offsets of every partition the group has committed."""
        committed = self.committed(group)
        bounds = self.bounds({partition.topic for partition in committed})
        return [
            Lag(group, p.topic, p.number, committed[p].offset, bounds[p][1])
            for p in sorted(committed)
        ]

    def refuse_gap(self, group: str) -> dict[Partition, Committed]:
        """What the group has committed. Raises OffsetsLost where the log of a partition begins after that."""
        committed = self.committed(group)
        bounds = self.bounds({partition.topic for partition in committed})
        for p, left in committed.items():
            if p in bounds:  # else its topic has just been made again, with fewer partitions
                refuse_gap(p.topic, p.number, left.offset or 0, bounds[p][0])
        return committed

    def _listed(self) -> dict[str, TopicMetadata]:
        try:
            return dict(self._client.list_topics(timeout=TIMEOUT).topics)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "listing topics") from error

    def _offsets(self, topics: Iterable[str], *specs: OffsetSpec) -> list[dict[Partition, int]]:
        # Asked each time: librdkafka keeps the epoch of a leader that it knows, and one that has restarted refuses that for ever (measured).
        existing = self.existing()
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(existing.get(topic, 0))
        ]
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

    def _taken(self, group: str) -> list[TopicPartition]:
        """What the group has committed of our topics. Raises KafkaException.

        Asked by a client of the group that never joins it. AdminClient.list_consumer_group_offsets would end the process where the answer is that the
        coordinator moves or loads: librdkafka 2.16 then looks for another in the name of a group that an administrator's client does not have (SIGSEGV).
        """
        existing = self.existing()
        names = [self._settings.topic(topic) for topic in TOPICS]
        places = [
            TopicPartition(name, number)
            for name in names
            for number in range(existing.get(name, 0))
        ]
        if not places:
            return []
        if group not in self._members:
            self._members[group] = Consumer(
                client_config.reader(self._settings.kafka) | {"group.id": group, "log_level": 2},
                logger=client_config.LOGGER,
            )
        found = self._members[group].committed(places, timeout=TIMEOUT)
        for place in found:
            if place.error:
                raise KafkaException(place.error)
        return [place for place in found if place.offset >= 0]

    def _create(self, topics: list[Topic]) -> None:
        kafka = self._settings.kafka
        new = [
            NewTopic(
                self._settings.topic(t),
                num_partitions=t.partitions(kafka.partitions),
                replication_factor=kafka.replication,
                config=t.config(kafka.replication),
            )
            for t in topics
        ]
        if not new:
            return
        for name, future in self._client.create_topics(new, operation_timeout=TIMEOUT).items():
            try:
                future.result(TIMEOUT)
            except KafkaException as error:
                if (
                    error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS
                ):  # another process was quicker
                    raise translate(error, f"creating {name}") from error
            except TimeoutError as error:
                raise translate(error, f"creating {name}") from error
        self._wait_for({topic.topic for topic in new})

    def _wait_for(self, names: set[str]) -> None:
        """A created topic is not at once known to every broker."""
        patience = time.monotonic() + TIMEOUT
        while names - self.existing().keys():
            if time.monotonic() > patience:
                raise BrokerUnavailable(
                    "created topics do not appear", got=", ".join(sorted(names))
                )

    def _configs(self, topics: list[Topic]) -> dict[str, dict[str, str]]:
        resources = [
            ConfigResource(ConfigResource.Type.TOPIC, self._settings.topic(topic))
            for topic in topics
        ]
        if not resources:
            return {}
        try:
            answers = self._client.describe_configs(resources)
            return {
                resource.name: {name: entry.value for name, entry in future.result(TIMEOUT).items()}
                for resource, future in answers.items()
            }
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "reading the settings of topics") from error

    def _note(self, error: KafkaError) -> None:
        if isinstance(mapped := translate(error, "connecting to Kafka"), CredentialsRefused):
            self._refusal.append(mapped)


def _differences(
    topic: Topic, found: TopicMetadata, config: dict[str, str], kafka: KafkaSettings
) -> Iterator[str]:
    """More is fine (partitions, replicas, size, retention); less, or another clean-up, contradicts."""
    name, partitions, wanted = (
        found.topic,
        len(found.partitions),
        topic.partitions(kafka.partitions),
    )
    if partitions < wanted:
        yield f"{name}: expected at least {wanted} partitions, got {partitions}"
    if (
        replicas := min(len(partition.replicas) for partition in found.partitions.values())
    ) < kafka.replication:
        yield f"{name}: expected at least {kafka.replication} replicas, got {replicas}"
    durable = int(topic.config(kafka.replication).get(_DURABLE, 0))
    if (held := int(config.get(_DURABLE, durable))) < durable:
        yield f"{name}: expected {_DURABLE} of at least {durable}, got {held}"
    if int(config["max.message.bytes"]) < topic.max_bytes:
        yield f"{name}: expected max.message.bytes of at least {topic.max_bytes}, got {config['max.message.bytes']}"
    policy = topic.config()["cleanup.policy"]
    if config["cleanup.policy"] != policy:
        yield f"{name}: expected cleanup.policy {policy}, got {config['cleanup.policy']}"
    if not topic.compacted and 0 <= int(config["retention.ms"]) < topic.retention_ms:
        yield f"{name}: expected retention.ms of at least {topic.retention_ms}, got {config['retention.ms']}"

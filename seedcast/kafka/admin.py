"""Administration: topics checked against schemas/topics.py, committed offsets, and lag."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    TopicDescription,
)

from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    Retryable,
    SeedcastError,
    TopicMismatch,
    Unreachable,
)
from seedcast.kafka import access, broker_faults, client_config
from seedcast.kafka.access import TIMEOUT
from seedcast.kafka.error_mapping import map_client_errors, refuse_gap, translate
from seedcast.kafka.group_client import GroupClients
from seedcast.kafka.log_ids import log_ids
from seedcast.kafka.records import Partition
from seedcast.kafka.start_offsets import Committed, as_committed
from seedcast.kafka.topic_differences import topic_differences
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.rights import OWN_GROUP, Right, Role
from seedcast.schemas.topics import TOPICS, Topic
from seedcast.settings import Settings

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
        self._timeout = min(TIMEOUT, settings.kafka.start_timeout)
        self._refused: list[Fatal] = []
        self._last: SeedcastError | None = None  # that says why no broker answers
        self._groups = GroupClients(settings.kafka)
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
            raise self._unreachable(seconds) from error

    def existing(self) -> dict[str, int]:
        """Return the number of partitions of each of the table's topics that we may see."""
        found, _ = self._describe(TOPICS)
        return {name: len(topic.partitions) for name, topic in found.items()}

    def require(self, role: Role, group: str = OWN_GROUP) -> None:
        """Raises AccessDenied, which names each right of the role that the brokers do not grant.

        `group` is the one that a subscriber names. Rights on missing topics are not judged.
        """
        if lacking := self.lacking(role, group):
            raise access.denied(self._settings.kafka, lacking)

    def lacking(self, role: Role, group: str = OWN_GROUP) -> list[Right]:
        self._raise_refused()  # a password that was changed, to which nobody would answer
        rights = list(role.rights(self._settings.kafka.prefix, group))
        on_topics = [right for right in rights if right.resource == "Topic"]
        on_groups = [right for right in rights if right.resource == "Group"]
        try:
            lacking = list(access.lacking(self._client, on_topics, self._timeout))
            return lacking + [right for right in on_groups if not self._grants(right, role)]
        except (KafkaException, TimeoutError) as error:
            self._raise_refused()
            raise translate(error, "asking for our rights") from error

    def ensure_topics(self, role: Role | None = None) -> list[str]:
        """Create the missing topics and check the others; return the names created.

        With a role, only topics that it may see are checked, and their settings only as far as it
        may read these: a worker needs no right for that.

        Raises TopicMismatch, and AccessDenied if a topic is missing that we may not create.
        """
        found, hidden = self._describe(TOPICS)
        names = {self._settings.topic(topic): topic for topic in TOPICS}
        missing = [
            topic for name, topic in names.items() if name not in found | dict.fromkeys(hidden)
        ]
        self._create(missing)
        if problems := list(self.problems(role)):
            raise TopicMismatch(
                "topics contradict the table",
                got="; ".join(problems),
                remedy="alter the topics, or use another SEEDCAST_KAFKA_PREFIX",
            )
        return [self._settings.topic(topic) for topic in missing]

    def problems(self, role: Role | None = None) -> Iterator[str]:
        """Yield one line for each difference from the table, or from its part for the role."""
        found, hidden = self._describe(TOPICS if role is None else role.topics)
        existing = [topic for topic in TOPICS if self._settings.topic(topic) in found]
        for topic in TOPICS if role is None else role.topics:
            name = self._settings.topic(topic)
            if name in hidden:
                yield f"{name}: {access.principal(self._settings.kafka)} may not see it"
            elif topic not in existing:
                yield f"{name}: missing"
        configs = self._configs(existing, may_be_denied=role is not None)
        for topic in existing:
            name = self._settings.topic(topic)
            yield from topic_differences(
                topic, found[name], configs.get(name), self._settings.kafka
            )

    def committed(self, group: str) -> dict[Partition, Committed]:
        """Return what the group has committed of the table's topics, with the state beside it."""
        try:
            partitions = self._committed(group)
            ids = log_ids(self._client, {p.topic for p in partitions if p.metadata})
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

    def unread(self, group: str, topics: Iterable[str]) -> int:
        """Return how many records of the topics the group has not committed.

        A partition without a commit counts whole.
        """
        committed = self.committed(group)
        counts = 0
        for partition, (start, end) in self.bounds(topics).items():
            offsets = committed.get(partition)
            counts += end - (start if offsets is None else offsets.offset or 0)
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

    def _ask_cluster_id(self) -> str:
        try:
            return str(self._client.list_topics(timeout=1.0).cluster_id)
        except KafkaException as error:
            # Refused credentials arrive as an event; the call itself only times out.
            self._raise_refused()
            raise translate(error, "connecting to Kafka") from error

    def _unreachable(self, seconds: float) -> Unreachable:
        kafka, last = self._settings.kafka, self._last
        got, remedy = ("none", "") if last is None else (f"{last.what}: {last.got}", last.remedy)
        if last is None and kafka.security_protocol.endswith("PLAINTEXT"):
            fault = broker_faults.look(kafka.bootstrap)
            got, remedy = (fault.what, fault.remedy) if fault else (got, remedy)
        return Unreachable(
            "no Kafka broker answers",
            expected=f"one at {kafka.bootstrap} within {seconds:g} s",
            got=got,
            remedy=remedy
            or "check SEEDCAST_KAFKA_BOOTSTRAP and that the brokers run, "
            "or start the embedded stack with `seedcast up`",
        )

    def _grants(self, right: Right, role: Role) -> bool:
        topic = self._settings.topic(next(iter(role.topics)))
        return self._groups.grants(right, topic, self._timeout)

    def _raise_refused(self) -> None:
        self._client.poll(0)
        if self._refused:
            raise self._refused[0]

    def _describe(self, topics: Iterable[Topic]) -> tuple[dict[str, TopicDescription], set[str]]:
        """Return the topics that exist, and the names of those that we may not see."""
        return self._describe_names(map(self._settings.topic, topics))

    def _describe_names(self, names: Iterable[str]) -> tuple[dict[str, TopicDescription], set[str]]:
        try:
            return access.describe_topics(self._client, names, self._timeout)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "describing topics") from error

    def _offsets(self, topics: Iterable[str], *specs: OffsetSpec) -> list[dict[Partition, int]]:
        # Look up the metadata each time: librdkafka keeps the leader epoch that it knows, and a
        # leader that has restarted refuses that epoch for ever (measured).
        # A description does not do that, but tells which topics there are: to ask for another one
        # might create it.
        found, _ = self._describe_names(topics)
        partitions = [
            TopicPartition(name, number)
            for name, topic in found.items()
            for number in range(len(topic.partitions))
        ]
        try:
            for name in found:
                self._client.list_topics(name, timeout=self._timeout)
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
        """Raises KafkaException."""
        existing = self.existing()
        names = [self._settings.topic(topic) for topic in TOPICS]
        partitions = [
            TopicPartition(n, number) for n in names for number in range(existing.get(n, 0))
        ]
        if not partitions:
            return []
        answers = self._groups.committed(group, partitions, self._timeout)
        for answer in answers:
            if answer.error:
                raise KafkaException(answer.error)
        return [answer for answer in answers if answer.offset >= 0]

    def _create(self, topics: list[Topic]) -> None:
        new = [self._new_topic(topic) for topic in topics]
        if not new:
            return
        for name, future in self._client.create_topics(new, operation_timeout=TIMEOUT).items():
            try:
                future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another was faster
                    raise self._not_created(error, name) from error
            except TimeoutError as error:
                raise translate(error, f"creating {name}") from error
        names = {topic.topic for topic in new}
        retry(lambda: self._refuse_missing(names), seconds=TIMEOUT, backoff=BRIEF_BACKOFF)

    def _not_created(self, error: KafkaException, name: str) -> SeedcastError:
        """A missing topic and a missing right come together here: name both."""
        right = Right("Create", "Topic", name)
        mapped = translate(error, f"creating {name}", self._settings.kafka, right)
        if not isinstance(mapped, AccessDenied):
            return mapped
        return AccessDenied(
            f"topic {name} is missing; {mapped.what}",
            expected=f"the topic, or {mapped.expected}",
            got="neither",
            remedy="run `seedcast topics create` as a user who may, or correct "
            f"SEEDCAST_KAFKA_PREFIX; or {mapped.remedy}",
        )

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

    def _configs(self, topics: list[Topic], *, may_be_denied: bool) -> dict[str, dict[str, str]]:
        """Return the topics' settings; where it `may_be_denied`, of those that we may read."""
        topic = ConfigResource.Type.TOPIC
        resources = [ConfigResource(topic, self._settings.topic(each)) for each in topics]
        if not resources:
            return {}
        configs = {}
        for resource, answer in self._client.describe_configs(resources).items():
            try:
                configs[resource.name] = self._config(resource.name, answer)
            except AccessDenied:
                if not may_be_denied:
                    raise
        return configs

    def _config(self, name: str, answer: "Future[dict[str, ConfigEntry]]") -> dict[str, str]:
        try:
            return {key: entry.value for key, entry in answer.result(TIMEOUT).items()}
        except (KafkaException, TimeoutError) as error:
            right = Right("DescribeConfigs", "Topic", name)
            doing = f"reading the settings of {name}"
            raise translate(error, doing, self._settings.kafka, right) from error

    def _on_error(self, error: KafkaError) -> None:
        mapped = translate(error, "connecting to Kafka")
        fault = broker_faults.explain(mapped.got)
        if isinstance(mapped, CredentialsRefused):
            self._refused.append(mapped)
        elif fault and not fault.heals:
            self._refused.append(Unreachable(mapped.what, got=mapped.got, remedy=mapped.remedy))
        elif mapped.remedy:
            self._last = mapped

"""Administration: topics checked against schemas/topics.py, and our rights."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    ConfigEntry,
    ConfigResource,
    NewTopic,
    TopicDescription,
)

from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    SeedcastError,
    TopicMismatch,
)
from seedcast.kafka import access
from seedcast.kafka.access import TIMEOUT
from seedcast.kafka.admin_connection import AdminConnection
from seedcast.kafka.error_mapping import translate
from seedcast.kafka.group_client import GroupClients
from seedcast.kafka.topic_differences import topic_differences
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.rights import OWN_GROUP, Right, Role
from seedcast.schemas.topics import TOPICS, Topic
from seedcast.settings import Settings

# What a cluster answers that does not allow the topic, whose limits we cannot know.
_NOT_ALLOWED = {
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.INVALID_REPLICATION_FACTOR,
}


class Admin:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = AdminConnection(settings)
        self._groups = GroupClients(settings.kafka)

    def cluster_id(self) -> str:
        """Wait for the brokers up to `kafka.start_timeout`; return the cluster's id.

        Raises CredentialsRefused and other Fatal errors at once, and Unreachable in the end.
        """
        return self._connection.cluster_id()

    def existing(self) -> dict[str, int]:
        """Return the number of partitions of each of the table's topics that we may see."""
        return self._connection.existing()

    def require(self, role: Role, group: str = OWN_GROUP) -> None:
        """Raises AccessDenied, which names each right of the role that the brokers do not grant.

        `group` is the one that a subscriber names. Rights on missing topics are not judged.
        """
        if lacking := self.lacking(role, group):
            raise access.denied(self._settings.kafka, lacking)

    def lacking(self, role: Role, group: str = OWN_GROUP) -> list[Right]:
        # A password that was changed: nobody would answer.
        self._connection.raise_refused()
        rights = list(role.rights(self._settings.kafka.prefix, group))
        on_topics = [right for right in rights if right.resource == "Topic"]
        on_groups = [right for right in rights if right.resource == "Group"]
        client, timeout = self._connection.client, self._connection.timeout
        try:
            lacking = list(access.lacking(client, on_topics, timeout))
            return lacking + [right for right in on_groups if not self._grants(right, role)]
        except (KafkaException, TimeoutError) as error:
            self._connection.raise_refused()
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

    def _grants(self, right: Right, role: Role) -> bool:
        topic = self._settings.topic(next(iter(role.topics)))
        return self._groups.grants(right, topic, self._connection.timeout)

    def _describe(self, topics: Iterable[Topic]) -> tuple[dict[str, TopicDescription], set[str]]:
        """Return the topics that exist, and the names of those that we may not see."""
        return self._connection.describe(map(self._settings.topic, topics))

    def _create(self, topics: list[Topic]) -> None:
        new = [self._new_topic(topic) for topic in topics]
        if not new:
            return
        futures = self._connection.client.create_topics(new, operation_timeout=TIMEOUT)
        for name, future in futures.items():
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
        """Return what to raise. A missing topic and a missing right come together: name both."""
        if error.args[0].code() in _NOT_ALLOWED:
            return TopicMismatch(
                f"topic {name} is missing, and the cluster refuses to create it",
                got=error.args[0].str(),
                remedy="set SEEDCAST_KAFKA_MAX_RECORD_BYTES and SEEDCAST_KAFKA_REPLICATION to what "
                "it allows, or create the topic by hand; `seedcast topics list` has its settings",
            )
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
            config=topic.config(kafka.replication, kafka.max_record_bytes),
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
        for resource, answer in self._connection.client.describe_configs(resources).items():
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

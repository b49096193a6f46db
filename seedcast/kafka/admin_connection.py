"""One administrative client, and what it knows of why no broker serves it."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import TopicDescription

from seedcast.errors import CredentialsRefused, Fatal, Retryable, SeedcastError, Unreachable
from seedcast.kafka import access, broker_faults, client_config
from seedcast.kafka.access import TIMEOUT
from seedcast.kafka.admin_client import AdminClient
from seedcast.kafka.error_mapping import map_client_errors, translate, translate_connecting
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.schemas.topics import TOPICS
from seedcast.settings import KafkaSettings, Settings

_QUIET = {"log_level": 2}  # critical only: what fails is raised here


class AdminConnection:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.timeout = min(TIMEOUT, settings.kafka.start_timeout)  # seconds for one question
        self._reports = _Reports(settings.kafka)
        with map_client_errors():
            self.client = AdminClient(
                client_config.client(settings.kafka) | _QUIET | {"error_cb": self._reports}
            )

    def cluster_id(self) -> str:
        """Wait for the brokers up to `kafka.start_timeout`; return the cluster's id.

        Raises CredentialsRefused and other Fatal errors at once, and Unreachable in the end.
        """
        seconds = self.settings.kafka.start_timeout
        try:
            return retry(self._ask_cluster_id, seconds=seconds, backoff=BRIEF_BACKOFF)
        except Retryable as error:
            raise self._unreachable(seconds) from error

    def existing(self) -> dict[str, int]:
        """Return the number of partitions of each of the table's topics that we may see."""
        found, _ = self.describe(map(self.settings.topic, TOPICS))
        return {name: len(topic.partitions) for name, topic in found.items()}

    def describe(self, names: Iterable[str]) -> tuple[dict[str, TopicDescription], set[str]]:
        """Return the topics that exist, and the names of those that we may not see."""
        try:
            return access.describe_topics(self.client, names, self.timeout)
        except (KafkaException, TimeoutError) as error:
            raise translate(error, "describing topics") from error

    def raise_refused(self) -> None:
        """Raises the error that no broker will serve us for, if the client has heard of one."""
        self.client.poll(0)
        if self._reports.refused:
            raise self._reports.refused

    def _ask_cluster_id(self) -> str:
        try:
            return str(self.client.list_topics(timeout=1.0).cluster_id)
        except KafkaException as error:
            # Refused credentials arrive as an event; the call itself only times out.
            self.raise_refused()
            raise translate(error, "connecting to Kafka") from error

    def _unreachable(self, seconds: float) -> Unreachable:
        kafka, last = self.settings.kafka, self._reports.last
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


class _Reports:
    """The client's error callback. It does not know the client, which so has no cycle."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self.refused: Fatal | None = None  # the first that does not heal
        self.last: SeedcastError | None = None  # that says why no broker answers

    def __call__(self, error: KafkaError) -> None:
        mapped = translate_connecting(error, "connecting to Kafka", self._kafka)
        fault = broker_faults.explain(mapped.got)
        if isinstance(mapped, CredentialsRefused):
            self.refused = self.refused or mapped
        elif fault and not fault.heals:
            unreachable = Unreachable(mapped.what, got=mapped.got, remedy=mapped.remedy)
            self.refused = self.refused or unreachable
        elif mapped.remedy:
            self.last = mapped

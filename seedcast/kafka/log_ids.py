"""Which topic of which cluster a name stands for: neither a name nor an address says that."""

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import TopicCollection

from seedcast.kafka import client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.kafka.offset_state import Place
from seedcast.settings import KafkaSettings

TIMEOUT = 5.0  # seconds for one request


@dataclass(frozen=True)
class LogId:
    """The ids of a cluster and of one of its topics."""

    cluster: str
    topic: str

    def place(self, partition: int, offset: int) -> Place:
        return Place(offset, partition, self.cluster, self.topic)


def log_ids(client: AdminClient, topics: Iterable[str]) -> dict[str, LogId]:
    """Return the ids of these topics by name. Raises KafkaException."""
    if not (names := sorted(topics)):
        return {}
    cluster = client.describe_cluster(request_timeout=TIMEOUT).result().cluster_id
    described = client.describe_topics(TopicCollection(names), request_timeout=TIMEOUT)
    return {name: LogId(cluster, str(each.result().topic_id)) for name, each in described.items()}


def ask_log_ids(kafka: KafkaSettings, topics: Iterable[str]) -> dict[str, LogId]:
    """The same, by a client of its own: a consumer's cannot ask for the ids of topics."""
    client = AdminClient(client_config.client(kafka), logger=client_config.LOGGER)
    return log_ids(client, topics)

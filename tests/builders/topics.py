"""What others do to topics: producers, operators and retention."""

from collections import defaultdict
from collections.abc import Sequence

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from seedcast.errors import SeedcastError
from seedcast.kafka import GroupOffsets, Producer, Record, TopicReader, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.topics import Topic
from seedcast.settings import Settings

_producers: dict[str, Producer] = {}


def producer(settings: Settings) -> Producer:
    """Return the one producer of this process for the broker of these settings.

    The first record of a new one waits for half a second (librdkafka, pull request 5032).
    """
    bootstrap = settings.kafka.bootstrap
    return _producers.get(bootstrap) or _producers.setdefault(bootstrap, Producer(settings))


def send(
    settings: Settings,
    topic: Topic,
    records: Sequence[tuple[bytes, bytes]],
    *,
    in_turn: bool = False,
) -> None:
    """Send keys and values and wait for the broker; `in_turn` fills the partitions evenly."""
    errors = list[SeedcastError | None]()
    for number, (key, value) in enumerate(records):
        producer(settings).send(
            settings.topic(topic),
            key=key,
            value=value,
            on_delivery=errors.append,
            partition=number % settings.kafka.partitions if in_turn else -1,
        )
    assert producer(settings).flush(120) == 0
    assert errors == [None] * len(records)


def read(settings: Settings, topic: Topic) -> dict[str, list[Record]]:
    """Return every record of the topic so far, by its key, which is a request id."""
    records = defaultdict(list)
    with TopicReader(settings, settings.topic(topic)) as reader:
        for record in reader.to_end():
            records[(record.key or b"").decode()].append(record)
    return records


def lag(settings: Settings, group: str) -> int:
    """Return the number of records that a group has still to do."""
    return sum(partition.records for partition in GroupOffsets(settings).lag(settings.group(group)))


def compact(settings: Settings, topic: Topic) -> None:
    """Let the broker compact the topic from now on, with the next record that comes."""
    soon = {"segment.ms": "1", "min.cleanable.dirty.ratio": "0", "max.compaction.lag.ms": "1"}
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in soon.items()
    ]
    resource = ConfigResource(
        ResourceType.TOPIC, settings.topic(topic), incremental_configs=entries
    )
    client = AdminClient(client_config.client(settings.kafka))
    client.incremental_alter_configs([resource])[resource].result(60)


def delete(settings: Settings, topic: Topic) -> int:
    """Delete everything on the topic, as retention would. Returns how many offsets that is."""
    bounds = GroupOffsets(settings).bounds([settings.topic(topic)])
    client = AdminClient(client_config.client(settings.kafka))
    ends = [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items() if end]
    for future in client.delete_records(ends).values():
        future.result(30)
    return sum(end - begin for begin, end in bounds.values())

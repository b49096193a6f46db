"""Write records and committed offsets as the workers of a night write them."""

from collections.abc import Iterable
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, TopicPartition

from seedcast.errors import SeedcastError
from seedcast.kafka import GroupOffsets, Producer, client_config
from seedcast.schemas.topics import Topic
from seedcast.settings import Settings


def send(settings: Settings, topic: Topic, records: Iterable[tuple[str, bytes]]) -> None:
    """Send records (key, value), and return once the broker has acknowledged all.

    Raises the error of a record that it refused.
    """
    producer, errors = Producer(settings), set[SeedcastError | None]()
    for key, value in records:
        producer.send(settings.topic(topic), key=key.encode(), value=value, on_delivery=errors.add)
        producer.poll()
    while producer.flush(1.0):
        continue
    for error in errors:
        if error:
            raise error


def commit_all(settings: Settings, group: str, topics: Iterable[Topic]) -> None:
    """Commit the end of each partition for the consumer group. Raises KafkaException."""
    ends = GroupOffsets(settings).bounds([settings.topic(topic) for topic in topics])
    offsets = [
        TopicPartition(partition.topic, partition.number, end)
        for partition, (_, end) in ends.items()
    ]
    with closing(Consumer(client_config.consumer(settings.kafka, settings.group(group)))) as client:
        for committed in client.commit(offsets=offsets, asynchronous=False):
            if committed.error:
                raise KafkaException(committed.error)

"""Records and committed offsets, written as the processes of a night write them."""

from collections.abc import Iterable
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.topics import Topic
from seedcast.errors import SeedcastError
from seedcast.kafka import Admin, Producer, client_config
from seedcast.settings import Settings


def send(settings: Settings, topic: Topic, records: Iterable[tuple[str, bytes]]) -> None:
    """Keys and values; returns when the broker has acknowledged all. Raises what it said of the first that it refused."""
    producer, answers = Producer(settings), set[SeedcastError | None]()
    for key, value in records:
        producer.send(settings.topic(topic), key=key.encode(), value=value, on_delivery=answers.add)
        producer.poll()
    while producer.flush(1.0):
        continue
    for refused in answers:
        if refused:
            raise refused


def commit_all(settings: Settings, group: str, topics: Iterable[Topic]) -> None:
    """To the end of each partition. Raises KafkaException."""
    ends = Admin(settings).bounds([settings.topic(topic) for topic in topics])
    places = [
        TopicPartition(partition.topic, partition.number, end)
        for partition, (_, end) in ends.items()
    ]
    with closing(Consumer(client_config.consumer(settings.kafka, settings.group(group)))) as client:
        for place in client.commit(offsets=places, asynchronous=False):
            if place.error:
                raise KafkaException(place.error)

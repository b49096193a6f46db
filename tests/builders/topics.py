"""What others do to topics: producers, operators and retention."""

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from seedcast.kafka import Admin, Producer, client_config
from seedcast.schemas.topics import Topic
from seedcast.settings import Settings

_producers: dict[str, Producer] = {}


def producer(settings: Settings) -> Producer:
    """Return the one producer of this process for the broker of these settings.

    The first record of a new one waits for half a second (librdkafka, pull request 5032).
    """
    bootstrap = settings.kafka.bootstrap
    return _producers.get(bootstrap) or _producers.setdefault(bootstrap, Producer(settings))


def delete(settings: Settings, topic: Topic) -> int:
    """Delete everything on the topic, as retention would. Returns how many offsets that is."""
    bounds = Admin(settings).bounds([settings.topic(topic)])
    client = AdminClient(client_config.client(settings.kafka))
    ends = [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items() if end]
    for future in client.delete_records(ends).values():
        future.result(30)
    return sum(end - begin for begin, end in bounds.values())

"""Changes of topics, as an operator or retention makes them."""

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from seedcast.kafka import Admin, client_config
from seedcast.schemas.topics import Topic
from seedcast.settings import Settings


def delete(settings: Settings, topic: Topic) -> int:
    """Delete everything on the topic, as retention would. Returns how many offsets that is."""
    bounds = Admin(settings).bounds([settings.topic(topic)])
    client = AdminClient(client_config.client(settings.kafka))
    ends = [TopicPartition(p.topic, p.number, end) for p, (_, end) in bounds.items() if end]
    for future in client.delete_records(ends).values():
        future.result(30)
    return sum(end - begin for begin, end in bounds.values())

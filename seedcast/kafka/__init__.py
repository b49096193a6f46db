"""The one home of confluent-kafka: configuration, producer, group consumer, reader, administration."""

from seedcast.kafka.admin import Admin, Lag
from seedcast.kafka.consumer import GroupConsumer, Offsets
from seedcast.kafka.errors import refuse_gap, say_if_late
from seedcast.kafka.producer import Headers, Producer, announce
from seedcast.kafka.reader import TopicReader
from seedcast.kafka.records import Partition, Record
from seedcast.kafka.takeover import Committed

__all__ = [
    "Admin",
    "Committed",
    "GroupConsumer",
    "Headers",
    "Lag",
    "Offsets",
    "Partition",
    "Producer",
    "Record",
    "TopicReader",
    "announce",
    "refuse_gap",
    "say_if_late",
]

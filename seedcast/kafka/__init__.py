"""The one home of confluent-kafka: configuration, producer, consumers, reader, administration."""

from seedcast.kafka.active_member import ActiveMember
from seedcast.kafka.admin import Admin
from seedcast.kafka.background_producer import BackgroundProducer
from seedcast.kafka.error_mapping import in_mid_run, refuse_gap, warn_if_truncated
from seedcast.kafka.group_consumer import GroupConsumer, Offsets
from seedcast.kafka.group_offsets import GroupOffsets, Lag, count_after
from seedcast.kafka.producer import Headers, Producer
from seedcast.kafka.records import Partition, Record
from seedcast.kafka.start_offsets import Committed
from seedcast.kafka.topic_follower import TopicFollower
from seedcast.kafka.topic_reader import TopicReader

__all__ = [
    "ActiveMember",
    "Admin",
    "BackgroundProducer",
    "Committed",
    "GroupConsumer",
    "GroupOffsets",
    "Headers",
    "Lag",
    "Offsets",
    "Partition",
    "Producer",
    "Record",
    "TopicFollower",
    "TopicReader",
    "count_after",
    "in_mid_run",
    "refuse_gap",
    "warn_if_truncated",
]

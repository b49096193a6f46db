"""Compares a topic of the cluster with its row in schemas/topics.py. Pure."""

from collections.abc import Iterator

from confluent_kafka.admin import TopicDescription

from seedcast.schemas.topics import Topic
from seedcast.settings import KafkaSettings

_MIN_INSYNC = "min.insync.replicas"
_EXACT = ("cleanup.policy", "message.timestamp.type")


def topic_differences(
    topic: Topic,
    found: TopicDescription,
    config: dict[str, str] | None,
    kafka: KafkaSettings,
) -> Iterator[str]:
    """Yield a line per difference: a value below the table's minimum, or another of _EXACT.

    Without its settings, which not everybody may read, only partitions and replicas are compared.
    """
    name, partitions = found.name, found.partitions
    if len(partitions) < (expected := topic.partitions(kafka.partitions)):
        yield f"{name}: expected at least {expected} partitions, got {len(partitions)}"
    if (replicas := min(len(p.replicas) for p in partitions)) < kafka.replication:
        yield f"{name}: expected at least {kafka.replication} replicas, got {replicas}"
    if config is None:
        return
    for setting, expected, got in _minima(topic, config, kafka):
        if got < expected:
            yield f"{name}: expected {setting} of at least {expected}, got {got}"
    for setting, wanted in topic.config().items():
        if setting in _EXACT and config[setting] != wanted:
            yield f"{name}: expected {setting} {wanted}, got {config[setting]}"


def _minima(
    topic: Topic, config: dict[str, str], kafka: KafkaSettings
) -> Iterator[tuple[str, int, int]]:
    """Yield each setting that has a minimum: its name, the minimum and what the topic has."""
    in_sync = int(topic.config(kafka.replication).get(_MIN_INSYNC, 0))
    yield _MIN_INSYNC, in_sync, int(config.get(_MIN_INSYNC, in_sync))
    largest = topic.largest(kafka.max_record_bytes)
    yield "max.message.bytes", largest, int(config["max.message.bytes"])
    if not topic.compacted and (retention := int(config["retention.ms"])) >= 0:  # -1: for ever
        yield "retention.ms", topic.retention_ms, retention

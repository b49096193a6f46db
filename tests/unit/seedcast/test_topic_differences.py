"""A topic that somebody made by hand: what contradicts the table, and what may differ."""

from types import SimpleNamespace
from typing import Any

import pytest

from seedcast.kafka.topic_differences import topic_differences
from seedcast.schemas.topics import WORKERS
from seedcast.settings import KafkaSettings

PARTITION = SimpleNamespace(replicas=[1])
FOUND: Any = SimpleNamespace(name="seedcast.workers", partitions=[PARTITION])


def differences(**changes: str) -> list[str]:
    changed = {name.replace("_", "."): value for name, value in changes.items()}
    return list(topic_differences(WORKERS, FOUND, WORKERS.config() | changed, KafkaSettings()))


@pytest.mark.parametrize(
    ("setting", "wanted", "got"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("message.timestamp.type", "LogAppendTime", "CreateTime"),
    ],
)
def test_a_setting_that_its_readers_rely_on_is_named(setting: str, wanted: str, got: str) -> None:
    [problem] = differences(**{setting.replace(".", "_"): got})
    assert problem == f"seedcast.workers: expected {setting} {wanted}, got {got}"


def test_a_cluster_may_keep_segments_and_tombstones_longer() -> None:
    assert differences(segment_ms="604800000", delete_retention_ms="86400000") == []

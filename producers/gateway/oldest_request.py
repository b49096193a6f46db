"""How long the oldest request has waited to be spoken, by the broker's clock. Reads no record.

A GPU consumer commits the offset of the oldest request that it has not finished. Whether a request
before that is older than some age is told by the offset of the first record since then.
"""

from collections.abc import Mapping
from time import time
from typing import Protocol

from seedcast.kafka import GroupOffsets, Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.schemas.topics import GPU_CONSUMERS
from seedcast.settings import Settings

# Seconds. Where nothing is old, one question is enough.
AGES = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400)


class Offsets(Protocol):
    """What is used of GroupOffsets."""

    def committed(self, group: str, topics: list[str]) -> Mapping[Partition, Committed]: ...
    def first_since(self, topics: list[str], moment: float) -> Mapping[Partition, int]: ...


def oldest_request(settings: Settings, offsets: Offsets | None = None) -> int:
    """Return an age that it has passed, one of AGES; 0 if it has passed none, or nothing waits.

    Raises SeedcastError and TimeoutError.
    """
    asked: Offsets = offsets or GroupOffsets(settings)
    topics = [settings.topic(topic) for topic in GPU_CONSUMERS.topics]
    committed = asked.committed(settings.group(GPU_CONSUMERS.name), topics)
    passed, now = 0, time()
    for age in AGES:
        first = asked.first_since(topics, now - age)
        if not any(_next(committed, each) < offset for each, offset in first.items()):
            break
        passed = age
    return passed


def _next(committed: Mapping[Partition, Committed], partition: Partition) -> int:
    found = committed.get(partition)
    return found.offset or 0 if found else 0

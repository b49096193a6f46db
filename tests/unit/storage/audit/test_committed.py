"""Committed offsets: which groups the audit asks, and which offsets it calls done."""

from seedcast.kafka import Committed, Partition
from seedcast.kafka.offset_bitmap import encode
from seedcast.schemas.topics import FEEDERS, GPU_CONSUMERS, INDEXERS, POSTPROCESS, REQUESTS
from seedcast.storage.audit.committed import CommittedOffsets
from tests.unit.storage.audit.evidence import SETTINGS, partition


class OffsetsDouble:
    """Remembers the groups that it was asked about."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    def committed(self, group: str) -> dict[Partition, Committed]:
        self.groups.append(group)
        return {}


def test_the_audit_asks_the_groups_that_the_workers_commit_with() -> None:
    offsets = OffsetsDouble()
    CommittedOffsets.read(SETTINGS, offsets)  # type: ignore[arg-type]
    workers = (FEEDERS, GPU_CONSUMERS, INDEXERS, POSTPROCESS)
    assert sorted(offsets.groups) == sorted(SETTINGS.group(group.name) for group in workers)


def test_the_bitmap_counts_as_committed() -> None:
    requests = partition(REQUESTS)
    committed = CommittedOffsets({requests: Committed(5, encode(5, [7]))})
    assert [committed.is_done(requests, offset) for offset in (4, 5, 6, 7, 8)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert not committed.is_done(partition(REQUESTS, 1), 0)
    assert not CommittedOffsets({requests: Committed(None, "")}).is_done(requests, 0)

"""Which part of a list a row is looked for in, and what committed offsets say of a record."""

import pytest

from seedcast.kafka import Committed, Partition, Record, offset_bitmap
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.where.staged import find_row
from seedcast.storage.where.topics import found_record
from tests.builders.requests import numbered
from tests.builders.staged import stage


@pytest.mark.parametrize(
    ("offset", "done", "later", "before"),
    [
        (9, True, True, 0),
        (10, False, True, 0),
        (11, False, True, 1),
        (12, True, False, 2),
        (14, False, False, 3),
    ],
)
def test_what_is_done_above_the_watermark_counts_as_done(
    offset: int, done: bool, later: bool, before: int
) -> None:
    committed = Committed(10, offset_bitmap.encode(10, [12]))
    record = Record(Partition("requests", 1), offset, b"7", b"", (), 0)
    found = found_record(record, committed)
    assert (found.done, found.later, found.before) == (done, later, before)


def test_without_a_commit_nothing_is_done() -> None:
    found = found_record(Record(Partition("requests", 1), 2, b"7", b"", (), 0), None)
    assert (found.done, found.later, found.before) == (False, False, 2)


@pytest.mark.parametrize("sizes", [(7,), (1, 2, 4), (3, 3, 1), (1,) * 7])
def test_each_row_is_found_in_its_part_and_others_are_not(sizes: tuple[int, ...]) -> None:
    store, numbers = MemoryStore(), iter(range(1, 8))
    parts = [[numbered(next(numbers)) for _ in range(size)] for size in sizes]
    campaign = stage(store, "night", *parts)
    for row in range(1, 8):
        found = find_row(store, campaign, row)
        assert found
        assert (found[0], found[1].request_id) == (row - 1, f"request-{row:05d}")
    assert find_row(store, campaign, 8) is None
    assert find_row(store, campaign, 0) is None

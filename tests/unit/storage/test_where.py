"""Which part of a list a row is looked for in, why it waits, and what committed offsets say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from seedcast.kafka import Committed, Partition, Record, offset_bitmap
from seedcast.schemas.messages import Cursor
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.where.staged import find_row
from seedcast.storage.where.topics import found_record
from seedcast.storage.where.unfed import why_unfed
from tests.builders.requests import numbered
from tests.builders.staged import STAGING, stage

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)  # 10:00 in Shanghai
SHANGHAI = {"window": "20:00-06:00", "zone": "Asia/Shanghai"}


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


@pytest.mark.parametrize(
    ("terms", "cursor", "why"),
    [
        ({}, None, "for the feeder; 6 rows of its list before it"),
        ({}, {"fed": 4}, "for the feeder; 2 rows of its list before it"),
        ({"rate": 0.5}, {"fed": 4}, "before it; its campaign is fed at most 0.5 a second"),
        ({}, {"fed": 8, "unfed": (6,)}, "its partition of the requests topics is full"),
        ({}, {"fed": 4, "held": "no part 1"}, "its list is held: no part 1"),
        ({"state": "paused", **SHANGHAI}, {"fed": 4, "held": "x"}, "its campaign is paused"),
        ({"state": "cancelled"}, None, "its campaign is cancelled, and the row was not fed"),
        (
            {"start_at": NOW + timedelta(hours=2)},
            None,
            "scheduled: nothing is fed before 2026-12-01T04:00+00:00; 6 rows of its list before it",
        ),
        (
            SHANGHAI,
            {"fed": 4},
            "scheduled: nothing is fed before 2026-12-01T20:00+08:00, in its window 20:00-06:00"
            " Asia/Shanghai; 2 rows of its list before it",
        ),
        (SHANGHAI, {"fed": 8, "unfed": (6,)}, "Asia/Shanghai; it is among the next rows"),
        (SHANGHAI, {"fed": 4, "held": "no part 1"}, "its list is held: no part 1"),
        ({"window": "20:00-06:00", "zone": "Mars/X"}, None, "scheduled: "),
        ({"start_at": NOW - timedelta(hours=2)}, None, "for the feeder"),
    ],
)
def test_why_a_row_is_not_fed_is_that_of_its_campaign(
    terms: dict[str, Any], cursor: dict[str, Any] | None, why: str
) -> None:
    campaign = replace(stage(MemoryStore(), "night", [numbered(n) for n in range(8)]), **terms)
    fed = cursor and Cursor(campaign_id="night", staging=STAGING, generation=1, **cursor)
    assert why in why_unfed(campaign, fed or None, 6, NOW)

"""When requests ended, told from some of them, in SQLite and in PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest

from seedcast.settings import IndexSettings
from seedcast.storage.index import sampling
from seedcast.storage.index.sampling import Sample
from tests.builders.indexed import add, listed, reading, request_id, result, rows, writing

pytestmark = pytest.mark.integration

ROWS = 3_000
BEGAN = datetime(2026, 11, 30, 20, tzinfo=UTC)


def ms(row: int) -> int:
    """The rows end in their order, one per second; the later half twice as fast."""
    seconds = row if row <= ROWS / 2 else ROWS / 2 + (row - ROWS / 2) / 2
    return round((BEGAN + timedelta(seconds=seconds)).timestamp() * 1000)


def per_second(sample: Sample, begin: float, end: float) -> float:
    moments = [(moment - BEGAN).total_seconds() for _, moment in sample.ended]
    return sample.each * sum(begin <= moment < end for moment in moments) / (end - begin)


def test_a_sample_tells_the_rate_over_time_and_who_was_last(
    index_settings: IndexSettings,
) -> None:
    done = 2_000
    with writing(index_settings) as writer:
        writer.put_campaigns([listed("night", ROWS), listed("other", 2)])
        writer.load_list("night", rows(ROWS))
        add(writer, *(result("night", row, at=ms(row)) for row in range(1, done + 1)))
        # One of another part of the list ended last: it has waited for its voice.
        add(writer, result("night", 2_500, "failed", at=ms(done) + 5_000))
    with reading(index_settings) as index:
        sample = index.sample("night", ROWS, done + 1)
        latest = index.latest("night", sample.latest_rows, 5)
        nothing = index.sample("other", 2, 0)
        assert index.latest("other", nothing.latest_rows, 5) == []
    assert len(sample.ended) <= sampling.SAMPLED
    assert per_second(sample, 100, 1400) == pytest.approx(1, rel=0.05)
    assert per_second(sample, 1550, 1700) == pytest.approx(2, rel=0.05)
    assert nothing.ended == []
    assert [each.row for each in latest] == [2500, *range(done, done - 4, -1)]
    assert all(each.ended_at and each.result for each in latest)


def test_of_a_campaign_of_events_the_first_requests_are_the_sample(
    index_settings: IndexSettings,
) -> None:
    with writing(index_settings) as writer:
        add(writer, *(result("events", number, at=ms(number)) for number in range(1, 51)))
    with reading(index_settings) as index:
        sample = index.sample("events", None, 50)
        latest = index.latest("events", sample.latest_rows, 3)
    assert (len(sample.ended), sample.each) == (50, 1.0)
    assert [each.request_id for each in latest] == [request_id(n) for n in (50, 49, 48)]

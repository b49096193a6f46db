"""When a campaign counts as complete. A repeated result changes nothing."""

import time

import pytest

from seedcast.campaigns.progress import Progress, Seen, _Tally
from seedcast.schemas.messages import SpeechResult, Status
from seedcast.schemas.topics import DAY, RESULTS


@pytest.mark.parametrize(
    ("accepted", "outcomes", "complete"),
    [
        (None, {"succeeded": 9}, False),
        (4, {"succeeded": 1, "failed": 1, "expired": 1}, False),
        (4, {"succeeded": 1, "failed": 1, "expired": 1, "cancelled": 1}, True),
        (2, {"succeeded": 2, "certain": False}, False),
    ],
)
def test_complete_needs_the_seal_and_every_outcome(
    accepted: int | None, outcomes: dict[str, int], complete: bool
) -> None:
    progress = Progress(accepted=accepted, **outcomes)  # type: ignore[arg-type]
    assert progress.complete == complete
    assert progress.finished == sum(outcomes.values())


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [
        (Progress(accepted=10, succeeded=3, failed=1, rate=2.0), 3.0),
        (Progress(accepted=10, succeeded=3), None),
        (Progress(accepted=None, succeeded=3, rate=2.0), None),
        (Progress(accepted=4, succeeded=4, rate=2.0), None),
        (Progress(accepted=4, succeeded=5, rate=2.0, certain=False), 0.0),
    ],
)
def test_time_left_needs_the_seal_a_rate_and_something_to_wait_for(
    progress: Progress, seconds: float | None
) -> None:
    assert progress.seconds_left == seconds


def test_only_the_first_result_of_a_request_counts() -> None:
    def result(request_id: str, status: Status) -> SpeechResult:
        return SpeechResult(request_id=request_id, campaign_id="night", status=status)

    tally = _Tally()
    taken = [
        tally.take(result(*given), place)
        for place, given in enumerate(
            [("request-1", "failed"), ("request-1", "succeeded"), ("request-2", "failed")]
        )
    ]
    assert taken == [True, False, True]
    assert tally.statuses == {"failed": 2}


def test_an_id_is_remembered_as_long_as_the_topic_keeps_it() -> None:
    seen, began = Seen(), 20_000 * DAY + DAY - 1
    assert seen.first("request-0", began)
    assert seen.first("another", began + RESULTS.retention_ms)
    assert not seen.first("request-0", began + RESULTS.retention_ms)
    assert seen.first("a third", began + RESULTS.retention_ms + 1)
    assert seen.first("request-0", began + RESULTS.retention_ms + 1)


def test_memory_does_not_grow_with_the_days() -> None:
    seen = Seen()
    for day in range(20_000, 20_100):
        for number in range(10):
            assert seen.first(f"{day}-{number}", day * DAY)
    assert sum(map(len, seen._days.values())) == 10 * (RESULTS.retention_ms // DAY + 1)


def test_a_producers_clock_that_is_ahead_makes_no_other_id_old() -> None:
    seen, now = Seen(), int(time.time() * 1000)
    assert seen.first("request-0", now - DAY)
    assert seen.first("request-1", now + 1000 * DAY)
    assert not seen.first("request-0", now)

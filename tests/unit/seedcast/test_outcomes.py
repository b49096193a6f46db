"""When a campaign counts as complete, and what a repeated result changes: nothing."""

import pytest

from schemas.messages import SpeechResult, Status
from seedcast.outcomes import Progress, _Tally


@pytest.mark.parametrize(
    ("accepted", "outcomes", "complete"),
    [
        (None, {"succeeded": 9}, False),
        (4, {"succeeded": 1, "failed": 1, "expired": 1}, False),
        (4, {"succeeded": 1, "failed": 1, "expired": 1, "cancelled": 1}, True),
    ],
)
def test_complete_needs_the_seal_and_every_outcome(accepted: int | None, outcomes: dict[str, int], complete: bool) -> None:
    progress = Progress(accepted=accepted, **outcomes)  # type: ignore[arg-type]
    assert (progress.complete, progress.finished) == (complete, sum(outcomes.values()))


def test_only_the_first_result_of_a_request_counts() -> None:
    def result(request_id: str, status: Status) -> SpeechResult:
        return SpeechResult(request_id=request_id, campaign_id="night", status=status)

    tally = _Tally()
    taken = [tally.take(result(*given), place) for place, given in enumerate([("request-1", "failed"), ("request-1", "succeeded"), ("request-2", "failed")])]
    assert taken == [True, False, True]
    assert tally.statuses == {"failed": 2}

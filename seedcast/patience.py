"""What every wait for something that is away says of itself: a log line and a count, before each next attempt."""

from collections.abc import Callable

import structlog
from tenacity import RetryCallState

from seedcast.metrics import RETRIES

log = structlog.get_logger(__name__)


def announce(
    boundary: str, beat: Callable[[], None] = lambda: None
) -> Callable[[RetryCallState], None]:
    """For tenacity's `before_sleep`. `beat`: waiting for somebody else is no hang of ours."""

    def announced(state: RetryCallState) -> None:
        beat()
        RETRIES.labels(boundary).inc()
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "unavailable",
            boundary=boundary,
            problem=str(error),
            attempt=state.attempt_number,
            next_try_in_seconds=round(state.upcoming_sleep, 2),
        )

    return announced

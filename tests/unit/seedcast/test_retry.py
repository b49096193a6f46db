"""Retries: what is Retryable is repeated, logged and counted; everything else is raised at once."""

import asyncio

import pytest
from structlog.testing import capture_logs
from tenacity import wait_random_exponential

from seedcast.errors import BrokerUnavailable, CredentialsRefused, Retryable, SeedcastError
from seedcast.health import Readiness
from seedcast.metrics import RETRIES
from seedcast.retry import AsyncRetry, retry

AT_ONCE = wait_random_exponential(max=0)


class Attempt:
    """Raises the errors given, then returns "done"."""

    def __init__(self, *errors: SeedcastError) -> None:
        self._errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def retries_counted(boundary: str) -> float:
    return RETRIES.labels(boundary)._value.get()


def test_a_retryable_error_is_repeated_logged_and_counted() -> None:
    attempt, before = Attempt(*[BrokerUnavailable("no broker")] * 2), retries_counted("broker")
    with capture_logs() as entries:
        assert retry(attempt, seconds=30, boundary="broker", backoff=AT_ONCE) == "done"
    assert [(e["event"], e["boundary"], e["attempt"]) for e in entries] == [
        ("unavailable", "broker", 1),
        ("unavailable", "broker", 2),
    ]
    assert retries_counted("broker") == before + 2


def test_without_a_boundary_retries_are_silent() -> None:
    attempt, before = Attempt(BrokerUnavailable("no broker")), retries_counted("broker")
    with capture_logs() as entries:
        assert retry(attempt, seconds=30, backoff=AT_ONCE) == "done"
    assert (entries, retries_counted("broker")) == ([], before)


def test_the_last_error_is_raised_when_the_time_is_over() -> None:
    attempt = Attempt(*[BrokerUnavailable("no broker")] * 3)
    with pytest.raises(BrokerUnavailable):
        retry(attempt, seconds=0, backoff=AT_ONCE)
    assert attempt.calls == 1


def test_any_other_error_is_raised_at_once() -> None:
    attempt = Attempt(CredentialsRefused("no"))
    with pytest.raises(CredentialsRefused):
        retry(attempt, seconds=30, backoff=AT_ONCE)
    assert attempt.calls == 1


def test_an_outage_is_missing_from_readiness_and_beats_the_watchdog_until_it_ends() -> None:
    readiness, attempt = Readiness("store"), Attempt(*[BrokerUnavailable("away")] * 2)
    missing: list[tuple[str, ...]] = []

    async def call() -> str:
        return attempt()

    async def run() -> str:
        repeat = AsyncRetry(asyncio.Event(), lambda: missing.append(readiness.missing), readiness)
        return await repeat("store", call)

    readiness.meet("store")
    assert asyncio.run(run()) == "done"
    assert missing == [(), ("store",)], "called before each wait, and before readiness is lowered"
    assert readiness.missing == ()


def test_work_that_is_handed_back_waits_for_no_outage() -> None:
    attempt = Attempt(*[BrokerUnavailable("away")] * 2)

    async def call() -> str:
        return attempt()

    async def run() -> str:
        hand_back = asyncio.Event()
        hand_back.set()
        return await AsyncRetry(hand_back, lambda: None)("broker", call)

    with pytest.raises(Retryable):
        asyncio.run(run())
    assert attempt.calls == 1

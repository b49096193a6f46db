"""Each key has its own rate, places and queue, and each 429 says when to come again."""

import asyncio
from datetime import UTC, datetime

import pytest

from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.problems import Problem
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.keys import ApiKey, KeyLimits


def a_key(name: str = "key-1", **limits: float) -> ApiKey:
    return ApiKey(
        key_id=name,
        name=name,
        tenant="bank",
        scopes=("speak",),
        limits=KeyLimits(**limits),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        expires_at=None,
        revoked_at=None,
    )


def limits(**changes: float) -> Limits:
    return Limits(GatewaySettings.model_validate(changes))


async def refused(limited: Limits, key: ApiKey) -> Problem | None:
    try:
        await limited.take(key)
    except Problem as problem:
        return problem
    return None


def taken(limited: Limits, key: ApiKey, count: int) -> list[bool]:
    async def take() -> list[bool]:
        problems = [await refused(limited, key) for _ in range(count)]
        for problem in filter(None, problems):
            assert (problem.status, problem.code) == (429, "rate_limited")
            assert int(problem.headers["retry-after"]) >= 1
        return [problem is None for problem in problems]

    return asyncio.run(take())


def test_a_seconds_requests_may_come_at_once_and_no_more() -> None:
    assert taken(limits(rate=5), a_key(), 8) == [True] * 5 + [False] * 3


def test_keys_do_not_share_a_rate() -> None:
    limited = limits(rate=2)
    assert taken(limited, a_key("key-1"), 3) == [True, True, False]
    assert taken(limited, a_key("key-2"), 3) == [True, True, False]


def test_a_keys_own_limit_goes_before_the_gateways() -> None:
    limited = limits(rate=2)
    assert taken(limited, a_key(requests_per_second=4), 5) == [True] * 4 + [False]


def test_replicas_share_a_rate_by_their_number() -> None:
    assert taken(limits(rate=6, replicas=3), a_key(), 3) == [True, True, False]


def test_less_than_one_per_second_is_kept_too() -> None:
    assert taken(limits(rate=0.5), a_key(), 3) == [True, False, False]


def test_what_is_left_is_told() -> None:
    headers = asyncio.run(limits(rate=5).take(a_key()))
    assert headers["x-ratelimit-limit-requests"] == "5"
    assert headers["x-ratelimit-remaining-requests"] == "4"


def test_places_are_given_back_whatever_happens_inside() -> None:
    limited, key = limits(concurrency=2), a_key()
    with limited.at_once(key), limited.at_once(key):
        with pytest.raises(Problem) as refused, limited.at_once(key):
            pytest.fail("a third place")
        assert (refused.value.status, refused.value.code) == (429, "too_many_at_once")
    with pytest.raises(ZeroDivisionError), limited.at_once(key):
        raise ZeroDivisionError
    with limited.at_once(key), limited.at_once(key):
        pass


def test_characters_wait_up_to_the_quota() -> None:
    limited, key = limits(queued_characters=100), a_key()
    limited.queue(key, 60)
    with pytest.raises(Problem) as refused:
        limited.queue(key, 41)
    assert (refused.value.status, refused.value.code) == (429, "quota_exceeded")
    limited.spoken(key, 60)
    limited.queue(key, 100)


def spoken(limited: Limits, key: ApiKey, *lengths: int) -> list[int]:
    """Return the status of each speech of so many characters."""

    async def speak(length: int) -> int:
        try:
            headers, status = await limited.speak(key, length), 200
        except Problem as problem:
            headers, status = problem.headers, problem.status
        assert {f"x-ratelimit-{what}-characters" for what in ("limit", "remaining", "reset")} <= (
            headers.keys()
        )
        assert status == 200 or int(headers["retry-after"]) >= 1
        return status

    async def all_of_them() -> list[int]:
        return [await speak(length) for length in lengths]

    return asyncio.run(all_of_them())


def test_a_minutes_characters_may_come_at_once_and_no_more() -> None:
    limited, key = limits(characters_per_minute=1_000), a_key()
    assert spoken(limited, key, 600, 400, 1) == [200, 200, 429]
    assert spoken(limited, a_key("key-2"), 1_000) == [200], "keys do not share"


def test_what_is_refused_costs_nothing_and_the_wait_is_that_of_its_length() -> None:
    limited, key = limits(), a_key(characters_per_minute=6_000)

    async def wait_of(length: int) -> Problem:
        with pytest.raises(Problem) as refused:
            await limited.speak(key, length)
        return refused.value

    assert spoken(limited, key, 5_900) == [200]
    problems = [asyncio.run(wait_of(length)) for length in (500, 1_100)]
    assert [problem.headers["retry-after"] for problem in problems] == ["4", "10"]
    assert spoken(limited, key, 90) == [200]


def test_a_text_that_no_wait_lets_through_is_refused_for_good() -> None:
    limited, key = limits(), a_key(characters_per_minute=100)
    with pytest.raises(Problem) as refused:
        asyncio.run(limited.speak(key, 101))
    problem = refused.value
    assert (problem.status, problem.code, problem.param) == (400, "text_too_long", "input")
    assert "retry-after" not in problem.headers
    assert spoken(limited, key, 100) == [200]


def test_each_replica_takes_the_longest_text_that_a_key_may_send() -> None:
    limited = limits(characters_per_minute=6_000, replicas=3)
    assert spoken(limited, a_key(), 6_000, 1) == [200, 429]
    headers = asyncio.run(limited.speak(a_key("key-2"), 6_000))
    assert headers["x-ratelimit-remaining-characters"] == "0"
    assert headers["x-ratelimit-reset-characters"] == "180.000s", "a third of the rate"
    assert spoken(limits(characters_per_minute=60_000, replicas=3), a_key(), 9_999, 9_999, 9) == [
        200,
        200,
        429,
    ]

"""Only a key that is valid, and has the scope, gets in; it is looked up once a minute."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from starlette.requests import Request

from seedcast.errors import AccountsUnavailable
from seedcast.producers.gateway import believed
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.believed import BELIEVED
from seedcast.producers.gateway.problems import Problem
from seedcast.storage.accounts.keys import ApiKey
from tests.unit.producers.gateway.test_limits import a_key

LONG_AGO = datetime(2026, 1, 2, tzinfo=UTC)


class Store:
    def __init__(self, *keys: tuple[str, ApiKey]) -> None:
        self.keys, self.asked, self.away = dict(keys), list[str](), False

    async def __call__(self, secret: str) -> ApiKey | None:
        self.asked.append(secret)
        if self.away:
            raise AccountsUnavailable("the database is away")
        return self.keys.get(secret)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(header: str) -> Request:
    headers = [(b"authorization", header.encode("latin-1"))] if header else []
    return Request({"type": "http", "headers": headers})


def admitted(access: Access, header: str, scope: str | None = "speak") -> ApiKey | Problem:
    try:
        return asyncio.run(access.require(shown(header), scope))  # type: ignore[arg-type]
    except Problem as problem:
        return problem


def refusal(access: Access, header: str, scope: str | None = "speak") -> tuple[int, str]:
    problem = admitted(access, header, scope)
    assert isinstance(problem, Problem)
    return problem.status, problem.code


def test_a_key_with_the_scope_gets_in() -> None:
    access = Access(Store(("good", a_key())))
    assert admitted(access, "Bearer good") == a_key()
    assert admitted(access, "bearer  good ", None) == a_key()


@pytest.mark.parametrize("header", ["", "good", "Basic good", "Bearer", "Bearer ", "Bearer bad"])
def test_what_is_no_key_is_refused(header: str) -> None:
    assert refusal(Access(Store(("good", a_key()))), header) == (401, "invalid_api_key")


def test_revoked_and_expired_keys_are_refused() -> None:
    revoked = replace(a_key(), revoked_at=LONG_AGO)
    expired = replace(a_key(), expires_at=LONG_AGO)
    access = Access(Store(("revoked", revoked), ("expired", expired)))
    assert refusal(access, "Bearer revoked") == (401, "invalid_api_key")
    assert refusal(access, "Bearer expired") == (401, "invalid_api_key")


def test_a_key_without_the_scope_is_told_so() -> None:
    assert refusal(Access(Store(("good", a_key()))), "Bearer good", "read") == (
        403,
        "missing_scope",
    )


def test_a_key_that_expires_while_it_is_believed_is_refused() -> None:
    soon = replace(a_key(), expires_at=datetime.now(UTC) + timedelta(milliseconds=1))
    access = Access(Store(("good", soon)))
    admitted(access, "Bearer good")
    while datetime.now(UTC) <= soon.expires_at:  # type: ignore[operator]
        pass
    assert refusal(access, "Bearer good") == (401, "invalid_api_key")


def test_a_revocation_is_seen_within_a_minute() -> None:
    store, clock = Store(("good", a_key())), Clock()
    access = Access(store, clock)
    admitted(access, "Bearer good")
    store.keys["good"] = replace(a_key(), revoked_at=LONG_AGO)
    clock.now = BELIEVED - 1
    assert admitted(access, "Bearer good") == a_key()
    clock.now = BELIEVED
    assert refusal(access, "Bearer good") == (401, "invalid_api_key")
    assert store.asked == ["good", "good"]


def test_a_key_that_is_believed_works_while_the_store_is_away() -> None:
    store = Store(("good", a_key()))
    access = Access(store)
    admitted(access, "Bearer good")
    store.away = True
    assert admitted(access, "Bearer good") == a_key()
    with pytest.raises(AccountsUnavailable):
        asyncio.run(access.require(shown("Bearer other"), "speak"))


def test_guessing_fills_no_memory_and_no_right_key_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(believed, "REMEMBERED", 20)
    store = Store(("good", a_key()))
    access = Access(store)
    admitted(access, "Bearer good")
    for number in range(50):
        assert refusal(access, f"Bearer {number}") == (401, "invalid_api_key")
    assert len(access._wrong._found) == 20
    store.away = True
    assert admitted(access, "Bearer good") == a_key()


def test_a_wrong_key_is_looked_up_once_a_minute() -> None:
    store, clock = Store(), Clock()
    access = Access(store, clock)
    for clock.now in (0.0, BELIEVED - 1, BELIEVED):
        assert refusal(access, "Bearer bad") == (401, "invalid_api_key")
    assert store.asked == ["bad", "bad"]

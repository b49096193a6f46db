"""However many keys are tried, the database is asked little, and a right key gets in."""

import asyncio
from collections.abc import Collection, Coroutine
from threading import Event
from typing import Any

import pytest

from seedcast.errors import AccountsUnavailable
from seedcast.producers.gateway.key_lookups import AT_ONCE, INTERVAL, KeyLookups
from seedcast.storage.accounts.keys import ApiKey, hash_of, new_secret
from tests.unit.producers.gateway.test_limits import a_key

RIGHT = new_secret()


class Database:
    """It answers once `lets_go`."""

    def __init__(self) -> None:
        self.queries = list[list[bytes]]()
        self.lets_go, self.is_away = Event(), False
        self.lets_go.set()

    def __call__(self, hashes: Collection[bytes]) -> dict[bytes, ApiKey]:
        self.queries.append(list(hashes))
        assert self.lets_go.wait(30)
        if self.is_away:
            raise AccountsUnavailable("the database is away")
        return {hash_of(RIGHT): a_key()} if hash_of(RIGHT) in hashes else {}


@pytest.fixture
def database() -> Database:
    return Database()


async def no_pause(_: float) -> None:
    pass


async def together(*each: Coroutine[Any, Any, ApiKey | None]) -> list[Any]:
    return await asyncio.gather(*each, return_exceptions=True)


def test_what_has_not_the_form_of_a_key_is_not_looked_up(database: Database) -> None:
    find = KeyLookups(database)
    for wrong in ("", "good", RIGHT[:-1], RIGHT + "x", RIGHT[:-1] + "é", RIGHT + "\n"):
        assert asyncio.run(find(wrong)) is None
    assert database.queries == []


def test_keys_that_come_together_are_looked_up_together(database: Database) -> None:
    find, wrong = KeyLookups(database, no_pause), [new_secret() for _ in range(20)]
    database.lets_go.clear()

    async def ask() -> list[Any]:
        first = asyncio.create_task(find(wrong[0]))
        while not database.queries:
            await asyncio.sleep(0)
        others = [asyncio.create_task(find(each)) for each in (*wrong, RIGHT, RIGHT)]
        await asyncio.sleep(0)
        database.lets_go.set()
        return await asyncio.gather(first, *others)

    found = asyncio.run(ask())
    assert found == [None] * 21 + [a_key()] * 2
    assert [len(query) for query in database.queries] == [1, 20]


def test_a_flood_of_wrong_keys_shuts_no_right_one_out(database: Database) -> None:
    find, wrong = KeyLookups(database, no_pause), [new_secret() for _ in range(AT_ONCE + 1)]
    found = asyncio.run(together(*(find(each) for each in (*wrong, RIGHT))))
    assert found[-1] == a_key()
    assert [len(query) for query in database.queries] == [AT_ONCE, 2]


def test_a_pause_follows_each_query(database: Database) -> None:
    pauses = list[tuple[float, int]]()

    async def pause(seconds: float) -> None:
        pauses.append((seconds, len(database.queries)))

    find, wrong = KeyLookups(database, pause), [new_secret() for _ in range(AT_ONCE + 1)]
    asyncio.run(together(*(find(each) for each in wrong)))
    assert pauses == [(INTERVAL, 1), (INTERVAL, 2)]


def test_while_the_database_is_away_all_are_told_and_it_is_asked_again(database: Database) -> None:
    find, database.is_away = KeyLookups(database, no_pause), True

    async def ask() -> list[Any]:
        told = await together(*(find(new_secret()) for _ in range(AT_ONCE + 1)))
        database.is_away = False
        return [*told, await find(RIGHT)]

    *told, key = asyncio.run(ask())
    assert {type(each) for each in told} == {AccountsUnavailable}
    assert len(told) == AT_ONCE + 1
    assert key == a_key()
    assert len(database.queries) == 2

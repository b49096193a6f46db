"""Replicas that share Redis count together; without it each allows its part, and says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from seedcast.producers.gateway import shared_rates
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.rates import Rates
from seedcast.producers.gateway.shared_rates import PAUSE, SharedRates
from seedcast.settings import GatewaySettings
from tests.builders.redis_server import RedisServer, redis_server
from tests.unit.producers.gateway.test_limits import a_key

pytestmark = pytest.mark.integration

REPLICAS = 3


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


def replicas(url: str, clock: Clock, **changes: object) -> list[Limits]:
    """Return the limits of each replica, which tell the time by that clock while Redis is away."""
    given = {"limits_url": url, "replicas": REPLICAS, "rate": 0.1, **changes}
    settings = GatewaySettings.model_validate(given)
    made = [Limits(settings) for _ in range(REPLICAS)]
    for each in made:
        each._rates = SharedRates(settings, Rates(REPLICAS), clock)
    return made


async def taken(limits: Limits, key_id: str) -> int:
    try:
        return 200 if await limits.take(a_key(key_id)) else 0
    except Problem as problem:
        return problem.status


async def spoken(limits: Limits, key_id: str, characters: int) -> int:
    try:
        return 200 if await limits.speak(a_key(key_id), characters) else 0
    except Problem as problem:
        return problem.status


async def each_once(made: list[Limits], key_id: str) -> list[int]:
    return [await taken(limits, key_id) for limits in made]


def unshared() -> float | None:
    return REGISTRY.get_sample_value("seedcast_gateway_limits_unshared")


def test_replicas_allow_together_what_one_key_may(
    server: RedisServer, clock: Clock, loop: asyncio.Runner
) -> None:
    made = replicas(server.url, clock, characters_per_minute=30_000)

    async def speeches() -> list[int]:
        return [await spoken(limits, "key", 10_000) for limits in made]

    assert loop.run(each_once(made, "key")) == [200, 429, 429]
    assert loop.run(each_once(made, "other")) == [200, 429, 429]
    assert loop.run(speeches()) == [200] * REPLICAS, "more than a replica's part of a minute"
    assert loop.run(speeches()) == [429] * REPLICAS
    assert unshared() == 0


@pytest.mark.parametrize("fault", ["stopped", "frozen"])
def test_while_redis_is_away_each_replica_allows_its_part(
    server: RedisServer, clock: Clock, loop: asyncio.Runner, fault: str
) -> None:
    made = replicas(server.url, clock)
    assert loop.run(each_once(made, "key")) == [200, 429, 429]
    with capture_logs() as logs:
        if fault == "frozen":
            with server.frozen():
                assert loop.run(each_once(made, "key")) == [200] * REPLICAS
        else:
            server.stop()
            assert loop.run(each_once(made, "key")) == [200] * REPLICAS
            server.start()
        assert unshared() == 1
        assert loop.run(each_once(made, "key")) == [429] * REPLICAS, "nobody asks Redis yet"
        clock.now += PAUSE
        assert loop.run(each_once(made, "again")) == [200, 429, 429]
    assert unshared() == 0
    events = [entry["event"] for entry in logs]
    assert sorted(events) == ["limits_shared"] * REPLICAS + ["limits_unshared"] * REPLICAS


def test_the_password_is_read_at_each_connection(
    tmp_path: Path, clock: Clock, loop: asyncio.Runner
) -> None:
    secret = tmp_path / "password"
    secret.write_text("old\n")
    with redis_server(tmp_path, "new") as server:
        made = replicas(server.url, clock, limits_password_file=str(secret))
        with capture_logs() as logs:
            assert loop.run(each_once(made, "key")) == [200] * REPLICAS
        assert {entry["event"] for entry in logs} == {"limits_unshared"}
        assert "old" not in str(logs)
        secret.write_text("new\n")
        clock.now += PAUSE
        assert loop.run(each_once(made, "again")) == [200, 429, 429]


def test_only_one_request_waits_for_a_redis_that_is_away(
    server: RedisServer, clock: Clock, loop: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_rates, "SECONDS", 30.0)
    [first, *_] = replicas(server.url, clock)
    server.stop()
    assert loop.run(taken(first, "key")) == 200
    clock.now += PAUSE
    server.start()

    async def others_go_on() -> list[int]:
        with server.frozen():
            trying = asyncio.create_task(taken(first, "trying"))
            await asyncio.sleep(0)
            others = [await taken(first, f"key {number}") for number in range(5)]
        return [*others, await trying]

    assert loop.run(others_go_on()) == [200] * 6
    assert unshared() == 0

"""A worker without records reports an outage of the brokers and is not ready meanwhile."""

import asyncio
from collections.abc import Callable
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from seedcast.health import Readiness
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.stream_apps.postprocess import broker_health

SETTINGS = Settings()
ATTEMPTS, REFUSED = broker_health.ATTEMPTS, "refused"


class Client:
    """A double of aiokafka's client that gives the answers of a test.

    None: no answer at all. REFUSED: as often as one look asks.
    """

    def __init__(self, *answers: bool | str | None) -> None:
        repeated = ([False] * ATTEMPTS if answer == REFUSED else [answer] for answer in answers)
        self._answers = list(chain.from_iterable(repeated))
        self.asked, self.topics = 0, set[str]()
        self.exhausted = asyncio.Event()
        self.on_asked: Callable[[], object] = lambda: None

    def add_topic(self, topic: str) -> None:
        self.topics.add(topic)

    def force_metadata_update(self) -> "asyncio.Future[bool]":
        self.asked += 1
        self.on_asked()
        answer = asyncio.get_running_loop().create_future()
        if not self._answers:
            self.exhausted.set()
        elif (next_answer := self._answers.pop(0)) is not None:
            answer.set_result(next_answer)
        return answer


@pytest.fixture(autouse=True)
def _short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_health, "INTERVAL", 0.01)
    monkeypatch.setattr(broker_health, "TIMEOUT", 0.05)
    monkeypatch.setattr(broker_health, "PAUSE", 0.001)


async def watch_until_exhausted(client: Client, readiness: Readiness) -> None:
    """Watch until the client has given all of its answers."""
    watching = asyncio.create_task(broker_health.watch_broker(app_of(client), SETTINGS, readiness))
    await asyncio.wait_for(client.exhausted.wait(), 10)
    watching.cancel()


def app_of(client: Client | None) -> Any:
    return SimpleNamespace(
        producer=SimpleNamespace(_producer=client and SimpleNamespace(client=client))
    )


def run(client: Client, readiness: Readiness) -> list[tuple[str, object]]:
    """Return the logged events and their boundaries."""
    readiness.meet(broker_health.BROKER)
    with capture_logs() as entries:
        asyncio.run(watch_until_exhausted(client, readiness))
    return [(entry["event"], entry.get("boundary")) for entry in entries]


@pytest.mark.parametrize("answer", [REFUSED, None], ids=["refused", "silent"])
def test_an_outage_is_logged_once_and_the_worker_is_not_ready(answer: str | None) -> None:
    readiness = Readiness("broker", "store")
    readiness.meet("store")
    assert run(Client(True, answer, answer), readiness) == [("unavailable", "broker")]
    assert readiness.missing == ("broker",)


def test_the_end_of_an_outage_is_logged_once_and_the_worker_is_ready() -> None:
    readiness = Readiness("broker")
    events = run(Client(REFUSED, None, True, True, REFUSED, True), readiness)
    assert events == [("unavailable", "broker"), ("available", "broker")] * 2
    assert readiness.missing == ()


def test_a_connection_that_is_closed_once_is_no_outage() -> None:
    """Brokers do so when a session is over and the client has not shown its password again."""
    readiness = Readiness("broker")
    assert run(Client(True, False, True, False, False, True), readiness) == []
    assert readiness.missing == ()


def test_an_answer_does_not_restore_the_readiness_that_a_failing_send_lost() -> None:
    readiness = Readiness("broker")
    client = Client(True, True)
    client.on_asked = lambda: readiness.lose("broker") if client.asked == 1 else None
    assert run(client, readiness) == []
    assert readiness.missing == ("broker",)


def test_available_brokers_are_not_logged_and_asked_for_one_topic() -> None:
    client = Client(True, True, True)
    assert run(client, Readiness("broker")) == []
    assert (client.asked, client.topics) == (4, {SETTINGS.topic(RESULTS)})


def test_a_producer_that_has_not_started_is_not_asked() -> None:
    readiness = Readiness("broker")
    before, watching = (
        readiness.missing,
        broker_health.watch_broker(app_of(None), SETTINGS, readiness),
    )
    with capture_logs() as logs, pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(watching, 5 * broker_health.INTERVAL))
    assert (logs, readiness.missing) == ([], before)

"""A worker without records says by itself that the brokers are away, is not ready meanwhile, and says when they are back."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.topics import RESULTS
from seedcast.health import Readiness
from seedcast.settings import Settings
from stream_apps.postprocess import broker_health

SETTINGS = Settings()


class Client:
    """Stands for aiokafka's: answers what the test says, None being no answer at all."""

    def __init__(self, *answers: bool | None) -> None:
        self._answers, self.asked, self.topics = list(answers), 0, set[str]()
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
        elif (said := self._answers.pop(0)) is not None:
            answer.set_result(said)
        return answer


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_health, "EVERY", 0.01)
    monkeypatch.setattr(broker_health, "ANSWER", 0.05)


async def watched(client: Client, readiness: Readiness) -> None:
    """Until the client's answers have been given."""
    watching = asyncio.create_task(broker_health.watch(app_of(client), SETTINGS, readiness))
    await asyncio.wait_for(client.exhausted.wait(), 10)
    watching.cancel()


def app_of(client: Client | None) -> Any:
    return SimpleNamespace(
        producer=SimpleNamespace(_producer=client and SimpleNamespace(client=client))
    )


def run(client: Client, readiness: Readiness) -> list[tuple[str, object]]:
    """What it says."""
    readiness.meet(broker_health.BOUNDARY)
    with capture_logs() as said:
        asyncio.run(watched(client, readiness))
    return [(entry["event"], entry.get("boundary")) for entry in said]


@pytest.mark.parametrize("answer", [False, None], ids=["refused", "silent"])
def test_brokers_that_are_away_are_named_and_the_worker_is_not_ready(answer: bool | None) -> None:
    readiness = Readiness("broker", "store")
    readiness.meet("store")
    assert run(Client(True, answer, answer), readiness) == [("unavailable", "broker")]
    assert readiness.missing == ("broker",)


def test_brokers_that_are_back_are_named_once_and_the_worker_is_ready() -> None:
    readiness = Readiness("broker")
    said = run(Client(False, None, True, True, False, True), readiness)
    assert said == [("unavailable", "broker"), ("available", "broker")] * 2
    assert readiness.missing == ()


def test_what_a_failing_send_has_lost_is_not_met_by_an_answer() -> None:
    readiness = Readiness("broker")
    client = Client(True, True)
    client.on_asked = lambda: readiness.lose("broker") if client.asked == 1 else None
    assert run(client, readiness) == []
    assert readiness.missing == ("broker",)


def test_brokers_that_answer_are_not_spoken_of_and_asked_for_one_topic() -> None:
    client = Client(True, True, True)
    assert run(client, Readiness("broker")) == []
    assert (client.asked, client.topics) == (4, {SETTINGS.topic(RESULTS)})


def test_a_producer_that_has_not_started_is_not_asked() -> None:
    asyncio.run(broker_health._ask(app_of(None), "results"))

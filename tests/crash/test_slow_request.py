"""One request that takes for ever: the others go on, and its partition runs ahead of it no further than its window."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpu_consumers.engines import Utterance
from gpu_consumers.worker import Worker
from schemas.messages import SpeechRequest
from schemas.topics import AUDIO, REQUESTS
from seedcast.catalog import profiles
from seedcast.codec import encode_json
from seedcast.kafka import Admin, Producer
from seedcast.settings import Settings
from seedcast.watchdog import Watchdog
from storage.s3 import S3Store
from tests.conftest import eventually
from tests.crash.night import Night
from tests.unit.gpu_consumers.requests import a_request
from tests.unit.gpu_consumers.toy import ToyEngine

pytestmark = pytest.mark.integration

WINDOW = 16  # offsets
EACH = 3 * WINDOW  # requests of a partition
SLOW = "request-0-00000"


class Patient(ToyEngine):
    """Keeps one request in its slot until it is told to finish."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self._slow: int | None = None  # ticket
        self._held: list[Utterance] = []

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        if request.request_id == SLOW:
            self._slow = ticket
        super().admit(ticket, request)

    def step(self) -> list[Utterance]:
        finished = [*self._held, *super().step()]
        self._held = (
            []
            if self.release.is_set()
            else [utterance for utterance in finished if utterance.ticket == self._slow]
        )
        return [
            utterance
            for utterance in finished
            if self.release.is_set() or utterance.ticket != self._slow
        ]


@contextmanager
def at_work(settings: Settings, engine: Patient) -> Iterator[None]:
    stop = threading.Event()
    worker = Worker(
        settings,
        engine,
        profiles.load(settings.postprocess),
        S3Store(settings.s3),
        Admin(settings).existing(),
    )
    watchdog = Watchdog(600)
    thread = threading.Thread(target=worker.run, args=(stop, watchdog))
    thread.start()
    try:
        yield
    finally:
        engine.release.set()
        stop.set()
        thread.join(300)
        watchdog.stop()


def test_one_request_that_takes_for_ever_holds_back_no_more_than_its_window(night: Night) -> None:
    settings = night.settings.model_copy(
        update={
            "kafka": night.seen.kafka,
            "gpu": night.settings.gpu.model_copy(update={"window": WINDOW}),
        }
    )
    producer = Producer(settings)
    for partition in range(2):
        for number in range(EACH):
            value = encode_json(
                a_request(
                    request_id=f"request-{partition}-{number:05d}", text=f"Message number {number}."
                )
            )
            producer.send(
                settings.topic(REQUESTS),
                key=b"7",
                value=value,
                partition=partition,
                on_delivery=lambda _: None,
            )
    assert producer.flush(120) == 0

    def spoken() -> list[bytes]:
        return [record.key or b"" for record in night.topic(AUDIO)]

    engine = Patient()
    with at_work(settings, engine):
        eventually(
            lambda: sum(key.startswith(b"request-1") for key in spoken()) == EACH,
            what="the other partition",
        )
        eventually(
            lambda: sum(key.startswith(b"request-0") for key in spoken()) == WINDOW - 1,
            what="all of the window but the slow one",
        )
        assert SLOW.encode() not in spoken()
        eventually(
            lambda: night.done("gpu-consumer") == EACH + WINDOW - 1,
            what="commits of all but the slow one",
        )
        engine.release.set()
        eventually(lambda: len(spoken()) == 2 * EACH, what="all of them, each once")
    assert night.done("gpu-consumer") == 2 * EACH

"""One request that takes for ever: the others are done, up to a window ahead of it.

Only its own partition stops there.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from seedcast.catalog import profiles
from seedcast.codec import encode_json
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.worker import Worker
from seedcast.kafka import Producer, TopicReader
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import AUDIO, REQUESTS
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog
from tests.builders.requests import a_request
from tests.builders.toy import ToyEngine
from tests.builders.waiting import eventually
from tests.crash.deployment import Deployment

pytestmark = pytest.mark.integration

WINDOW = 16  # offsets
EACH = 3 * WINDOW  # requests per partition
SLOW = "request-0-00000"


class HoldingEngine(ToyEngine):
    """Keeps one request in its slot until `release` is set."""

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
        if self.release.is_set():
            self._held = []
            return finished
        self._held = [utterance for utterance in finished if utterance.ticket == self._slow]
        return [utterance for utterance in finished if utterance.ticket != self._slow]


@contextmanager
def running_worker(settings: Settings, engine: HoldingEngine) -> Iterator[None]:
    stop = threading.Event()
    worker = Worker(
        settings,
        engine,
        profiles.load(settings.postprocess),
        S3Store(settings.s3),
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


def fill_two_partitions(settings: Settings) -> None:
    producer = Producer(settings)
    for partition, number in product(range(2), range(EACH)):
        request_id = f"request-{partition}-{number:05d}"
        request = a_request(request_id=request_id, text=f"Message number {number}.")
        producer.send(
            settings.topic(REQUESTS),
            key=b"7",
            value=encode_json(request),
            partition=partition,
            on_delivery=lambda _: None,
        )
    assert producer.flush(120) == 0


@pytest.mark.slow
def test_a_request_that_takes_for_ever_holds_back_only_what_is_beyond_its_window(
    deployment: Deployment,
) -> None:
    gpu = deployment.settings.gpu.model_copy(update={"window": WINDOW})
    settings = deployment.settings.model_copy(
        update={"kafka": deployment.test_settings.kafka, "gpu": gpu}
    )
    fill_two_partitions(settings)

    keys = list[bytes]()

    def spoken() -> list[bytes]:
        while records := audio.poll(0.05):
            keys.extend(record.key or b"" for record in records)
        return keys

    def spoken_of(partition: int) -> int:
        return sum(key.startswith(f"request-{partition}".encode()) for key in spoken())

    engine = HoldingEngine()
    with (
        TopicReader(settings, settings.topic(AUDIO)) as audio,
        running_worker(settings, engine),
    ):
        eventually(lambda: spoken_of(1) == EACH, what="all of the other partition")
        eventually(
            lambda: spoken_of(0) == WINDOW - 1, what="all of the window except the slow request"
        )
        assert SLOW.encode() not in spoken()
        eventually(
            lambda: deployment.offsets_done("gpu-consumer") == EACH + WINDOW - 1,
            what="commits of all except the slow one",
        )
        engine.release.set()
        eventually(lambda: len(spoken()) == 2 * EACH, what="all of them, each once")
    assert deployment.offsets_done("gpu-consumer") == 2 * EACH

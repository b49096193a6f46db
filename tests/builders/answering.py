"""A fleet that answers each request at once, without speaking it: all that a feeder sees of one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from seedcast.codec import decode_request, encode_json
from seedcast.errors import SeedcastError
from seedcast.kafka import Producer, Record, TopicReader
from seedcast.schemas.messages import RequestError, SpeechResult
from seedcast.schemas.topics import LANES, RESULTS
from seedcast.settings import Settings

POLL = 0.02  # seconds


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Write a result for each record of the requests topics, from their beginning."""
    stop = threading.Event()
    thread = threading.Thread(target=_answer, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def answer(settings: Settings, producer: Producer, record: Record) -> None:
    request = decode_request(record.value)
    result = SpeechResult(
        request_id=request.request_id,
        campaign_id=request.campaign_id,
        status="cancelled",
        error=RequestError(code="cancelled", message="nobody speaks it"),
    )
    producer.send(
        settings.topic(RESULTS),
        key=request.request_id.encode(),
        value=encode_json(result),
        on_delivery=_expect_none,
    )


def _answer(settings: Settings, stop: threading.Event) -> None:
    producer = Producer(settings, {"linger.ms": 1})
    readers = [TopicReader(settings, settings.topic(lane.requests)) for lane in LANES.values()]
    while not stop.is_set():
        for reader in readers:
            for record in reader.poll(POLL):
                answer(settings, producer, record)
        producer.poll()
    for reader in readers:
        reader.close()
    producer.flush(30)


def _expect_none(error: SeedcastError | None) -> None:
    assert error is None, error

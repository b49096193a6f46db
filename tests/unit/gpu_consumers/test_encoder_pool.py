"""The encoder pool encodes beside the engine: the same bytes, bounded memory, and nothing lost."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest

from seedcast.gpu_consumers import encoder_pool, triage
from seedcast.gpu_consumers.admission import InFlight
from seedcast.gpu_consumers.encoder_pool import QUEUE, EncoderPool
from seedcast.gpu_consumers.engines import Utterance
from seedcast.schemas.messages import RequestError, Synthesis
from seedcast.schemas.topics import AUDIO_BYTES
from tests.builders.requests import a_request
from tests.builders.toy import ToyEngine

TIMEOUT = 30.0  # seconds


def in_flight(n: int) -> InFlight:
    request = a_request(request_id=f"r-{n}")
    return InFlight(assignment=None, offset=n, request=request)  # type: ignore[arg-type]


def utterance(n: int) -> Utterance:
    if n % 5 == 4:
        return Utterance(n, None, RequestError(code="unstable", message="no"))
    waveform = (np.sin(np.arange(2_000 * (n + 1)) / 9) * 9_000).astype("<i2")
    return Utterance(n, waveform, draw=n % 3)


def drain(pool: EncoderPool) -> Iterator[tuple[InFlight, Synthesis]]:
    while len(pool):
        yield from pool.completed()


def unfinished(pool: EncoderPool) -> int:
    return sum(not future.done() for future in pool._encoding)


@pytest.fixture
def may_encode(monkeypatch: pytest.MonkeyPatch) -> Event:
    """No encoding finishes before this event is set."""
    event, encode = Event(), triage.of_utterance

    def encode_late(*arguments: Any) -> Synthesis:
        assert event.wait(TIMEOUT), "the event was never set"
        return encode(*arguments)

    monkeypatch.setattr(encoder_pool.triage, "of_utterance", encode_late)
    return event


def test_each_request_comes_out_with_the_bytes_of_encoding_in_turn() -> None:
    engine, pool = ToyEngine(), EncoderPool(ToyEngine(), AUDIO_BYTES, threads=3)
    requests = [in_flight(n) for n in range(12)]
    results = dict[str, Synthesis]()
    for n, request in enumerate(requests):
        pool.submit(request, utterance(n))
        results |= {done.request.request_id: result for done, result in pool.completed()}
    results |= {done.request.request_id: result for done, result in drain(pool)}
    assert len(pool) == 0
    assert results == {
        one.request.request_id: triage.of_utterance(one.request, utterance(n), engine, AUDIO_BYTES)
        for n, one in enumerate(requests)
    }


def test_the_engine_goes_on_while_an_utterance_is_encoded(may_encode: Event) -> None:
    pool = EncoderPool(ToyEngine(), AUDIO_BYTES, threads=1)
    pool.submit(in_flight(0), utterance(0))
    assert list(pool.completed()) == []
    assert len(pool) == 1
    may_encode.set()
    assert [done.request.request_id for done, _ in drain(pool)] == ["r-0"]


def test_memory_is_bounded_because_submit_blocks(may_encode: Event) -> None:
    """Beyond the bound, `submit` waits until one is encoded, and so does the engine."""
    pool = EncoderPool(ToyEngine(), AUDIO_BYTES, threads=2)
    for n in range(2 * QUEUE):
        pool.submit(in_flight(n), utterance(n))
    assert unfinished(pool) == len(pool)
    may_encode.set()
    pool.submit(in_flight(99), utterance(0))
    assert unfinished(pool) < len(pool)
    assert len(list(drain(pool))) == 2 * QUEUE + 1


def test_encoded_utterances_that_are_not_taken_yet_do_not_block() -> None:
    pool = EncoderPool(ToyEngine(), AUDIO_BYTES, threads=1)
    for n in range(40):
        pool.submit(in_flight(n), utterance(60 + n % 4))
        assert unfinished(pool) <= QUEUE
    assert len(list(drain(pool))) == 40


def test_an_error_of_encoding_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Synthesis:
        raise MemoryError("no room")

    monkeypatch.setattr(encoder_pool.triage, "of_utterance", broken)
    pool = EncoderPool(ToyEngine(), AUDIO_BYTES, threads=1)
    pool.submit(in_flight(0), utterance(0))
    with pytest.raises(MemoryError, match="no room"):
        list(drain(pool))

"""Packing beside the engine: the same bytes as in turn, as many at once as memory is meant for, and nothing lost."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest

from gpu_consumers import encoder_pool, triage
from gpu_consumers.admission import InFlight
from gpu_consumers.encoder_pool import QUEUE, EncoderPool
from gpu_consumers.engines import Utterance
from schemas.messages import RequestError, Synthesis
from tests.unit.gpu_consumers.requests import a_request
from tests.unit.gpu_consumers.toy import ToyEngine

PATIENCE = 30.0  # seconds


def flight(n: int) -> InFlight:
    return InFlight(assignment=None, record=None, request=a_request(request_id=f"r-{n}"))  # type: ignore[arg-type]


def utterance(n: int) -> Utterance:
    if n % 5 == 4:
        return Utterance(n, None, RequestError(code="unstable", message="no"))
    return Utterance(n, (np.sin(np.arange(2_000 * (n + 1)) / 9) * 9_000).astype("<i2"), draw=n % 3)


def every(hand: EncoderPool) -> Iterator[tuple[InFlight, Synthesis]]:
    while len(hand):
        yield from hand.ready()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Packing waits for it."""
    go, honest = Event(), triage.of_utterance

    def slow(*given: Any) -> Synthesis:
        assert go.wait(PATIENCE), "nobody let it go"
        return honest(*given)

    monkeypatch.setattr(encoder_pool.triage, "of_utterance", slow)
    return go


def test_all_come_out_each_with_its_own_flight_and_the_bytes_of_packing_in_turn() -> None:
    engine, hand = ToyEngine(), EncoderPool(ToyEngine(), threads=3)
    flights = [flight(n) for n in range(12)]
    found = dict[str, Synthesis]()
    for n, one in enumerate(flights):
        hand.give(one, utterance(n))
        found |= {one.request.request_id: synthesis for one, synthesis in hand.ready()}
    found |= {one.request.request_id: synthesis for one, synthesis in every(hand)}
    assert len(hand) == 0
    assert found == {
        one.request.request_id: triage.of_utterance(one.request, utterance(n), engine)
        for n, one in enumerate(flights)
    }


def test_the_engine_goes_on_while_one_is_packed(held: Event) -> None:
    hand = EncoderPool(ToyEngine(), threads=1)
    hand.give(flight(0), utterance(0))
    assert list(hand.ready()) == []
    assert len(hand) == 1
    held.set()
    assert [one.request.request_id for one, _ in every(hand)] == ["r-0"]


def test_no_more_are_kept_than_memory_is_meant_for(held: Event) -> None:
    """What comes beyond that waits until one is packed, and so does the engine."""
    hand = EncoderPool(ToyEngine(), threads=2)
    for n in range(2 * QUEUE):
        hand.give(flight(n), utterance(n))
    assert not any(future.done() for future in hand._packing)
    held.set()
    hand.give(flight(99), utterance(0))
    assert sum(future.done() for future in hand._packing) >= 1
    assert len(list(every(hand))) == 2 * QUEUE + 1


def test_what_is_packed_and_not_yet_taken_makes_no_room_for_more() -> None:
    hand = EncoderPool(ToyEngine(), threads=1)
    for n in range(40):
        hand.give(flight(n), utterance(60 + n % 4))
        assert sum(not future.done() for future in hand._packing) <= QUEUE
    assert len(list(every(hand))) == 40


def test_an_error_of_packing_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Synthesis:
        raise MemoryError("no room")

    monkeypatch.setattr(encoder_pool.triage, "of_utterance", broken)
    hand = EncoderPool(ToyEngine(), threads=1)
    hand.give(flight(0), utterance(0))
    with pytest.raises(MemoryError, match="no room"):
        list(every(hand))

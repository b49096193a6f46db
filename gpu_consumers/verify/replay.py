"""The replay audit: requests synthesised again, in another order and other company, and compared with their receipts.

What it takes is streamed: held are the receipts of the sample, and of their requests those that wait to be mixed.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import islice
from typing import Literal

from gpu_consumers.engines import Engine, Utterance
from schemas.messages import Receipt, SpeechRequest, SpeechResult
from schemas.topics import REQUESTS, REQUESTS_URGENT, RESULTS
from seedcast.campaigns.requests import read_requests
from seedcast.codec import decode_result, text_digest, waveform_sha256
from seedcast.errors import Undecodable
from seedcast.kafka import TopicReader
from seedcast.settings import Settings

SEED = 1  # of the other order
WINDOW = 4096  # requests that are mixed with each other

ReplayOutcome = Literal["match", "mismatch", "missing", "other_fingerprint"]


@dataclass(frozen=True)
class Spoken:
    """What a receipt says of an utterance, and what synthesising it again says."""

    waveform_sha256: str | None  # None where there is no waveform
    draw: int | None
    text_digest: str | None
    voice_seed: int | None
    engine_fingerprint: str
    error: str | None = None  # its code


@dataclass(frozen=True)
class Verdict:
    request_id: str
    outcome: ReplayOutcome
    expected: Spoken  # by the receipt
    got: Spoken | None  # None where nothing was synthesised

    @property
    def differs(self) -> tuple[str, ...]:
        return _differences(self.expected, self.got) if self.got else ()


def replay(
    engine: Engine,
    receipts: Mapping[str, Receipt],
    requests: Iterable[SpeechRequest],
    digest_key: bytes,
    *,
    any_fingerprint: bool = False,
) -> Iterator[Verdict]:
    """A verdict on every receipt. `requests` may hold others, and each request's first counts; it is read no further than needed."""
    wanted = {
        name: receipt
        for name, receipt in receipts.items()
        if any_fingerprint or receipt.engine_fingerprint == engine.fingerprint
    }
    for name, receipt in receipts.items():
        if name not in wanted:
            yield Verdict(name, "other_fingerprint", _of_receipt(receipt), None)
    for request, utterance in speak(engine, mixed(_take(wanted, requests))):
        expected, got = (
            _of_receipt(receipts[request.request_id]),
            _of_utterance(request, utterance, engine, digest_key),
        )
        yield Verdict(
            request.request_id,
            "mismatch" if _differences(expected, got) else "match",
            expected,
            got,
        )
    for name, receipt in wanted.items():
        yield Verdict(name, "missing", _of_receipt(receipt), None)


def speak(
    engine: Engine, requests: Iterable[SpeechRequest]
) -> Iterator[tuple[SpeechRequest, Utterance]]:
    """As they finish. Every slot is filled while there are requests."""
    waiting, flights = enumerate(requests), dict[int, SpeechRequest]()
    while True:
        for ticket, request in islice(waiting, engine.slots - len(flights)):
            engine.admit(ticket, request)
            flights[ticket] = request
        if not flights:
            return
        for utterance in engine.step():
            yield flights.pop(utterance.ticket), utterance


def mixed(requests: Iterable[SpeechRequest], window: int = WINDOW) -> Iterator[SpeechRequest]:
    """Shuffled, each among at least `window` others, or all; the same way each time."""
    chance, held = random.Random(SEED), list[SpeechRequest]()
    for request in requests:
        held.append(request)
        if len(held) > window:
            place = chance.randrange(len(held))
            held[place], held[-1] = held[-1], held[place]
            yield held.pop()
    chance.shuffle(held)
    yield from held


def results_of(settings: Settings, campaign: str) -> Iterator[SpeechResult]:
    """Every result that the results topic keeps, repeats included."""
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        for record in reader.to_end():
            with suppress(Undecodable):
                if (result := decode_result(record.value)).campaign_id == campaign:
                    yield result


def requests_of(settings: Settings, campaign: str) -> Iterator[SpeechRequest]:
    """Every request that the requests topics keep; a parked one has not been spoken, or comes there again."""
    return read_requests(settings, campaign, (REQUESTS, REQUESTS_URGENT))


def _take(wanted: dict[str, Receipt], requests: Iterable[SpeechRequest]) -> Iterator[SpeechRequest]:
    """Those that are wanted, and from then on no longer are."""
    unread = iter(requests)
    while wanted and (request := next(unread, None)):
        if wanted.pop(request.request_id, None):
            yield request


def _differences(expected: Spoken, got: Spoken) -> tuple[str, ...]:
    """The names of the fields that differ; the fingerprint explains a difference, and is none."""
    names = (field.name for field in fields(Spoken) if field.name != "engine_fingerprint")
    return tuple(name for name in names if getattr(expected, name) != getattr(got, name))


def _of_receipt(receipt: Receipt) -> Spoken:
    return Spoken(
        receipt.waveform_sha256,
        receipt.draw,
        receipt.text_digest,
        receipt.voice_seed,
        receipt.engine_fingerprint,
    )


def _of_utterance(
    request: SpeechRequest, utterance: Utterance, engine: Engine, digest_key: bytes
) -> Spoken:
    digest = text_digest(request.text, digest_key)
    if utterance.waveform is None:
        return Spoken(
            None,
            None,
            digest,
            request.voice_seed,
            engine.fingerprint,
            utterance.error.code if utterance.error else "engine_error",
        )
    return Spoken(
        waveform_sha256(utterance.waveform),
        utterance.draw,
        digest,
        request.voice_seed,
        engine.fingerprint,
    )

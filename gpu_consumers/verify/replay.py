"""The replay audit: synthesises requests again and compares the waveforms with the receipts.

The requests are synthesised in another order, and so in other batches. They are streamed: in memory
are the receipts of the sample, and at most WINDOW requests that wait to be shuffled.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import islice
from typing import Literal

from seedcast.codec import decode_result, text_digest
from seedcast.errors import Undecodable
from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.kafka import TopicReader
from seedcast.schemas.messages import Campaign, ErrorCode, Receipt, SpeechRequest, SpeechResult
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.waveforms import waveform_sha256

SEED = 1  # of the shuffle
WINDOW = 4096  # requests that are shuffled with each other

# missing: its request cannot be found; stray: its campaign's list does not have it.
ReplayOutcome = Literal["match", "mismatch", "missing", "stray", "other_fingerprint"]


@dataclass(frozen=True)
class UtteranceFacts:
    """The facts of an utterance that are compared: from its receipt, or from synthesising again."""

    waveform_sha256: str | None  # None if there is no waveform
    draw: int | None
    text_digest: str | None
    voice_seed: int | None
    engine_fingerprint: str
    error: str | None = None  # its error code


@dataclass(frozen=True)
class Verdict:
    """What the replay found out about one receipt."""

    request_id: str
    outcome: ReplayOutcome
    expected: UtteranceFacts  # from the receipt
    got: UtteranceFacts | None  # None if nothing was synthesised

    @property
    def differs(self) -> tuple[str, ...]:
        """The names of the facts that differ."""
        return _differences(self.expected, self.got) if self.got else ()


def replay(
    engine: Engine,
    receipts: Mapping[str, Receipt],
    requests: Iterable[SpeechRequest],
    digest_key: bytes,
    *,
    any_fingerprint: bool = False,
    whole: bool = False,
) -> Iterator[Verdict]:
    """Yields one verdict per receipt; `receipts` are by request id.

    `requests` may include others. Of several requests with one id the first counts. Reading ends
    when every receipt has its request. Receipts of another fingerprint than the engine's are
    synthesised only with `any_fingerprint`. `whole`: the requests are all that were accepted, so
    that a receipt without one is a stray's.
    """
    wanted = {
        name: receipt
        for name, receipt in receipts.items()
        if any_fingerprint or receipt.engine_fingerprint == engine.fingerprint
    }
    for name, receipt in receipts.items():
        if name not in wanted:
            yield Verdict(name, "other_fingerprint", _facts_of_receipt(receipt), None)
    for request, utterance in synthesise(engine, shuffle(_pop_wanted(wanted, requests))):
        expected = _facts_of_receipt(receipts[request.request_id])
        got = _facts_of_utterance(request, utterance, engine, digest_key)
        outcome: ReplayOutcome = "mismatch" if _differences(expected, got) else "match"
        yield Verdict(request.request_id, outcome, expected, got)
    for name, receipt in wanted.items():
        outcome = "stray" if whole else "missing"
        yield Verdict(name, outcome, _facts_of_receipt(receipt), None)


def synthesise(
    engine: Engine, requests: Iterable[SpeechRequest]
) -> Iterator[tuple[SpeechRequest, Utterance]]:
    """Yields each request with its utterance, as they finish.

    Every slot of the engine is busy while there are requests.
    """
    waiting, in_slots = enumerate(requests), dict[int, SpeechRequest]()
    while True:
        for ticket, request in islice(waiting, engine.capacity - len(in_slots)):
            engine.admit(ticket, request)
            in_slots[ticket] = request
        if not in_slots:
            return
        for utterance in engine.step():
            yield in_slots.pop(utterance.ticket), utterance


def shuffle(requests: Iterable[SpeechRequest], window: int = WINDOW) -> Iterator[SpeechRequest]:
    """Yields the requests in another order, the same one each time.

    Each is drawn from the `window` + 1 requests in memory, or from all if there are fewer.
    """
    generator, buffer = random.Random(SEED), list[SpeechRequest]()
    for request in requests:
        buffer.append(request)
        if len(buffer) > window:
            index = generator.randrange(len(buffer))
            buffer[index], buffer[-1] = buffer[-1], buffer[index]
            yield buffer.pop()
    generator.shuffle(buffer)
    yield from buffer


def error_code(utterance: Utterance) -> ErrorCode:
    """Returns the error code of an utterance without a waveform."""
    return utterance.error.code if utterance.error else "engine_error"


def results_of(settings: Settings, campaign: str) -> Iterator[SpeechResult]:
    """Yields every result of the campaign that the results topic still has, repeats included."""
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        for record in reader.to_end():
            with suppress(Undecodable):
                if (result := decode_result(record.value)).campaign_id == campaign:
                    yield result


def requests_of(settings: Settings, campaign: Campaign | str) -> Iterator[SpeechRequest]:
    """Yields the requests of a campaign's staged list, or those that the topics still have."""
    from seedcast.storage.campaign_rows import rows_of  # it loads pyarrow, which no worker needs

    return (row.request for row in rows_of(settings, campaign))


def _pop_wanted(
    wanted: dict[str, Receipt], requests: Iterable[SpeechRequest]
) -> Iterator[SpeechRequest]:
    """Yields the wanted requests and removes each from `wanted`; stops when none is left."""
    unread = iter(requests)
    while wanted and (request := next(unread, None)):
        if wanted.pop(request.request_id, None):
            yield request


def _differences(expected: UtteranceFacts, got: UtteranceFacts) -> tuple[str, ...]:
    """Returns the names of the facts that differ.

    The fingerprint is not among them: it explains a difference.
    """
    names = (field.name for field in fields(UtteranceFacts) if field.name != "engine_fingerprint")
    return tuple(name for name in names if getattr(expected, name) != getattr(got, name))


def _facts_of_receipt(receipt: Receipt) -> UtteranceFacts:
    return UtteranceFacts(
        waveform_sha256=receipt.waveform_sha256,
        draw=receipt.draw,
        text_digest=receipt.text_digest,
        voice_seed=receipt.voice_seed,
        engine_fingerprint=receipt.engine_fingerprint,
    )


def _facts_of_utterance(
    request: SpeechRequest, utterance: Utterance, engine: Engine, digest_key: bytes
) -> UtteranceFacts:
    digest = None if utterance.waveform is None else waveform_sha256(utterance.waveform)
    return UtteranceFacts(
        waveform_sha256=digest,
        draw=None if digest is None else utterance.draw,
        text_digest=text_digest(request, digest_key),
        voice_seed=request.voice_seed,
        engine_fingerprint=engine.fingerprint,
        error=error_code(utterance) if digest is None else None,
    )

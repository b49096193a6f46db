"""Requests to speak, and what came of each."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from seedcast.gpu_consumers.engines import Engine, Utterance
from seedcast.producers.rows.sample_list import rows
from seedcast.schemas.messages import SpeechRequest, Style
from seedcast.waveforms import waveform_sha256

Outcomes = dict[int, str]


def requests(count: int) -> list[SpeechRequest]:
    """Return requests in both languages, each in a voice of its own; one in forty is refined."""
    now = datetime.now(UTC)
    return [
        SpeechRequest(
            request_id=f"r-{number}",
            campaign_id="device",
            text=row["template"].format(**row),
            voice_seed=number,
            profiles=("telephony",),
            submitted_at=now,
            style=Style(refine=number % 40 == 4),
        )
        for number, row in enumerate(rows(count))
    ]


def outcome(utterance: Utterance) -> str:
    """Return what must not differ: hash and draw, or the code of an error."""
    if utterance.waveform is not None:
        return f"{waveform_sha256(utterance.waveform)} {utterance.draw}"
    return utterance.error.code if utterance.error else "nothing"


def speak(
    engine: Engine,
    requested: Sequence[SpeechRequest],
    order: Iterable[int] | None = None,
    at_once: int | None = None,
) -> Outcomes:
    """Return outcomes by index, of the requests in `order`, `at_once` in the engine at a time."""
    waiting = list(range(len(requested)) if order is None else order)[::-1]
    outcomes: Outcomes = {}
    busy = 0
    while waiting or busy:
        while waiting and busy < (at_once or engine.capacity):
            engine.admit(waiting[-1], requested[waiting.pop()])
            busy += 1
        for utterance in engine.step():
            busy -= 1
            outcomes[utterance.ticket] = outcome(utterance)
    return outcomes

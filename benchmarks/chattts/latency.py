"""The latency of an urgent request, `admit` to Utterance: all slots are busy, a queue waits."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle

import numpy as np

from benchmarks.chattts.parts import hardware
from benchmarks.chattts.workload import QUEUE, Plan, texts
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.load import LONGEST_SEGMENT
from seedcast.gpu_consumers.engines.chattts.load import build as build_engine
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.text import FrontEnd
from seedcast.schemas.messages import SpeechRequest

URGENT_TEXT = "The gate has changed."
INTERVAL = 8  # steps between two urgent requests
WARM_UP = 16  # steps before the first


@dataclass(frozen=True)
class Latency:
    slots: int
    requests: int
    steps_p50: float
    steps_p99: float
    seconds_p50: float
    seconds_p99: float
    audio_seconds_p50: float


def latency(plan: Plan, precision: str, slots: int) -> Latency:
    assets = Assets.open(plan.models)
    prompter = Prompter(assets.tokenizer)
    engine = build_engine(
        assets,
        hardware(plan, precision, slots),
        prompter,
        FrontEnd(prompter.knows, longest=LONGEST_SEGMENT),
        facts={"engine": "benchmark"},
        description="benchmark",
    )
    spans = list(_urgent(engine, plan.urgent))
    percentiles = np.percentile(np.array(spans), (50, 99), axis=0).round(2).tolist()
    (steps50, seconds50, audio50), (steps99, seconds99, _) = percentiles
    return Latency(slots, len(spans), steps50, steps99, seconds50, seconds99, audio50)


def _urgent(engine: ChatTTSEngine, wanted: int) -> Iterator[tuple[int, float, float]]:
    """Yield steps, seconds, and seconds of audio of each urgent request."""
    tickets, words, begun, ended = count(), cycle(texts(64)), dict[int, tuple[int, float]](), 0

    def admit_bulk() -> None:
        ticket = next(tickets)
        engine.admit(ticket, _request(ticket, next(words), urgent=False))

    for _ in range((1 + QUEUE) * engine.slots):
        admit_bulk()
    for step in count():
        if step >= WARM_UP and (step - WARM_UP) % INTERVAL == 0 and len(begun) + ended < wanted:
            ticket = next(tickets)
            begun[ticket] = step, time.perf_counter()
            engine.admit(ticket, _request(ticket, URGENT_TEXT, urgent=True))
        for utterance in engine.step():
            if utterance.ticket not in begun:
                admit_bulk()
                continue
            first, began = begun.pop(utterance.ticket)
            ended += 1
            samples = 0 if utterance.waveform is None else len(utterance.waveform)
            seconds = time.perf_counter() - began
            yield step + 1 - first, seconds, samples / engine.sample_rate
        if ended == wanted:
            return


def _request(ticket: int, text: str, urgent: bool) -> SpeechRequest:
    return SpeechRequest(
        request_id=f"r-{ticket}",
        campaign_id="benchmark",
        text=text,
        voice_seed=ticket,
        profiles=("telephony",),
        submitted_at=datetime.now(UTC),
        priority="urgent" if urgent else "normal",
    )

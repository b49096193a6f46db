"""How long one urgent request takes where every slot is busy and a queue waits: from `admit` to its Utterance."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle

import numpy as np

from benchmarks.chattts.parts import hardware
from benchmarks.chattts.workload import QUEUE, Plan, texts
from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.load import LONGEST_SEGMENT
from gpu_consumers.engines.chattts.load import build as build_engine
from gpu_consumers.engines.chattts.model.tokenizer import Prompter
from gpu_consumers.engines.chattts.weights.assets import Assets
from gpu_consumers.text import FrontEnd
from schemas.messages import SpeechRequest

URGENT = "The gate has changed."
EVERY = 8  # steps between two urgent ones
FULL = 16  # steps before the first


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
    front_end = FrontEnd(prompter.knows, longest=LONGEST_SEGMENT)
    engine = build_engine(
        assets, hardware(plan, precision, slots), prompter, front_end, "benchmark"
    )
    spans = list(_urgent(engine, plan.urgent))
    (steps50, seconds50, audio50), (steps99, seconds99, _) = (
        np.percentile(np.array(spans), (50, 99), axis=0).round(2).tolist()
    )
    return Latency(slots, len(spans), steps50, steps99, seconds50, seconds99, audio50)


def _urgent(engine: ChatTTSEngine, wanted: int) -> Iterator[tuple[int, float, float]]:
    """Steps, seconds, and seconds of audio of each."""
    tickets, words, begun, ended = count(), cycle(texts(64)), dict[int, tuple[int, float]](), 0
    for _ in range((1 + QUEUE) * engine.slots):
        ticket = next(tickets)
        engine.admit(ticket, _request(ticket, next(words), urgent=False))
    for step in count():
        if step >= FULL and (step - FULL) % EVERY == 0 and len(begun) + ended < wanted:
            ticket = next(tickets)
            begun[ticket] = step, time.perf_counter()
            engine.admit(ticket, _request(ticket, URGENT, urgent=True))
        for utterance in engine.step():
            if utterance.ticket not in begun:
                ticket = next(tickets)
                engine.admit(ticket, _request(ticket, next(words), urgent=False))
                continue
            first, at = begun.pop(utterance.ticket)
            ended += 1
            yield (
                step + 1 - first,
                time.perf_counter() - at,
                0.0 if utterance.waveform is None else len(utterance.waveform) / engine.sample_rate,
            )
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

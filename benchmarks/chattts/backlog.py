"""A backlog through our slots: as one frees, the next pass enters, until all are spoken or the time is up."""

import time
from collections import deque
from dataclasses import dataclass

import torch

from benchmarks.chattts.parts import Parts
from benchmarks.chattts.workload import AUDIO_SECONDS
from gpu_consumers.engines.chattts.model.slots import Generation, Slots


@dataclass
class Progress:
    """Counted while it runs. Seconds of decoding leave out the vocoder."""

    steps: int = 0
    left: int = 0  # tokens of the passes that have left
    decoding: float = 0.0
    vocoding: float = 0.0
    vocoded: int = 0  # tokens
    queued: tuple[int, float] | None = (
        None  # tokens and seconds of decoding when the queue ran empty
    )


@dataclass(frozen=True)
class Run:
    passes: int
    finished: int  # fewer than passes where the time was up
    steps: int
    tokens: int
    decode_seconds: float
    vocoder_seconds: float
    tokens_per_second: float
    audio_per_second: float  # vocoder included, draining of the last slots too
    audio_per_second_queued: float  # as long as something waited: what a long list sees


@torch.inference_mode()
def run(parts: Parts, passes: list[Generation], budget: float, step: "Step | None" = None) -> Run:
    slots, waiting, seen = parts.slots, deque(passes), Progress()
    move = step or Step()
    slots.running.zero_()  # what an earlier run was cut at
    held: list[bool] = [False] * len(slots)
    finished, deadline = 0, time.perf_counter() + budget
    while (waiting or any(held)) and time.perf_counter() < deadline:
        began = time.perf_counter()
        for slot, busy in enumerate(held):
            if not busy and waiting:
                slots.enter(slot, waiting.popleft())
                held[slot] = True
        spare = move(parts, held)
        taken = [slots.leave(slot) for slot in _ended(slots, held)]
        seen.decoding += time.perf_counter() - began - spare
        seen.steps += parts.look
        for one in taken:
            _vocode(parts, seen, one.hidden)
        finished += len(taken)
        if not waiting and seen.queued is None:
            seen.queued = _tokens(slots, held, seen), seen.decoding
    return _summary(len(passes), finished, _tokens(slots, held, seen), seen, parts)


class Step:
    """The steps between two looks, as the engine takes them. Returns seconds not to be counted."""

    def __call__(self, parts: Parts, held: list[bool]) -> float:
        slots = parts.ladder.fit(held)
        for _ in range(parts.look):
            parts.stepper.step(slots, refining=False)
        return 0.0


def _ended(slots: Slots, held: list[bool]) -> list[int]:
    running = slots.running.tolist()
    ended = [slot for slot, busy in enumerate(held) if busy and not running[slot]]
    for slot in ended:
        held[slot] = False
    return ended


def _vocode(parts: Parts, seen: Progress, hidden: torch.Tensor) -> None:
    began = time.perf_counter()
    parts.vocoder.decode(hidden)
    seen.vocoding += time.perf_counter() - began
    seen.vocoded += len(hidden)
    seen.left += len(hidden)


def _tokens(slots: Slots, held: list[bool], seen: Progress) -> int:
    return seen.left + int(slots.draw.step[torch.tensor(held, device=slots.draw.step.device)].sum())


def _summary(passes: int, finished: int, tokens: int, seen: Progress, parts: Parts) -> Run:
    if not seen.vocoded:  # cut before anything ended: `tokens` are counted already
        _vocode(
            parts, seen, torch.randn(100, parts.dimensions.hidden, device=parts.hardware.device)
        )
    vocoder = seen.vocoding / seen.vocoded  # seconds a token

    def rate(count: int, seconds: float) -> float:
        return round(AUDIO_SECONDS * count / (seconds + count * vocoder), 3)

    return Run(
        passes=passes,
        finished=finished,
        steps=seen.steps,
        tokens=tokens,
        decode_seconds=round(seen.decoding, 2),
        vocoder_seconds=round(seen.vocoding, 2),
        tokens_per_second=round(tokens / seen.decoding, 1),
        audio_per_second=rate(tokens, seen.decoding),
        audio_per_second_queued=rate(*(seen.queued or (tokens, seen.decoding))),
    )

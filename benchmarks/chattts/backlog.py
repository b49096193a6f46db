"""Runs a list of generations through our slots until all are spoken or the time is up.

As a slot becomes free, the next generation enters it.
"""

import time
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.chattts.parts import Parts
from benchmarks.chattts.workload import AUDIO_SECONDS
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Slots


@dataclass
class Progress:
    """Counted while it runs. Seconds of decoding leave out the vocoder."""

    steps: int = 0
    finished_tokens: int = 0  # of the generations that have left their slots
    decoding: float = 0.0
    vocoding: float = 0.0
    vocoded: int = 0  # tokens
    queued: tuple[int, float] | None = None  # tokens, decoding seconds when the queue ran empty


@dataclass(frozen=True)
class Run:
    generations: int
    finished: int  # fewer than generations if the time was up
    steps: int
    tokens: int
    decode_seconds: float
    vocoder_seconds: float
    tokens_per_second: float
    audio_per_second: float  # includes the vocoder, and draining of the last slots
    audio_per_second_queued: float  # as long as something waited: what a long list gets


@torch.inference_mode()
def run(
    parts: Parts, generations: list[Generation], budget: float, advance: "Advance | None" = None
) -> Run:
    """Run the generations for at most `budget` seconds."""
    slots, waiting, progress = parts.slots, deque(generations), Progress()
    advance = advance or Advance()
    slots.running.zero_()  # an earlier run may have been cut
    busy: list[bool] = [False] * len(slots)
    finished, deadline = 0, time.perf_counter() + budget
    while (waiting or any(busy)) and time.perf_counter() < deadline:
        began = time.perf_counter()
        _fill(slots, busy, waiting)
        excluded = advance(parts, busy)
        status = slots.look().read()
        outputs = [slots.leave(slot, status[slot]) for slot in _ended(status["running"], busy)]
        progress.decoding += time.perf_counter() - began - excluded
        progress.steps += parts.steps
        for output in outputs:
            _vocode(parts, progress, output.hidden)
        finished += len(outputs)
        if not waiting and progress.queued is None:
            progress.queued = _tokens(slots, busy, progress), progress.decoding
    return _summary(len(generations), finished, _tokens(slots, busy, progress), progress, parts)


class Advance:
    """Takes the steps between two checks, as the engine does."""

    def __call__(self, parts: Parts, busy: list[bool]) -> float:
        """Return the seconds that are not to be counted."""
        slots = parts.batch_sizes.fit(busy)
        for _ in range(parts.steps):
            parts.stepper.step(slots, refining=False)
        return 0.0


def _fill(slots: Slots, busy: list[bool], waiting: deque[Generation]) -> None:
    entering = dict[int, Generation]()
    for slot, taken in enumerate(busy):
        if not taken and waiting:
            entering[slot], busy[slot] = waiting.popleft(), True
    slots.enter(entering)


def _ended(running: npt.NDArray[np.bool_], busy: list[bool]) -> list[int]:
    ended = [slot for slot, taken in enumerate(busy) if taken and not running[slot]]
    for slot in ended:
        busy[slot] = False
    return ended


def _vocode(parts: Parts, progress: Progress, hidden: torch.Tensor) -> None:
    began = time.perf_counter()
    parts.vocoder.decode(hidden)
    progress.vocoding += time.perf_counter() - began
    progress.vocoded += len(hidden)
    progress.finished_tokens += len(hidden)


def _tokens(slots: Slots, busy: list[bool], progress: Progress) -> int:
    """Return the tokens of the generations that have left, and of those in the slots."""
    step = slots.draw.step
    return progress.finished_tokens + int(step[torch.tensor(busy, device=step.device)].sum())


def _summary(generations: int, finished: int, tokens: int, progress: Progress, parts: Parts) -> Run:
    if not progress.vocoded:  # the run was cut before anything ended; `tokens` are counted already
        device = parts.hardware.device
        _vocode(parts, progress, torch.randn(100, parts.dimensions.hidden, device=device))
    vocoder = progress.vocoding / progress.vocoded  # seconds per token

    def rate(count: int, seconds: float) -> float:
        return round(AUDIO_SECONDS * count / (seconds + count * vocoder), 3)

    return Run(
        generations=generations,
        finished=finished,
        steps=progress.steps,
        tokens=tokens,
        decode_seconds=round(progress.decoding, 2),
        vocoder_seconds=round(progress.vocoding, 2),
        tokens_per_second=round(tokens / progress.decoding, 1),
        audio_per_second=rate(tokens, progress.decoding),
        audio_per_second_queued=rate(*(progress.queued or (tokens, progress.decoding))),
    )

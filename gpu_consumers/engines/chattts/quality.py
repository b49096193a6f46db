"""Whether what came out can be the speech of a text. Pure: decides from numbers, and counts nothing.

Bounds are wide: they catch what no speaker would do, not what is merely slow. Draws start at 0 for every piece and
end after DRAWS, so that what a request becomes depends on the request alone.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from gpu_consumers.engines.chattts.model.dimensions import SAMPLE_RATE, SAMPLES, Samples

TOKENS_PER_SECOND = SAMPLE_RATE / SAMPLES  # 46.875
DRAWS = 3
SILENCE = 10 ** (-50 / 20)  # root mean square of the loudest 50 ms, against full scale
SHORTEST, LONGEST, SLACK = 0.35, 2.5, 1.5  # ratios to the expected duration; seconds
MARGIN = 2.0  # ratio to the expected duration that a slot has room for, however slow the speed
AROUND, DENSEST = (
    4,
    0.15,
)  # tokens of a prompt around its text; seconds at speed 1 of a token in it: a letter that is spelt, and its space


class Fault(Enum):
    """Why a piece is not taken as it is."""

    ENDLESS = "no end by the token limit"
    SILENT = "silence"
    BROKEN = "samples that are not finite"


@dataclass(frozen=True)
class Bounds:
    """In tokens."""

    floor: int
    limit: int


def bounds(seconds: float, speed: float, room: int) -> Bounds:
    """For a text expected to take `seconds` at speed 1, where the context has room for `room` tokens."""
    expected = seconds / speed
    floor = max(4, math.floor(expected * SHORTEST * TOKENS_PER_SECOND))
    limit = min(room, math.ceil((expected * LONGEST + SLACK) * TOKENS_PER_SECOND))
    return Bounds(min(floor, limit - 1), limit)


def room(speed: float, context: int) -> float:
    """Seconds at speed 1 of the longest text whose prompt and MARGIN times its speech fit `context` tokens."""
    return (context - AROUND) / (MARGIN * TOKENS_PER_SECOND / speed + 1 / DENSEST)


def fault(samples: Samples) -> Fault | None:
    """What is wrong with the sound itself."""
    if not np.isfinite(samples).all():
        return Fault.BROKEN
    frame = SAMPLE_RATE // 20
    frames = (
        samples[: len(samples) // frame * frame].reshape(-1, frame)
        if len(samples) >= frame
        else samples[None]
    )
    return Fault.SILENT if math.sqrt(float(np.square(frames).mean(-1).max())) < SILENCE else None

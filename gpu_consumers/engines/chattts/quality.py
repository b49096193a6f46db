"""Quality checks: can these tokens and samples be the speech of a text? Pure: no metrics, no torch.

The bounds are wide: they catch what no speaker would do, not what is merely slow. Draws start at 0
for every chunk and end after DRAWS, so that the outcome of a request depends on the request alone.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from seedcast.gpu_consumers.engines.chattts.model.dimensions import (
    SAMPLE_RATE,
    SAMPLES_PER_TOKEN,
    Samples,
)

TOKENS_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_TOKEN  # 46.875
DRAWS = 3
SILENCE = 10 ** (-50 / 20)  # root mean square of the loudest 50 ms, against full scale
SHORTEST_RATIO, LONGEST_RATIO = 0.35, 2.5  # to the expected duration
SLACK = 1.5  # seconds that a chunk may take beyond LONGEST_RATIO
MARGIN = 2.0  # a slot holds this multiple of the expected duration, however slow the speed
PROMPT_OVERHEAD = 4  # tokens of a prompt around its text
DENSEST_TOKEN = 0.15  # seconds at speed 1 of a text token: a letter that is spelt, and its space


class Fault(Enum):
    """Why a quality check rejects a generation. The metric's label is the name in lower case."""

    ENDLESS = "no end by the token limit"
    SILENT = "silence"
    BROKEN = "samples that are not finite"


@dataclass(frozen=True)
class Bounds:
    """Both in tokens."""

    floor: int
    limit: int


def bounds(seconds: float, speed: float, available: int) -> Bounds:
    """Return the bounds of a text that is expected to take `seconds` at speed 1.

    `available`: tokens that the context has left for its speech.
    """
    expected = seconds / speed
    floor = max(4, math.floor(expected * SHORTEST_RATIO * TOKENS_PER_SECOND))
    longest = math.ceil((expected * LONGEST_RATIO + SLACK) * TOKENS_PER_SECOND)
    limit = min(available, longest)
    return Bounds(min(floor, limit - 1), limit)


def longest_text(speed: float, context: int) -> float:
    """Return how long a text a slot can hold, in seconds at speed 1.

    Its prompt and MARGIN times its speech at `speed` fit into `context` tokens.
    """
    tokens_per_second = MARGIN * TOKENS_PER_SECOND / speed + 1 / DENSEST_TOKEN
    return (context - PROMPT_OVERHEAD) / tokens_per_second


def check(samples: Samples) -> Fault | None:
    """Return the fault of a chunk's samples, (samples,) float32; None if they are sound."""
    if not np.isfinite(samples).all():
        return Fault.BROKEN
    return Fault.SILENT if _loudest_frame(samples) < SILENCE else None


def _loudest_frame(samples: Samples) -> float:
    """Return the highest root mean square of a 50 ms frame; a shorter input is one frame."""
    frame = SAMPLE_RATE // 20
    whole = len(samples) // frame * frame
    frames = samples[:whole].reshape(-1, frame) if whole else samples[None]
    return math.sqrt(float(np.square(frames).mean(-1).max()))

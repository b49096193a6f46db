"""The workload of both systems (texts, voices, lengths), and the plan of a run."""

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from seedcast.producers.rows.sample_list import rows

AUDIO_SECONDS = 512 / 24_000  # per token
SHORTEST, LONGEST = 94, 562  # tokens: 2 and 12 seconds
QUEUE = 2  # times the slots: how many wait when a measurement begins


@dataclass(frozen=True)
class Plan:
    models: Path  # upstream's layout
    device: str  # cpu or cuda
    threads: int
    tokens: int  # per row, if lengths are equal
    scale: float  # of the mixed lengths
    budget: float  # seconds after which a measurement of our engine is cut
    urgent: int  # requests whose latency is measured
    seed: int = 0

    @property
    def context(self) -> int:
        """Positions per slot: 512, or what the longest row needs beside its prompt."""
        longest = max(self.tokens, round(LONGEST * self.scale))
        return max(512, -(-(longest + 128) // 64) * 64)

    def lengths(self, count: int, scale: float | None = None) -> list[int]:
        """Return uniform lengths in tokens; a shorter list is the beginning of a longer one."""
        low, high = (max(2, round(bound * (scale or self.scale))) for bound in (SHORTEST, LONGEST))
        drawn = np.random.default_rng(self.seed).integers(low, high + 1, count)
        return [int(length) for length in drawn]


def texts(count: int) -> list[str]:
    """Return English texts of the example list, repeated if there are too few."""
    english = (row for row in rows(200) if row["template"].isascii())
    return list(islice(cycle(row["template"].format(**row) for row in english), count))

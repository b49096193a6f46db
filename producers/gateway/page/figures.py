"""Numbers become shapes. Shapes have whole units of a fixed box: no style is written in a page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from seedcast.campaigns.progress import Progress
from seedcast.storage.index.sampling import Sample

WIDE = 1000  # units of a whole bar
OUTCOMES = ("succeeded", "failed", "expired", "cancelled")
BINS = 60  # of the time that a chart shows, at most
HIGH = 100  # units of the highest rate


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    count: int
    x: int
    width: int


def account(progress: Progress) -> list[Part]:
    """Return the outcomes of one bar; what is left of it waits. None is lost to rounding."""
    whole = max(progress.accepted or 0, progress.finished, 1)
    parts, before = list[Part](), 0
    for name in OUTCOMES:
        count = getattr(progress, name)
        x, end = (round(WIDE * edge / whole) for edge in (before, before + count))
        # What is there is seen, however little of the whole it is.
        width = max(end - x, 4) if count else 0
        parts.append(Part(name=name, count=count, x=min(x, WIDE - width), width=width))
        before += count
    return parts


def portion(count: int, whole: int) -> int:
    """Return how wide a bar is."""
    return round(WIDE * min(count, whole) / whole) if whole else 0


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Requests per second over time, in bins of equal length."""

    begin: datetime
    seconds: float  # of a bin
    values: tuple[float, ...]

    @property
    def highest(self) -> float:
        return max(self.values)

    @property
    def points(self) -> str:
        """Return the outline for who has no script, in a box of BINS by HIGH units."""
        top = self.highest or 1
        step = BINS / len(self.values)
        corners = [(0.0, float(HIGH))]
        for number, value in enumerate(self.values):
            y = HIGH - HIGH * value / top
            corners += [(number * step, y), ((number + 1) * step, y)]
        corners.append((float(BINS), float(HIGH)))
        return " ".join(f"{x:g},{y:.4g}" for x, y in corners)

    @property
    def data(self) -> list[list[float]]:
        """Return moments (Unix seconds) and rates, as a chart takes them."""
        first = self.begin.timestamp()
        times = [round(first + number * self.seconds, 3) for number in range(len(self.values))]
        return [times, [float(f"{value:.4g}") for value in self.values]]


def rates(sample: Sample) -> Rates | None:
    """Return None where there are too few to tell a rate."""
    moments: Sequence[datetime] = [moment for _, moment in sample.ended]
    if len(moments) < 2 or (length := (moments[-1] - moments[0]).total_seconds()) <= 0:
        return None
    bins = max(1, min(BINS, int(length), len(moments) // 4))
    seconds = length / bins
    ages = ((moment - moments[0]).total_seconds() for moment in moments)
    counts = Counter(min(bins - 1, int(age / seconds)) for age in ages)
    values = tuple(counts[number] * sample.each / seconds for number in range(bins))
    return Rates(begin=moments[0], seconds=seconds, values=values)

"""What is measured of our engine, each function in a process of its own."""

from dataclasses import dataclass

from benchmarks.chattts.backlog import Run, run
from benchmarks.chattts.free import FreeDecoder, FreeModel, FreeStep
from benchmarks.chattts.memory import peak_mib
from benchmarks.chattts.parts import build
from benchmarks.chattts.profile import by_part
from benchmarks.chattts.workload import AUDIO_SECONDS, QUEUE, Plan
from gpu_consumers.engines.chattts.hardware import MIB, static_memory

WARM_UP = 3  # tokens
PROFILED = 8  # steps


@dataclass(frozen=True)
class OurRuns:
    precision: str
    slots: int
    equal: Run
    mixed: Run
    part_milliseconds: dict[str, float]  # of a step of full slots, on a CPU
    static_mib: dict[str, int]
    peak_mib: float


@dataclass(frozen=True)
class Price:
    """Of reproducibility: how much longer fixed shapes take than free ones, percent of the free ones' time.

    Both have the same vocoder, so the mean of its two measurements counts for both: its noise is larger than what is asked for.
    """

    precision: str
    slots: int
    fixed: Run
    free: Run
    percent: float  # the whole list, draining of the last slots included
    percent_queued: float  # as long as something waited


def measure(plan: Plan, precision: str, slots: int, budget: float) -> OurRuns:
    parts = build(plan, precision, slots)
    run(parts, parts.passes([WARM_UP] * slots), budget)
    equal = run(parts, parts.passes([plan.tokens] * (QUEUE * slots)), budget)
    mixed = run(parts, parts.passes(plan.lengths(QUEUE * slots)), budget)
    memory = {
        name: part // MIB for name, part in static_memory(parts.dimensions, parts.hardware).items()
    }
    milliseconds = (
        by_part(parts, parts.passes([plan.tokens] * slots), PROFILED)
        if plan.device == "cpu"
        else {}
    )  # a GPU is not done when a function returns
    return OurRuns(precision, slots, equal, mixed, milliseconds, memory, peak_mib(plan.device))


def price(plan: Plan, precision: str, slots: int) -> Price:
    """Fixed and free take turns, so that what else the machine does meets both; the faster of two counts."""
    fixed, free = (
        build(plan, precision, slots),
        build(plan, precision, slots, FreeDecoder, FreeModel),
    )
    passes = fixed.passes(plan.lengths(QUEUE * slots, plan.scale / 5))
    for parts, step in ((fixed, None), (free, FreeStep())):
        run(parts, passes[:slots], 1.0, step)
    rounds = [(run(fixed, passes, 600.0), run(free, passes, 600.0, FreeStep())) for _ in range(2)]
    a, b = (
        min(
            (pair[side] for pair in rounds),
            key=lambda one: one.decode_seconds + one.vocoder_seconds,
        )
        for side in (0, 1)
    )
    return Price(precision, slots, a, b, *percents(a, b))


def percents(fixed: Run, free: Run) -> tuple[float, float]:
    """Of the whole list, and as long as something waited."""
    vocoder = (fixed.vocoder_seconds + free.vocoder_seconds) / (fixed.tokens + free.tokens)

    def seconds(run: Run, rate: float) -> float:
        """Of a token."""
        return AUDIO_SECONDS / rate - run.vocoder_seconds / run.tokens + vocoder

    whole = seconds(fixed, fixed.audio_per_second) / seconds(free, free.audio_per_second)
    queued = seconds(fixed, fixed.audio_per_second_queued) / seconds(
        free, free.audio_per_second_queued
    )
    return round(100 * (whole - 1), 1), round(100 * (queued - 1), 1)

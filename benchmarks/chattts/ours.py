"""The measurements of our engine. Each function runs in a process of its own."""

from dataclasses import dataclass

from benchmarks.chattts.backlog import Run, run
from benchmarks.chattts.free import FreeAdvance, FreeDecoder, FreeModel
from benchmarks.chattts.memory import peak_mib
from benchmarks.chattts.parts import build
from benchmarks.chattts.profile import by_part
from benchmarks.chattts.workload import AUDIO_SECONDS, QUEUE, Plan
from seedcast.gpu_consumers.engines.chattts.hardware import MIB, static_memory

WARM_UP = 3  # tokens
PROFILED = 8  # steps
PRICE_BUDGET = 600.0  # seconds


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
    """The price of reproducibility: how much longer fixed shapes take, in percent of free ones.

    Both have the same vocoder, so the mean of its two measurements counts for both: its noise is
    larger than the difference that is measured.
    """

    precision: str
    slots: int
    fixed: Run
    free: Run
    percent: float  # the whole list, draining of the last slots included
    percent_queued: float  # as long as something waited


def measure(plan: Plan, precision: str, slots: int, budget: float) -> OurRuns:
    parts = build(plan, precision, slots)
    run(parts, parts.generations([WARM_UP] * slots), budget)
    equal = run(parts, parts.generations([plan.tokens] * (QUEUE * slots)), budget)
    mixed = run(parts, parts.generations(plan.lengths(QUEUE * slots)), budget)
    static = static_memory(parts.dimensions, parts.hardware)
    memory = {name: part // MIB for name, part in static.items()}
    milliseconds = dict[str, float]()  # stay empty for a GPU: its work outlasts a function's call
    if plan.device == "cpu":
        milliseconds = by_part(parts, parts.generations([plan.tokens] * slots), PROFILED)
    return OurRuns(precision, slots, equal, mixed, milliseconds, memory, peak_mib(plan.device))


def price(plan: Plan, precision: str, slots: int) -> Price:
    """Compare fixed and free shapes.

    They take turns, so that the machine's other work affects both; the faster of two runs counts.
    """
    fixed = build(plan, precision, slots)
    free = build(plan, precision, slots, FreeDecoder, FreeModel)
    generations = fixed.generations(plan.lengths(QUEUE * slots, plan.scale / 5))
    run(fixed, generations[:slots], 1.0)
    run(free, generations[:slots], 1.0, FreeAdvance())
    rounds = [
        (
            run(fixed, generations, PRICE_BUDGET),
            run(free, generations, PRICE_BUDGET, FreeAdvance()),
        )
        for _ in range(2)
    ]
    fixed_run, free_run = (min(runs, key=_seconds) for runs in zip(*rounds, strict=True))
    return Price(precision, slots, fixed_run, free_run, *percents(fixed_run, free_run))


def _seconds(run: Run) -> float:
    return run.decode_seconds + run.vocoder_seconds


def percents(fixed: Run, free: Run) -> tuple[float, float]:
    """Return the price of the whole list, and as long as something waited."""
    vocoder = (fixed.vocoder_seconds + free.vocoder_seconds) / (fixed.tokens + free.tokens)

    def per_token(run: Run, rate: float) -> float:
        """Seconds."""
        return AUDIO_SECONDS / rate - run.vocoder_seconds / run.tokens + vocoder

    whole = per_token(fixed, fixed.audio_per_second) / per_token(free, free.audio_per_second)
    queued = per_token(fixed, fixed.audio_per_second_queued) / per_token(
        free, free.audio_per_second_queued
    )
    return round(100 * (whole - 1), 1), round(100 * (queued - 1), 1)

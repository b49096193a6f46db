"""Where a step's time goes, by Python's own profiler: a step calls so few functions that it costs nothing to speak of."""

import cProfile
import pstats

import torch

from benchmarks.chattts.parts import Parts
from gpu_consumers.engines.chattts.model.slots import Generation

# Part: functions by (end of the file's name, function). Time of what they call counts, once.
PARTS = {
    "embed": (("model.py", "embed"),),
    "products": (("linear.py", "__call__"),),
    "attention": (("attention.py", "attend"),),
    "sampling": (("sampling.py", "sample"),),
    "slots": (("slots.py", "advance"),),
    "vocoder": (("vocoder.py", "decode"),),
}


@torch.inference_mode()
def by_part(parts: Parts, passes: list[Generation], steps: int) -> dict[str, float]:
    """Milliseconds a step of full slots, after as many steps to get away from position 0; the vocoder's for the tokens that a step draws."""
    for slot, entering in enumerate(passes[: len(parts.slots)]):
        parts.slots.enter(slot, entering)
    for _ in range(steps):
        parts.model.step(parts.slots, refining=False)
    profile = cProfile.Profile()
    with profile:
        for _ in range(steps):
            parts.model.step(parts.slots, refining=False)
    spoken = torch.randn(steps * len(parts.slots), parts.dimensions.hidden)
    with profile:
        for hidden in spoken.split(100):
            parts.vocoder.decode(hidden)
    functions: dict[tuple[str, int, str], object] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    milliseconds = {name: 1000 * _outer(functions, names) / steps for name, names in PARTS.items()}
    whole = 1000 * _outer(functions, (("model.py", "step"),)) / steps
    milliseconds["other"] = whole - sum(
        value for name, value in milliseconds.items() if name != "vocoder"
    )
    return {name: round(value, 2) for name, value in milliseconds.items()}


def _outer(
    functions: dict[tuple[str, int, str], object], names: tuple[tuple[str, str], ...]
) -> float:
    """Cumulative seconds of functions, where they are not called by one of the same name."""
    found = 0.0
    for function, (_, _, _, cumulative, callers) in functions.items():  # type: ignore[misc, attr-defined]
        if _named(function, names):
            found += (
                sum(called[3] for caller, called in callers.items() if not _named(caller, names))
                if callers
                else cumulative
            )
    return found


def _named(function: tuple[str, int, str], names: tuple[tuple[str, str], ...]) -> bool:
    return any(
        function[0].endswith(f"chattts/{file}") and function[2] == name for file, name in names
    )

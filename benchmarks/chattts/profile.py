"""Where the time of a step goes, by Python's own profiler.

A step calls so few functions that profiling costs next to nothing.
"""

import cProfile
import pstats

import torch

from benchmarks.chattts.parts import Parts
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation

Function = tuple[str, int, str]  # file, line, name
Times = tuple[int, int, float, float]  # calls (primitive, all), seconds (own, cumulative)
Functions = dict[Function, tuple[int, int, float, float, dict[Function, Times]]]
Names = tuple[tuple[str, str], ...]  # (path below engines/chattts, function)

# The functions of each part. The time of what they call is included, once.
PARTS: dict[str, Names] = {
    "embed": (("model/model.py", "embed"),),
    "products": (("kernels/linear.py", "__call__"),),
    "attention": (("kernels/attention_cpu.py", "attend"),),
    "sampling": (("model/sampling.py", "sample"),),
    "slots": (("model/slots.py", "advance"),),
    "vocoder": (("model/vocoder.py", "decode"),),
}
STEP: Names = (("model/model.py", "step"),)


@torch.inference_mode()
def by_part(parts: Parts, generations: list[Generation], steps: int) -> dict[str, float]:
    """Return milliseconds per step of full slots; the vocoder's for the tokens that a step draws.

    As many steps run before, to get away from position 0.
    """
    parts.slots.enter(dict(enumerate(generations[: len(parts.slots)])))
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
    functions: Functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    milliseconds = {name: 1000 * _outer(functions, names) / steps for name, names in PARTS.items()}
    inside_step = sum(value for name, value in milliseconds.items() if name != "vocoder")
    milliseconds["other"] = 1000 * _outer(functions, STEP) / steps - inside_step
    return {name: round(value, 2) for name, value in milliseconds.items()}


def _outer(functions: Functions, names: Names) -> float:
    """Return the cumulative seconds of the functions, unless one of the same names calls them."""
    seconds = 0.0
    for function, (_, _, _, cumulative, callers) in functions.items():
        if not _named(function, names):
            continue
        if callers:
            outer = (called for caller, called in callers.items() if not _named(caller, names))
            seconds += sum(called[3] for called in outer)
        else:
            seconds += cumulative
    return seconds


def _named(function: Function, names: Names) -> bool:
    path, _, called = function
    return any(path.endswith(f"chattts/{file}") and called == name for file, name in names)

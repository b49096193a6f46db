"""Part 6: the time of a step by the number of slots, and where it goes."""

import time

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.chattts.parts import Parts, build
from benchmarks.chattts.workload import AUDIO_SECONDS
from benchmarks.device.setting import Findings, Setting

SLOTS = (64, 128, 256, 512, 1024)
CONTEXT = 300  # positions that each row attends to
STEPS = 20


@torch.inference_mode()
def measure(setting: Setting) -> Findings:
    rates: dict[int, float] = {}
    for slots in setting.either(SLOTS, (4, 8)):
        parts = build(setting.plan(), "bfloat16", slots)
        milliseconds = step_milliseconds(setting, parts)
        rates[slots] = round(AUDIO_SECONDS * slots / milliseconds * 1e3, 1)
        setting.figures[f"{slots} slots"] = {"step_ms": milliseconds, "audio_s_per_s": rates[slots]}
        del parts
        setting.free()
    setting.figures["kernels_per_step"] = profiled(setting)
    listed = ", ".join(f"{rate:g} at {slots}" for slots, rate in rates.items())
    return Findings(f"audio s/s without vocoder: {listed} slots")


def occupy(setting: Setting, parts: Parts) -> None:
    """Let every slot draw tokens at the context that is measured."""
    slots = parts.slots
    slots.enter(dict(enumerate(parts.generations([10_000] * len(slots)))))
    slots.prompt_length.fill_(1)
    rewind(setting, parts)


def rewind(setting: Setting, parts: Parts) -> None:
    """Set every slot back to the context that is measured, before it reaches the cache's end."""
    parts.slots.position.fill_(setting.either(CONTEXT, 8))


def step_milliseconds(setting: Setting, parts: Parts) -> float:
    occupy(setting, parts)
    for _ in range(3):
        parts.stepper.step(parts.slots, refining=False)
    setting.wait()
    began = time.perf_counter()
    for _ in range(STEPS):
        parts.stepper.step(parts.slots, refining=False)
    setting.wait()
    return round(1e3 * (time.perf_counter() - began) / STEPS, 3)


def profiled(setting: Setting) -> int:
    """Write the profiler's table of one step; return the number of kernels (calls, on a CPU)."""
    parts = build(setting.plan(), "bfloat16", setting.either(512, 8))
    occupy(setting, parts)
    activity = ProfilerActivity.CUDA if setting.on_cuda else ProfilerActivity.CPU
    for _ in range(2):  # the first one sets the profiler up
        with profile(activities=[activity]) as profiler:
            parts.stepper.step(parts.slots, refining=False)
            setting.wait()
    averages = profiler.key_averages()
    by = "self_cuda_time_total" if setting.on_cuda else "self_cpu_time_total"
    table = averages.table(sort_by=by, row_limit=40, max_name_column_width=90)
    (setting.out / "profile.txt").write_text(table)
    kind = "CUDA" if setting.on_cuda else "CPU"
    return sum(event.count for event in averages if event.device_type.name == kind)

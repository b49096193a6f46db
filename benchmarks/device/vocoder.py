"""Part 7: the vocoder at several lengths, cold and warm, and beside the steps."""

import time

import torch

from benchmarks.chattts.parts import build
from benchmarks.chattts.workload import AUDIO_SECONDS
from benchmarks.device.setting import Findings, Setting
from benchmarks.device.steps import occupy, step_milliseconds
from seedcast.gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder

SECONDS = (2, 5, 10)  # of audio
BESIDE = 30  # utterances


@torch.inference_mode()
def measure(setting: Setting) -> Findings:
    parts = build(setting.plan(), "bfloat16", setting.either(512, 8))
    hidden = parts.dimensions.hidden
    states = {
        seconds: torch.randn(round(seconds / AUDIO_SECONDS), hidden, device=setting.device)
        for seconds in setting.either(SECONDS, (1,))
    }
    figures: dict[str, object] = {}
    for seconds, state in states.items():
        cold, *warm = (_milliseconds(lambda s=state: parts.vocoder.decode(s)) for _ in range(4))
        figures[f"{seconds} s"] = {"cold_ms": cold, "warm_ms": min(warm)}
    alone = step_milliseconds(setting, parts)
    executor = AsyncVocoder(parts.vocoder, setting.device)
    occupy(setting, parts)
    began, steps = time.perf_counter(), 0
    futures = [executor.submit(states[max(states)]) for _ in range(setting.either(BESIDE, 2))]
    while not all(future.done() for future in futures):
        parts.stepper.step(parts.slots, refining=False)
        setting.wait()
        steps += 1
    seconds_beside = time.perf_counter() - began
    executor.close()
    figures["step_ms_alone"] = alone
    figures["step_ms_beside"] = round(1e3 * seconds_beside / max(steps, 1), 3)
    rate = round(max(states) * len(futures) / seconds_beside, 1)
    figures["audio_s_per_s_beside"] = rate
    return Findings(
        f"beside the steps {rate:g} audio s/s; a step {alone:g} ms alone, "
        f"{figures['step_ms_beside']} ms beside it",
        figures=figures,
    )


def _milliseconds(call: object) -> float:
    began = time.perf_counter()
    call()  # type: ignore[operator]
    return round(1e3 * (time.perf_counter() - began), 2)

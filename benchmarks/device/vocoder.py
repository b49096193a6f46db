"""Part 7: the vocoder at several lengths, cold and warm, and beside the steps."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from functools import partial

import torch
from torch import Tensor

from benchmarks.chattts.parts import Parts, build
from benchmarks.chattts.workload import AUDIO_SECONDS
from benchmarks.device.setting import Findings, Setting
from benchmarks.device.steps import occupy, rewind, step_milliseconds
from seedcast.gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder

SECONDS = (2, 5, 10)  # of audio
BESIDE = 60  # utterances


@torch.inference_mode()
def measure(setting: Setting) -> Findings:
    parts = build(setting.plan(), "bfloat16", setting.either(512, 8))
    states = {
        seconds: _states(setting, parts, seconds) for seconds in setting.either(SECONDS, (1,))
    }
    for seconds, state in states.items():
        cold, *warm = (_milliseconds(partial(parts.vocoder.decode, state)) for _ in range(4))
        setting.figures[f"{seconds} s"] = {"cold_ms": cold, "warm_ms": min(warm)}
    setting.figures["step_ms_alone"] = step_milliseconds(setting, parts)
    longest = max(states)
    count = setting.either(BESIDE, 2)
    with closing(AsyncVocoder(parts.vocoder, setting.device)) as executor:
        executor.submit(states[longest]).result()  # its thread sets its libraries up
        occupy(setting, parts)
        steps, seconds_beside = _beside(setting, parts, executor, states[longest], count)
    rate = round(longest * count / seconds_beside, 1)
    beside = round(1e3 * seconds_beside / steps, 3)
    setting.figures |= {"step_ms_beside": beside, "audio_s_per_s_beside": rate}
    alone = setting.figures["step_ms_alone"]
    return Findings(
        f"beside the steps {rate:g} audio s/s; a step {alone} ms alone, {beside} beside"
    )


def _beside(
    setting: Setting, parts: Parts, executor: AsyncVocoder, state: Tensor, count: int
) -> tuple[int, float]:
    """Take steps until `count` utterances are decoded; return their number, and the seconds.

    As in the engine, the host is one look behind.
    """
    began, steps, looks = time.perf_counter(), 0, deque([parts.slots.look()])
    futures = [executor.submit(state) for _ in range(count)]
    while not all(future.done() for future in futures):
        rewind(setting, parts)
        for _ in range(parts.steps):
            parts.stepper.step(parts.slots, refining=False)
        steps += parts.steps
        looks.append(parts.slots.look())
        looks.popleft().read()
    for future in futures:
        future.result()  # raises what decoding raised
    return steps, time.perf_counter() - began


def _states(setting: Setting, parts: Parts, seconds: int) -> Tensor:
    """Return hidden states of so many seconds of audio, (tokens, hidden) float32."""
    tokens = round(seconds / AUDIO_SECONDS)
    return torch.randn(tokens, parts.dimensions.hidden, device=setting.device)


def _milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return round(1e3 * (time.perf_counter() - began), 2)

"""The time of short calls on the device."""

import time
from collections.abc import Callable

import torch

from benchmarks.device.setting import Setting

_ROUNDS = 5


def microseconds(setting: Setting, call: Callable[[], object], calls: int = 50) -> float:
    """Return the least mean of a few rounds of calls; on a GPU they are captured in one graph."""
    call()
    setting.wait()
    run = _captured(call, calls) if setting.on_cuda else lambda: [call() for _ in range(calls)]
    rounds = list[float]()
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        run()
        setting.wait()
        rounds.append(time.perf_counter() - began)
    return round(1e6 * min(rounds) / calls, 2)


def _captured(call: Callable[[], object], calls: int) -> Callable[[], object]:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    return graph.replay

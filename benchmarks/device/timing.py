"""The time of short calls on the device."""

import time
from collections.abc import Callable
from itertools import cycle
from typing import TypeVar

import torch
from torch import Tensor

from benchmarks.device.setting import Setting

T = TypeVar("T")
_ROUNDS = 5
_CACHE = 192 * 2**20  # bytes: more than a device's second-level cache keeps


def microseconds(setting: Setting, call: Callable[[], object], calls: int = 50) -> float:
    """Return the least mean of a few rounds of calls; on a GPU they are captured in one graph."""
    call()
    setting.wait()
    if setting.on_cuda:
        return _on_device(call, calls)
    rounds = list[float]()
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        rounds.append(time.perf_counter() - began)
    return round(1e6 * min(rounds) / calls, 2)


def cold(setting: Setting, tensor: Tensor) -> "cycle[Tensor]":
    """Return copies of a tensor in turn: so many that none is in the cache when its turn comes."""
    copies = -(-_CACHE // tensor.nbytes) if setting.on_cuda else 1
    return cycle([tensor.clone() for _ in range(copies)])


def _on_device(call: Callable[[], object], calls: int) -> float:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    rounds = list[float]()
    for _ in range(_ROUNDS):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        graph.replay()
        last.record()
        last.synchronize()
        rounds.append(first.elapsed_time(last))
    return round(1e3 * min(rounds) / calls, 2)

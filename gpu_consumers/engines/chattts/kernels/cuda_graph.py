"""A step of all slots as a CUDA graph: all its kernels launched as one. Not yet run on a device (tests/gpu does).

A graph is fixed to the tensors that it was captured with; those of Slots, the caches and the weights are never replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from gpu_consumers.engines.chattts.model.slots import Slots

_WARM_UP = (
    3  # steps in which Triton compiles and the libraries allocate, neither of which may be captured
)


class Stepper(Protocol):
    def step(self, slots: Slots, refining: bool) -> None:
        """Moves every slot on by one position."""


class Captured:
    """A Stepper that captures another's step at its first use, with and without the text head, and replays it. One set of slots."""

    def __init__(self, eager: Stepper) -> None:
        self.eager = eager
        self._graphs: dict[bool, torch.cuda.CUDAGraph] = {}

    def step(self, slots: Slots, refining: bool) -> None:
        if refining not in self._graphs:
            self._graphs[refining] = self._capture(slots, refining)
        self._graphs[refining].replay()

    def _capture(self, slots: Slots, refining: bool) -> torch.cuda.CUDAGraph:
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(current)
        with torch.cuda.stream(side), idle(slots):
            for _ in range(_WARM_UP):
                self.eager.step(slots, refining)
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Only this thread's calls are watched: others of the process may use the device meanwhile.
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            self.eager.step(slots, refining)
        return graph


@contextmanager
def idle(slots: Slots) -> Iterator[None]:
    """Inside it a step changes nothing but the caches at each row's position, which the next step writes again, alike."""
    running = slots.running.clone()
    slots.running.zero_()
    try:
        yield
    finally:
        slots.running.copy_(running)

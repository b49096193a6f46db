"""A step of all slots as a CUDA graph, which launches all its kernels at once.

Not yet run on a device (tests/gpu runs it there).

A graph always reads and writes the tensors that it was captured with. So the tensors of `Slots`,
the caches and the weights are written in place and never replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch

from seedcast.gpu_consumers.engines.chattts.model.slots import Slots

# Steps before the capture. In them Triton compiles and the libraries allocate; neither may be
# captured.
_WARM_UP = 3


class Stepper(Protocol):
    """What `Model` and `CapturedModel` have in common."""

    def step(self, slots: Slots, refining: bool) -> None:
        """Advance every slot by one position; `refining` as in `Model.step`."""


class CapturedModel:
    """A Stepper that captures the steps of another one and replays them.

    It captures two graphs, with and without the text head, each at its first use. All calls must
    pass the same `Slots`.
    """

    def __init__(self, eager: Stepper) -> None:
        self.eager = eager
        self._graphs: dict[bool, torch.cuda.CUDAGraph] = {}  # by `refining`

    def step(self, slots: Slots, refining: bool) -> None:
        """Replay the graph for `refining`; capture it first if there is none yet."""
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
        # Watch only this thread's calls: other threads may use the device meanwhile.
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            self.eager.step(slots, refining)
        return graph


@contextmanager
def idle(slots: Slots) -> Iterator[None]:
    """Mark every slot as not running inside the block, and restore the marks after it.

    A step inside the block changes only the caches at each row's position. The next real step
    writes the same values there again.
    """
    running = slots.running.clone()
    slots.running.zero_()
    try:
        yield
    finally:
        slots.running.copy_(running)

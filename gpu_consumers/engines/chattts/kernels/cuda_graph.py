"""A step of all slots as a CUDA graph, which launches all its kernels at once.

Not yet run on a device (tests/gpu runs it there).

A graph always reads and writes the tensors that it was captured with. So the tensors of `Slots`,
the caches and the weights are written in place and never replaced.
"""

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

    It captures two graphs, with and without the text head, when it is made: all slots must be idle,
    and no other thread may use the device yet, whose calls could break the capture. A step of idle
    slots changes only the caches at position 0, which every generation writes first.
    """

    def __init__(self, eager: Stepper, slots: Slots) -> None:
        self.eager, self._slots = eager, slots
        # The graphs never run at the same time, so they share their memory; that takes one stream.
        self._memory, self._side = torch.cuda.graph_pool_handle(), torch.cuda.Stream()
        self._graphs = {refining: self._capture(refining) for refining in (False, True)}

    def step(self, slots: Slots, refining: bool) -> None:
        """Replay the graph for `refining`. `slots` must be those that it was captured with."""
        if slots is not self._slots:
            raise ValueError("expected the slots that the graphs were captured with; got others")
        self._graphs[refining].replay()

    def _capture(self, refining: bool) -> torch.cuda.CUDAGraph:
        current, side = torch.cuda.current_stream(), self._side
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self.eager.step(self._slots, refining)
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory, stream=side):
            self.eager.step(self._slots, refining)
        return graph

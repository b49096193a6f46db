"""What the capture of a CUDA graph relies on, tested on a CPU.

Idle steps leave no trace, the state stays in the same memory, and no step needs the host.
"""

from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import Stepper, idle
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed
from tests.unit.gpu_consumers.chattts.tensors import state

STEPS = 40  # enough to read the prompts, and to generate speech and text
REQUESTS = mixed(5)  # the last goes through the text stage


# Operations that read a value, make a tensor of Python's numbers, or return as many values as are
# true: each of them waits for the host.
HOST_OPERATIONS = {
    "item",
    "_local_scalar_dense",
    "lift_fresh",
    "nonzero",
    "masked_select",
    "is_nonzero",
    "equal",
}


class Rehearsed:
    """A Stepper that does before every step what the capture does once."""

    def __init__(self, eager: Stepper) -> None:
        self.eager = eager

    def step(self, slots: Slots, refining: bool) -> None:
        with idle(slots):
            self.eager.step(slots, refining)
            self.eager.step(slots, refining)
        self.eager.step(slots, refining)


def after(made: ChatTTSEngine) -> list[Tensor]:
    """Return the state after some steps; it is still in the tensors that it was in before them."""
    before = list(state(made._slots))
    for ticket, request in enumerate(REQUESTS):
        made.admit(ticket, request)
    for _ in range(STEPS):
        made.step()
    addresses = [tensor.data_ptr() for tensor in state(made._slots)]
    assert addresses == [tensor.data_ptr() for tensor in before]
    return before


def test_idle_steps_leave_no_trace_and_the_state_stays_in_the_same_memory(tiny: Assets) -> None:
    plain, rehearsing = engine(tiny, slots=6), engine(tiny, slots=6)
    rehearsing._model = Rehearsed(rehearsing._model)
    expected = after(plain)
    assert plain._slots.draw.step.sum() > STEPS
    assert all(torch.equal(*pair) for pair in zip(after(rehearsing), expected, strict=True))


@torch.inference_mode()
def test_running_slots_run_again_even_after_a_step_that_fails(tiny: Assets) -> None:
    slots = engine(tiny, slots=6)._slots
    slots.running[::2] = True
    with suppress(RuntimeError), idle(slots):
        assert not slots.running.any()
        raise RuntimeError("no kernel")
    assert slots.running.tolist() == [True, False] * 3


class Operations(TorchDispatchMode):
    """Records the names of the operations that torch performs."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set[str]()

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.names.add(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("refining", [False, True])
def test_a_step_never_waits_for_the_host(tiny: Assets, refining: bool) -> None:
    made = engine(tiny, slots=6)
    with torch.inference_mode(), Operations() as recorded:
        made._model.step(made._slots, refining)
    assert {"index_put_", "topk", "gather"} <= recorded.names, "the recording is empty"
    assert not recorded.names & HOST_OPERATIONS

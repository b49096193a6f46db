"""What a CUDA graph relies on, tested on a CPU with a stand-in for torch.cuda's graphs.

The graph of a step computes what the step computes, is captured while all slots are idle, and needs
nothing from the host.
"""

import pytest
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.kernels import rowwise_torch
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel
from seedcast.gpu_consumers.engines.chattts.load import PACE
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak
from tests.unit.gpu_consumers.chattts.recorded_cuda import RecordedCuda, Tape
from tests.unit.gpu_consumers.chattts.tensors import state

SLOTS = 6
REQUESTS = mixed(5)[::2]  # short ones; the last goes through the text stage

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


def attend(
    query: Tensor, key: Tensor, value: Tensor, keys: Tensor, values: Tensor, position: Tensor
) -> Tensor:
    """Attention by operations of torch alone, since a tape notes no other."""
    rows = torch.arange(len(position))
    keys[rows, :, position], values[rows, :, position] = key, value
    scores = (keys.float() @ query[..., None]).squeeze(-1) * query.shape[-1] ** -0.5
    beyond = torch.arange(keys.shape[2]) > position[:, None, None]
    weights = scores.masked_fill(beyond, -torch.inf).softmax(-1)
    return (weights[..., None] * values.float()).sum(2)


def plain(assets: Assets) -> ChatTTSEngine:
    """Return an engine that computes with operations of torch alone, all slots in each step."""
    made = engine(assets, slots=SLOTS)
    decoder = made._model._decoder
    decoder.attend, decoder._rowwise = attend, rowwise_torch
    made._batch_sizes = BatchSizes(made._slots, [SLOTS], decoder.move)
    made._pace = PACE["cuda"]
    return made


@pytest.fixture
def captured(cuda: RecordedCuda, tiny: Assets) -> ChatTTSEngine:
    made = plain(tiny)
    with torch.inference_mode():
        made._model = CapturedModel(made._model, made._slots)
    return made


def test_a_replayed_graph_speaks_as_eager_steps_do(tiny: Assets, captured: ChatTTSEngine) -> None:
    outcomes = speak(captured, REQUESTS)
    assert all(" " in outcome for outcome in outcomes.values()), "not every text was spoken"
    assert outcomes == speak(plain(tiny), REQUESTS)


@pytest.mark.slow
def test_a_step_that_replaces_a_tensor_would_be_heard(tiny: Assets, cuda: RecordedCuda) -> None:
    """Mutant: the graph goes on with the tensor that it was captured with."""
    made = plain(tiny)

    class Replacing:
        def __init__(self) -> None:
            self.eager = made._model

        def step(self, slots: Slots, refining: bool) -> None:
            self.eager.step(slots, refining)
            slots.hidden = slots.hidden + 0

    with torch.inference_mode():
        made._model = CapturedModel(Replacing(), made._slots)
    assert speak(made, REQUESTS) != speak(plain(tiny), REQUESTS)


def test_both_graphs_are_captured_when_the_engine_is_loaded(
    captured: ChatTTSEngine, cuda: RecordedCuda
) -> None:
    """Each after a warm-up in a stream that waits for what came before, and is waited for.

    It is one stream: blocks of a pool that graphs share belong to the stream that took them.
    """
    side = "stream 1"
    of_one = [
        f"{side} waits for main stream",
        f"main stream waits for {side}",
        f"{side} captures in pool",
    ]
    assert cuda.log == [f"makes {side}", *of_one, *of_one]
    speak(captured, REQUESTS[-1:])
    assert {line for line in cuda.log if "captures" not in line} >= {"main stream replays a graph"}
    assert sum("captures" in line for line in cuda.log) == 2
    text_head, code_head = (len(graph.tape.calls) for graph in reversed(cuda.graphs))
    assert text_head > code_head


def test_warm_up_and_capture_leave_the_slots_as_they_were(tiny: Assets, cuda: RecordedCuda) -> None:
    made = plain(tiny)
    before = [tensor.clone() for tensor in state(made._slots)]
    with torch.inference_mode():
        made._model = CapturedModel(made._model, made._slots)
    assert all(torch.equal(*pair) for pair in zip(before, state(made._slots), strict=True))


@pytest.mark.parametrize("refining", [False, True])
def test_a_step_never_waits_for_the_host(tiny: Assets, refining: bool) -> None:
    made = engine(tiny, slots=SLOTS)
    with torch.inference_mode(), Tape() as tape:
        made._model.step(made._slots, refining)
    assert {"index_put_", "topk", "gather"} <= set(tape.names), "the recording is empty"
    assert not set(tape.names) & HOST_OPERATIONS

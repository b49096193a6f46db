"""The captured step computes what the eager step computes."""

import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak

REQUESTS = mixed(20)  # some go through the text stage, so that both graphs are captured


def eager(made: ChatTTSEngine) -> ChatTTSEngine:
    """Return the engine, which no longer captures its steps."""
    assert isinstance(made._model, CapturedModel)
    made._model = made._model.eager
    return made


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_replayed_graph_speaks_as_eager_steps_do(tiny: Assets, precision: str) -> None:
    captured, plain = (engine(tiny, device="cuda", precision=precision, slots=16) for _ in range(2))
    assert speak(captured, REQUESTS) == speak(eager(plain), REQUESTS)
    assert len(captured._model._graphs) == 2


def test_no_operation_of_a_step_is_known_to_torch_as_nondeterministic(tiny: Assets) -> None:
    """torch raises on what it knows; the next file covers the order of the step's own additions."""
    made = eager(engine(tiny, device="cuda", slots=16))
    torch.use_deterministic_algorithms(True)
    try:
        for refining in (False, True):
            with torch.inference_mode():
                made._model.step(made._slots, refining)
    finally:
        torch.use_deterministic_algorithms(False)

"""The captured step is the eager one."""

import pytest
import torch

from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.kernels.cuda_graph import Captured
from gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak

REQUESTS = mixed(20)  # some of which go through the text stage: both graphs are captured


def eager(made: ChatTTSEngine) -> ChatTTSEngine:
    assert isinstance(made._model, Captured)
    made._model = made._model.eager
    return made


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_replay_is_eager(tiny: Assets, precision: str) -> None:
    made = [engine(tiny, device="cuda", precision=precision, slots=16) for _ in range(2)]
    assert speak(made[0], REQUESTS) == speak(eager(made[1]), REQUESTS)
    assert len(made[0]._model._graphs) == 2


def test_no_operation_of_a_step_is_known_to_torch_as_nondeterministic(tiny: Assets) -> None:
    """What it knows as such raises; the step's own order of additions is for the tests that follow."""
    made = eager(engine(tiny, device="cuda", slots=16))
    torch.use_deterministic_algorithms(True)
    try:
        for refining in (False, True):
            with torch.inference_mode():
                made._model.step(made._slots, refining)
    finally:
        torch.use_deterministic_algorithms(False)

"""The same request gives the same bytes on a device.

Whatever the order of arrival, the slot, the neighbours, the number of busy slots and the worker.
"""

import msgspec
import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from tests.unit.gpu_consumers.chattts.company import engine, mixed, shuffled, speak

COUNT, SLOTS = 40, 64
REQUESTS = mixed(COUNT)
Spoken = tuple[ChatTTSEngine, dict[int, str], str]


@pytest.fixture(scope="module", params=["float32", "bfloat16", "float16"])
def spoken(request: pytest.FixtureRequest, tiny: Assets) -> Spoken:
    """An engine, the outcomes of the requests in their own order, and the precision."""
    made = engine(tiny, device="cuda", precision=request.param, slots=SLOTS)
    return made, speak(made, REQUESTS), request.param


def test_requests_differ_and_nearly_all_are_spoken(spoken: Spoken) -> None:
    """Otherwise equal outcomes would prove nothing."""
    waveforms = [outcome for outcome in spoken[1].values() if " " in outcome]
    assert len(waveforms) > 0.9 * COUNT
    assert len(set(waveforms)) > 0.9 * len(waveforms)


@pytest.mark.parametrize(
    "order",
    [shuffled(COUNT, seed=1), shuffled(COUNT, seed=2), list(range(COUNT))[::-1]],
    ids=["shuffled", "again", "reversed"],
)
def test_order_of_arrival_and_slot_do_not_matter(spoken: Spoken, order: list[int]) -> None:
    assert speak(spoken[0], REQUESTS, order) == spoken[1]


@pytest.mark.parametrize("at_once", [1, 7])
def test_an_almost_empty_batch_does_not_matter(spoken: Spoken, at_once: int) -> None:
    few = shuffled(COUNT, seed=at_once)[:10]
    assert speak(spoken[0], REQUESTS, few, at_once) == {n: spoken[1][n] for n in few}


def test_a_full_batch_of_other_requests_and_garbage_in_the_slots_do_not_matter(
    spoken: Spoken,
) -> None:
    made, outcomes, _ = spoken
    assert isinstance(made._model, CapturedModel)
    with torch.inference_mode():
        for layer in made._model.eager._decoder.layers:
            for cache in (layer.keys, layer.values):
                cache.normal_().mul_(1e4)
        made._slots.hidden.fill_(float("nan"))
    strangers = [
        msgspec.structs.replace(request, voice_seed=1000 + n)
        for n, request in enumerate(mixed(2 * SLOTS))
    ]
    together = [*REQUESTS, *strangers]
    among_strangers = speak(made, together, shuffled(len(together), seed=3))
    assert {n: among_strangers[n] for n in range(COUNT)} == outcomes


def test_another_worker_does_not_matter(spoken: Spoken, tiny: Assets) -> None:
    made, outcomes, precision = spoken
    other = engine(tiny, device="cuda", precision=precision, slots=SLOTS)
    assert other.fingerprint == made.fingerprint
    assert speak(other, REQUESTS, shuffled(COUNT, seed=4)) == outcomes


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_company_does_not_matter_at_full_size_either(
    tmp_path_factory: pytest.TempPathFactory, precision: str
) -> None:
    full = fabricate(tmp_path_factory.mktemp("full"), FULL, seed=2)
    made = engine(full, device="cuda", precision=precision, slots=256, context=1024)
    outcomes = speak(made, REQUESTS)
    assert speak(made, REQUESTS, shuffled(COUNT, seed=1)) == outcomes
    assert speak(made, REQUESTS, [3, 11], at_once=1) == {n: outcomes[n] for n in (3, 11)}
    torch.cuda.empty_cache()

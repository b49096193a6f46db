"""Same request, same bytes: whatever the order, the slot, the neighbours, the fill of the batch, the worker and the process."""

import subprocess
import sys

import msgspec
import pytest
import torch
from torch import Tensor

from gpu_consumers.engines.chattts.assets import Assets
from gpu_consumers.engines.chattts.dimensions import FULL
from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.fabricate import fabricate
from gpu_consumers.engines.chattts.slots import Pass, Slots
from tests.unit.gpu_consumers.chattts.company import engine, mixed, shuffled, speak

COUNT = 200
REQUESTS = mixed(COUNT)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def spoken(request: pytest.FixtureRequest, tiny: Assets) -> tuple[ChatTTSEngine, dict[int, str]]:
    """An engine and what it makes of the requests in their own order."""
    made = engine(tiny, precision=request.param)
    return made, speak(made, REQUESTS)


def test_requests_differ_and_nearly_all_are_spoken(spoken: tuple[ChatTTSEngine, dict[int, str]]) -> None:
    """Else equal outcomes would prove nothing."""
    _, outcomes = spoken
    waveforms = [found for found in outcomes.values() if " " in found]
    assert len(waveforms) > 0.9 * COUNT
    assert len(set(waveforms)) > 0.9 * len(waveforms)


def test_order_of_arrival_and_slot_do_not_matter(spoken: tuple[ChatTTSEngine, dict[int, str]]) -> None:
    made, outcomes = spoken
    assert speak(made, REQUESTS, shuffled(COUNT, seed=1)) == outcomes


def test_fill_of_the_batch_does_not_matter(spoken: tuple[ChatTTSEngine, dict[int, str]]) -> None:
    made, outcomes = spoken
    few = shuffled(COUNT, seed=2)[:8]
    assert speak(made, REQUESTS, few, at_once=1) == {n: outcomes[n] for n in few}
    some = shuffled(COUNT, seed=3)[:40]
    assert speak(made, REQUESTS, some, at_once=17) == {n: outcomes[n] for n in some}


def test_neighbours_and_what_a_slot_held_before_do_not_matter(spoken: tuple[ChatTTSEngine, dict[int, str]]) -> None:
    """The watched requests among strangers, in slots whose caches and states are full of garbage."""
    made, outcomes = spoken
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        for layer in made._model._decoder._layers:
            for cache in (layer.keys, layer.values):
                cache.copy_(torch.randn(cache.shape, generator=generator) * 1e4)
        made._slots.hidden.fill_(float("nan"))
    strangers = [msgspec.structs.replace(request, voice_seed=1000 + n) for n, request in enumerate(mixed(40))]
    watched = shuffled(COUNT, seed=4)[:40]
    company = [*(REQUESTS[n] for n in watched), *strangers]
    found = speak(made, company, shuffled(len(company), seed=6))
    assert [found[place] for place in range(len(watched))] == [outcomes[n] for n in watched]


def test_two_workers_and_a_restart_do_not_matter(spoken: tuple[ChatTTSEngine, dict[int, str]], tiny: Assets) -> None:
    made, outcomes = spoken
    precision = "bfloat16" if made._model._decoder._dtype == torch.bfloat16 else "float32"
    other = engine(tiny, precision=precision)
    assert other.fingerprint == made.fingerprint
    halves = shuffled(COUNT, seed=7)[:60]
    assert speak(other, REQUESTS, halves[::2]) | speak(made, REQUESTS, halves[1::2]) == {n: outcomes[n] for n in halves}
    code = (
        "import sys; from pathlib import Path; from gpu_consumers.engines.chattts.assets import Assets\n"
        "from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak\n"
        f"made = engine(Assets.open(Path({str(tiny.folder)!r})), precision={precision!r})\n"
        f"print(speak(made, mixed({COUNT}), {halves[:20]!r}))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    assert printed == str(speak(made, REQUESTS, halves[:20]))
    assert speak(made, REQUESTS, halves[:20]) == {n: outcomes[n] for n in halves[:20]}


@pytest.mark.parametrize("changed", [{"threads": 2}, {"slots": 32}, {"precision": "bfloat16"}, {"context": 640}])
def test_what_the_bytes_may_depend_on_is_in_the_fingerprint(tiny: Assets, changed: dict[str, object]) -> None:
    assert engine(tiny, **changed).fingerprint != engine(tiny).fingerprint


class LeakyRows(ChatTTSEngine):
    """Broken on purpose: a row hears a little of its neighbour."""

    @classmethod
    def of(cls, assets: Assets) -> ChatTTSEngine:
        made = engine(assets)
        honest = made._model.embed

        def leaky(slots: Slots) -> Tensor:
            x = honest(slots)
            return x + 1e-3 * x.roll(1, 0)

        made._model.embed = leaky  # type: ignore[method-assign]
        return made


class SeededBySlot(ChatTTSEngine):
    """Broken on purpose: the noise is the slot's, not the request's."""

    @classmethod
    def of(cls, assets: Assets) -> ChatTTSEngine:
        made = engine(assets)
        honest = made._slots.enter

        def by_slot(slot: int, entering: Pass) -> None:
            honest(slot, entering)
            made._slots.draw.seed[slot] = slot

        made._slots.enter = by_slot  # type: ignore[method-assign]
        return made


@pytest.mark.parametrize("broken", [LeakyRows, SeededBySlot])
def test_this_comparison_finds_an_engine_that_breaks_the_promise(tiny: Assets, broken: type[LeakyRows] | type[SeededBySlot]) -> None:
    made = broken.of(tiny)
    some = list(range(64))
    assert speak(made, REQUESTS, some) != speak(made, REQUESTS, some[::-1])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_at_full_size(tmp_path_factory: pytest.TempPathFactory, precision: str) -> None:
    full = fabricate(tmp_path_factory.mktemp("full"), FULL, seed=2)
    made, requests = engine(full, precision=precision, slots=16, threads=2), mixed(24)
    outcomes = speak(made, requests)
    assert speak(made, requests, shuffled(24, seed=1)) == outcomes
    assert speak(made, requests, [3, 11], at_once=1) == {n: outcomes[n] for n in (3, 11)}

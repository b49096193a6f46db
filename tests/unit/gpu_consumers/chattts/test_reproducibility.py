"""Same request, same bytes: whatever the order, the slot, the neighbours, the fill of the batch, the worker and the process."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest
import torch
from torch import Tensor

from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.model.dimensions import FULL
from gpu_consumers.engines.chattts.model.slots import Generation, Slots
from gpu_consumers.engines.chattts.weights.assets import Assets
from gpu_consumers.engines.chattts.weights.fabricate import fabricate
from schemas.messages import SpeechRequest
from tests.unit.gpu_consumers.chattts.company import engine, mixed, shuffled, speak

COUNTS = {
    "float32": 200,
    "bfloat16": 200,
    "int8": 40,
}  # requests; int8 differs from bfloat16 in its products alone
INT8 = pytest.param(
    "int8",
    marks=pytest.mark.skipif(
        not torch.cpu._is_vnni_supported(), reason="int8 needs VNNI, and is refused without"
    ),
)
STRANGERS = 40


@dataclass(frozen=True)
class Case:
    """An engine, what it makes of the requests in their own order, and how to load another like it."""

    engine: ChatTTSEngine
    requests: list[SpeechRequest]
    outcomes: dict[int, str]
    precision: str
    load: Callable[[], ChatTTSEngine]

    @classmethod
    def of(
        cls, requests: list[SpeechRequest], precision: str, load: Callable[[], ChatTTSEngine]
    ) -> "Case":
        made = load()
        return cls(made, requests, speak(made, requests), precision, load)

    def some(self, count: int, seed: int) -> list[int]:
        """Indices of at most `count` requests, in an order of their own."""
        return shuffled(len(self.requests), seed)[:count]


@pytest.fixture(scope="module", params=["float32", "bfloat16", INT8])
def case(request: pytest.FixtureRequest, tiny: Assets) -> Case:
    return Case.of(
        mixed(COUNTS[request.param]), request.param, lambda: engine(tiny, precision=request.param)
    )


def in_another_order(case: Case) -> dict[int, str]:
    return speak(case.engine, case.requests, case.some(len(case.requests), seed=1))


def in_an_almost_empty_batch(case: Case) -> dict[int, str]:
    return speak(
        case.engine, case.requests, case.some(max(2, len(case.requests) // 25), seed=2), at_once=1
    )


def in_a_batch_that_is_never_full(case: Case) -> dict[int, str]:
    return speak(
        case.engine, case.requests, case.some(40, seed=3), at_once=case.engine.slots // 4 + 1
    )


def among_strangers_and_garbage(case: Case) -> dict[int, str]:
    """A full batch, in slots whose caches and states are full of what no request could leave there."""
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        for layer in case.engine._model._decoder._layers:
            for cache in (layer.keys, layer.values):
                cache.copy_(torch.randn(cache.shape, generator=generator) * 1e4)
        case.engine._slots.hidden.fill_(float("nan"))
    watched = case.some(40, seed=4)
    strangers = [
        msgspec.structs.replace(request, voice_seed=1000 + n)
        for n, request in enumerate(mixed(min(STRANGERS, case.engine.slots)))
    ]
    company = [*(case.requests[n] for n in watched), *strangers]
    found = speak(case.engine, company, shuffled(len(company), seed=6))
    return {n: found[place] for place, n in enumerate(watched)}


def in_two_engines(case: Case) -> dict[int, str]:
    other = case.load()
    assert other.fingerprint == case.engine.fingerprint
    halves = case.some(60, seed=7)
    return speak(other, case.requests, halves[::2]) | speak(
        case.engine, case.requests, halves[1::2]
    )


COMPARISONS = (
    in_another_order,
    in_an_almost_empty_batch,
    in_a_batch_that_is_never_full,
    among_strangers_and_garbage,
    in_two_engines,
)
Comparison = Callable[[Case], dict[int, str]]


def same(case: Case, compare: Comparison) -> bool:
    found = compare(case)
    assert found
    return found == {n: case.outcomes[n] for n in found}


def test_requests_differ_and_nearly_all_are_spoken(case: Case) -> None:
    """Else equal outcomes would prove nothing."""
    waveforms = [found for found in case.outcomes.values() if " " in found]
    assert len(waveforms) > 0.9 * len(case.requests)
    assert len(set(waveforms)) > 0.9 * len(waveforms)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_company_does_not_matter(case: Case, compare: Comparison) -> None:
    assert same(case, compare)


def test_a_restart_does_not_matter(case: Case, tiny: Assets) -> None:
    some = case.some(20, seed=8)
    code = (
        "import sys; from pathlib import Path; from gpu_consumers.engines.chattts.weights.assets import Assets\n"
        "from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak\n"
        f"made = engine(Assets.open(Path({str(tiny.folder)!r})), precision={case.precision!r})\n"
        f"print(speak(made, mixed({len(case.requests)}), {some!r}))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    found = speak(case.engine, case.requests, some)
    assert printed == str(found)
    assert found == {n: case.outcomes[n] for n in some}


@pytest.mark.parametrize(
    "changed", [{"threads": 2}, {"slots": 32}, {"precision": "bfloat16"}, {"context": 640}]
)
def test_what_the_bytes_may_depend_on_is_in_the_fingerprint(
    tiny: Assets, changed: dict[str, object]
) -> None:
    assert engine(tiny, **changed).fingerprint != engine(tiny).fingerprint


def leaky_rows(made: ChatTTSEngine) -> ChatTTSEngine:
    """Broken on purpose: a row hears a little of its neighbour."""
    honest = made._model.embed

    def leaky(slots: Slots) -> Tensor:
        x = honest(slots)
        return x + 1e-3 * x.roll(1, 0)

    made._model.embed = leaky  # type: ignore[method-assign]
    return made


def seeded_by_slot(made: ChatTTSEngine) -> ChatTTSEngine:
    """Broken on purpose: the noise is the slot's, not the request's."""
    honest = made._slots.enter

    def by_slot(slot: int, entering: Generation) -> None:
        honest(slot, entering)
        made._slots.draw.seed[slot] = slot

    made._slots.enter = by_slot  # type: ignore[method-assign]
    return made


@pytest.fixture(scope="module", params=[leaky_rows, seeded_by_slot])
def broken(request: pytest.FixtureRequest, tiny: Assets) -> Case:
    return Case.of(mixed(24), "float32", lambda: request.param(engine(tiny)))


@pytest.mark.parametrize("compare", COMPARISONS)
def test_each_comparison_finds_an_engine_that_breaks_the_promise(
    broken: Case, compare: Comparison
) -> None:
    assert not same(broken, compare)


@pytest.fixture(scope="module", params=["float32", "bfloat16", INT8])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    assets = fabricate(tmp_path_factory.mktemp("full"), FULL, seed=2)
    return Case.of(
        mixed(24),
        request.param,
        lambda: engine(assets, precision=request.param, slots=16, threads=2),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_company_does_not_matter_at_full_size_either(full: Case, compare: Comparison) -> None:
    assert same(full, compare)

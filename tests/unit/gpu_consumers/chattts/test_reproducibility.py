"""The same request gives the same bytes.

Whatever the order of arrival, the slot, the neighbours, the number of busy slots, the worker and
the process.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import msgspec
import pytest
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL
from seedcast.gpu_consumers.engines.chattts.model.slots import Generation, Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate
from seedcast.schemas.messages import SpeechRequest
from tests.unit.gpu_consumers.chattts.company import engine, mixed, shuffled, speak

COUNT, SLOTS = 24, 16  # requests fill the slots, and some enter slots that others have left
MANY, MANY_SLOTS = 200, 64  # each slot is filled several times
NEEDS_VNNI = pytest.mark.skipif(
    not torch.cpu._is_vnni_supported(), reason="int8 needs VNNI, and is refused without it"
)
PRECISIONS = [
    "float32",
    pytest.param("bfloat16", marks=pytest.mark.slow),
    pytest.param("int8", marks=[NEEDS_VNNI, pytest.mark.slow]),
]
STRANGERS = 40


@dataclass(frozen=True)
class Scenario:
    """An engine, the outcomes of requests in their own order, and how to load an equal engine."""

    engine: ChatTTSEngine
    requests: list[SpeechRequest]
    outcomes: dict[int, str]
    precision: str
    load: Callable[[], ChatTTSEngine]

    @classmethod
    def of(
        cls, requests: list[SpeechRequest], precision: str, load: Callable[[], ChatTTSEngine]
    ) -> "Scenario":
        made = load()
        return cls(made, requests, speak(made, requests), precision, load)

    def some(self, count: int, seed: int) -> list[int]:
        """Return the indices of at most `count` requests, shuffled."""
        return shuffled(len(self.requests), seed)[:count]

    def quarter(self, seed: int) -> list[int]:
        """Return the indices of a quarter of the requests, at least 8."""
        return self.some(max(8, len(self.requests) // 4), seed)


def of_precision(tiny: Assets, precision: str, count: int, slots: int) -> Scenario:
    return Scenario.of(
        mixed(count), precision, lambda: engine(tiny, precision=precision, slots=slots)
    )


@pytest.fixture(scope="module", params=PRECISIONS)
def scenario(request: pytest.FixtureRequest, tiny: Assets) -> Scenario:
    return of_precision(tiny, request.param, COUNT, SLOTS)


@pytest.fixture(scope="module", params=PRECISIONS)
def many(request: pytest.FixtureRequest, tiny: Assets) -> Scenario:
    return of_precision(tiny, request.param, MANY, MANY_SLOTS)


def in_another_order(scenario: Scenario) -> dict[int, str]:
    return speak(scenario.engine, scenario.requests, scenario.some(len(scenario.requests), seed=1))


def in_an_almost_empty_batch(scenario: Scenario) -> dict[int, str]:
    return speak(
        scenario.engine,
        scenario.requests,
        scenario.some(max(2, len(scenario.requests) // 25), seed=2),
        at_once=1,
    )


def in_a_batch_that_is_never_full(scenario: Scenario) -> dict[int, str]:
    return speak(
        scenario.engine,
        scenario.requests,
        scenario.quarter(seed=3),
        at_once=scenario.engine.slots // 4 + 1,
    )


def among_strangers_and_garbage(scenario: Scenario) -> dict[int, str]:
    """Speak in a full batch, in slots whose caches and states hold garbage."""
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        for layer in scenario.engine._model._decoder.layers:
            for cache in (layer.keys, layer.values):
                cache.copy_(torch.randn(cache.shape, generator=generator) * 1e4)
        scenario.engine._slots.hidden.fill_(float("nan"))
    watched = scenario.quarter(seed=4)
    strangers = [
        msgspec.structs.replace(request, voice_seed=1000 + n)
        for n, request in enumerate(mixed(min(STRANGERS, scenario.engine.slots)))
    ]
    together = [*(scenario.requests[n] for n in watched), *strangers]
    outcomes = speak(scenario.engine, together, shuffled(len(together), seed=6))
    return {n: outcomes[index] for index, n in enumerate(watched)}


def in_two_engines(scenario: Scenario) -> dict[int, str]:
    other = scenario.load()
    assert other.fingerprint == scenario.engine.fingerprint
    halves = scenario.quarter(seed=7)
    return speak(other, scenario.requests, halves[::2]) | speak(
        scenario.engine, scenario.requests, halves[1::2]
    )


COMPARISONS = (
    in_another_order,
    in_an_almost_empty_batch,
    in_a_batch_that_is_never_full,
    among_strangers_and_garbage,
    in_two_engines,
)
Comparison = Callable[[Scenario], dict[int, str]]


def same(scenario: Scenario, compare: Comparison) -> bool:
    """Return True if a comparison finds the outcomes of the requests in their own order."""
    outcomes = compare(scenario)
    assert outcomes
    return outcomes == {n: scenario.outcomes[n] for n in outcomes}


def test_requests_differ_and_nearly_all_are_spoken(scenario: Scenario) -> None:
    """Otherwise equal outcomes would prove nothing."""
    waveforms = [outcome for outcome in scenario.outcomes.values() if " " in outcome]
    assert len(waveforms) > 0.9 * len(scenario.requests)
    assert len(set(waveforms)) > 0.9 * len(waveforms)


@pytest.mark.parametrize("compare", COMPARISONS)
def test_company_does_not_matter(scenario: Scenario, compare: Comparison) -> None:
    assert same(scenario, compare)


def test_nor_does_it_in_bfloat16(tiny: Assets) -> None:
    """The comparison that disturbs most, of the precision that the test above leaves as slow."""
    scenario = of_precision(tiny, "bfloat16", COUNT // 2, SLOTS)
    assert same(scenario, among_strangers_and_garbage)


RESTARTED = 8  # requests per precision; one of them passes the text stage


def spoken_elsewhere(tiny: Assets, precision: str) -> str:
    """Return the outcomes in another process, where the order of requests is reversed."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets\n"
        "from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak\n"
        "assets = Assets.open(Path(sys.argv[1]))\n"
        f"made = engine(assets, precision=sys.argv[2], slots={SLOTS})\n"
        f"outcomes = speak(made, mixed({RESTARTED}), reversed(range({RESTARTED})))\n"
        "print(sorted(outcomes.items()))"
    )
    command = [sys.executable, "-c", code, str(tiny.folder), precision]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return process.stdout.splitlines()[-1]


def test_a_restart_does_not_matter(scenario: Scenario, tiny: Assets) -> None:
    expected = [(n, scenario.outcomes[n]) for n in range(RESTARTED)]
    assert spoken_elsewhere(tiny, scenario.precision) == str(expected)


@pytest.mark.parametrize(
    "changed", [{"threads": 2}, {"slots": 32}, {"precision": "bfloat16"}, {"context": 640}]
)
def test_what_the_bytes_may_depend_on_is_in_the_fingerprint(
    tiny: Assets, changed: dict[str, object]
) -> None:
    assert engine(tiny, **changed).fingerprint != engine(tiny).fingerprint


def leaky_rows(made: ChatTTSEngine) -> ChatTTSEngine:
    """Broken on purpose: a little of its neighbour is added to each row."""
    honest = made._model.embed

    def leaky(slots: Slots) -> Tensor:
        x = honest(slots)
        return x + 1e-3 * x.roll(1, 0)

    made._model.embed = leaky  # type: ignore[method-assign]
    return made


def seeded_by_slot(made: ChatTTSEngine) -> ChatTTSEngine:
    """Broken on purpose: the noise depends on the slot, not on the request."""
    honest = made._slots.enter

    def by_slot(entering: Mapping[int, Generation]) -> None:
        honest({slot: replace(generation, seed=slot) for slot, generation in entering.items()})

    made._slots.enter = by_slot  # type: ignore[method-assign]
    return made


@pytest.fixture(scope="module", params=[leaky_rows, seeded_by_slot])
def broken(request: pytest.FixtureRequest, tiny: Assets) -> Scenario:
    return Scenario.of(mixed(12), "float32", lambda: request.param(engine(tiny, slots=8)))


@pytest.mark.slow
@pytest.mark.parametrize("compare", COMPARISONS)
def test_each_comparison_finds_an_engine_that_breaks_the_promise(
    broken: Scenario, compare: Comparison
) -> None:
    assert not same(broken, compare)


@pytest.fixture(scope="module", params=PRECISIONS)
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    assets = fabricate(tmp_path_factory.mktemp("full"), FULL, seed=2)
    return Scenario.of(
        mixed(24),
        request.param,
        lambda: engine(assets, precision=request.param, slots=16, threads=2),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_company_does_not_matter_at_full_size_either(full: Scenario, compare: Comparison) -> None:
    assert same(full, compare)


@pytest.mark.slow
@pytest.mark.parametrize("compare", COMPARISONS)
def test_company_does_not_matter_among_many_requests_either(
    many: Scenario, compare: Comparison
) -> None:
    assert same(many, compare)

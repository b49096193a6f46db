"""The fingerprint: what may change a waveform changes it, and nothing else does."""

from dataclasses import replace

import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.facts import engine_facts
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from tests.unit.gpu_consumers.chattts.company import engine

ON_CPU = (
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
)
ON_CUDA = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE")


class NamedHardware(Hardware):
    """Its name is fixed, so that no driver is asked for it."""

    @property
    def name(self) -> str:
        return "a device"


CPU = NamedHardware(torch.device("cpu"), "float32", slots=16, context=512, threads=2)
CUDA = replace(CPU, device=torch.device("cuda"))


@pytest.fixture(autouse=True)
def _no_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ON_CPU, *ON_CUDA):
        monkeypatch.delenv(name, raising=False)


def facts(hardware: Hardware = CPU) -> dict[str, object]:
    return engine_facts("weights", "front end", hardware)


def name_of(hardware: Hardware = CPU) -> str:
    return fingerprint(facts(hardware))


def test_it_is_the_engines_name_and_half_a_sha_256_of_the_facts_as_sorted_json() -> None:
    name = fingerprint({"engine": "toy", "b": ("x", 1), "a": None})
    assert name == "toy-65bebfe29da1ce3e30429f19ace147a6"


@pytest.mark.parametrize(
    ("variable", "hardware"),
    [*((name, CPU) for name in ON_CPU), *((name, CUDA) for name in (*ON_CPU, *ON_CUDA))],
)
def test_a_variable_that_chooses_a_librarys_programs_changes_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, hardware: Hardware
) -> None:
    unset = name_of(hardware)
    monkeypatch.setenv(variable, "AVX2")
    assert facts(hardware)["environment"] == {variable: "AVX2"}
    one = name_of(hardware)
    monkeypatch.setenv(variable, "DEFAULT")
    assert len({unset, one, name_of(hardware)}) == 3


@pytest.mark.parametrize("variable", [*ON_CUDA, "SEEDCAST_LOG_LEVEL", "HOSTNAME", "ONEDNN_VERBOSE"])
def test_any_other_variable_does_not_change_it(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    before = name_of()
    monkeypatch.setenv(variable, "1")
    assert name_of() == before


def test_an_engine_keeps_the_facts_that_its_fingerprint_is_a_hash_of(tiny: Assets) -> None:
    made = engine(tiny)
    assert fingerprint(made.facts) == made.fingerprint
    assert (made.facts["slots"], made.facts["weights"]) == (made.slots, tiny.digest())

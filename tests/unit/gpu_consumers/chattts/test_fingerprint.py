"""The fingerprint: what may change a waveform changes it, and nothing else does."""

from dataclasses import replace

import pytest
import torch

from gpu_consumers.engines.chattts import fingerprint
from gpu_consumers.engines.chattts.hardware import Hardware
from gpu_consumers.engines.chattts.weights.assets import Assets
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


class Device(Hardware):
    """With a name that no driver is asked for."""

    @property
    def name(self) -> str:
        return "a device"


CPU = Device(torch.device("cpu"), "float32", slots=16, context=512, threads=2)
CUDA = replace(CPU, device=torch.device("cuda"))


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ON_CPU, *ON_CUDA):
        monkeypatch.delenv(name, raising=False)


def facts(hardware: Hardware = CPU) -> dict[str, object]:
    return fingerprint.facts("weights", "front end", hardware)


def named(hardware: Hardware = CPU) -> str:
    return fingerprint.fingerprint(facts(hardware))


@pytest.mark.parametrize(
    ("name", "hardware"),
    [*((name, CPU) for name in ON_CPU), *((name, CUDA) for name in (*ON_CPU, *ON_CUDA))],
)
def test_a_variable_that_chooses_a_librarys_programs_changes_it(
    monkeypatch: pytest.MonkeyPatch, name: str, hardware: Hardware
) -> None:
    before = named(hardware)
    monkeypatch.setenv(name, "AVX2")
    assert facts(hardware)["environment"] == {name: "AVX2"}
    one = named(hardware)
    monkeypatch.setenv(name, "DEFAULT")
    assert len({before, one, named(hardware)}) == 3


@pytest.mark.parametrize("name", [*ON_CUDA, "SEEDCAST_LOG_LEVEL", "HOSTNAME", "ONEDNN_VERBOSE"])
def test_another_variable_does_not(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = named()
    monkeypatch.setenv(name, "1")
    assert named() == before


def test_an_engine_keeps_the_facts_that_its_fingerprint_is_a_hash_of(tiny: Assets) -> None:
    made = engine(tiny)
    assert fingerprint.fingerprint(made.facts) == made.fingerprint
    assert (made.facts["slots"], made.facts["weights"]) == (made.slots, tiny.digest())

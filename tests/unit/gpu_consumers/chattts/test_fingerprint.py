"""The fingerprint: what may change a waveform changes it, and nothing else does."""

from dataclasses import dataclass, replace

import pytest
import torch

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.facts import engine_facts
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.variables import (
    HARMLESS,
    PREFIXES,
    numeric_variables,
    refuse_dynamic_threads,
)
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from tests.unit.gpu_consumers.chattts.company import engine

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "DNNL_DEFAULT_FPMATH_MODE",
    "MKL_CBWR",
    "NUMBA_CPU_NAME",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_THREAD_LIMIT",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_BLAS_PREFER_CUBLASLT",
    *(f"{prefix}_OF_A_LATER_VERSION" for prefix in PREFIXES),
)


@dataclass(frozen=True)
class NamedHardware(Hardware):
    """What a driver would say is given, so that none is asked."""

    gpu_capability: str = "9.0"
    gpu_multiprocessors: int = 132

    @property
    def name(self) -> str:
        return "a device"

    @property
    def capability(self) -> str:
        return self.gpu_capability

    @property
    def multiprocessors(self) -> int:
        return self.gpu_multiprocessors


CPU = NamedHardware(torch.device("cpu"), "float32", slots=16, context=512, threads=2)
CUDA = replace(CPU, device=torch.device("cuda"))


@pytest.fixture(autouse=True)
def _no_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in numeric_variables():
        monkeypatch.delenv(name)


def facts(hardware: Hardware = CPU) -> dict[str, object]:
    return engine_facts("weights", "front end", hardware)


def name_of(hardware: Hardware = CPU) -> str:
    return fingerprint(facts(hardware))


def test_it_is_the_engines_name_and_half_a_sha_256_of_the_facts_as_sorted_json() -> None:
    name = fingerprint({"engine": "toy", "b": ("x", 1), "a": None})
    assert name == "toy-65bebfe29da1ce3e30429f19ace147a6"


@pytest.mark.sample(12)
@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("hardware", [CPU, CUDA], ids=["CPU", "CUDA"])
def test_a_variable_of_a_numeric_library_changes_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, hardware: Hardware
) -> None:
    unset = name_of(hardware)
    monkeypatch.setenv(variable, "AVX2")
    assert facts(hardware)["environment"] == {variable: "AVX2"}
    one = name_of(hardware)
    monkeypatch.setenv(variable, "DEFAULT")
    assert len({unset, one, name_of(hardware)}) == 3


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    "variable", [*sorted(HARMLESS), "SEEDCAST_LOG_LEVEL", "HOSTNAME", "NVIDIA_API_KEY"]
)
def test_any_other_variable_does_not_change_it(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    before = name_of(CPU), name_of(CUDA)
    monkeypatch.setenv(variable, "1")
    assert (name_of(CPU), name_of(CUDA)) == before


@pytest.mark.parametrize("value", ["true", "TRUE", " true ", "1"])
def test_threads_whose_number_depends_on_the_load_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OMP_DYNAMIC", value)
    with pytest.raises(EngineFailed, match=r"OMP_DYNAMIC; expected false.*unset it"):
        refuse_dynamic_threads()
    monkeypatch.setenv("OMP_DYNAMIC", "false")
    refuse_dynamic_threads()
    assert facts()["environment"] == {"OMP_DYNAMIC": "false"}


@pytest.mark.parametrize("changed", [{"gpu_capability": "10.0"}, {"gpu_multiprocessors": 114}])
def test_another_kind_of_gpu_changes_it(changed: dict[str, object]) -> None:
    other = replace(CUDA, **changed)  # type: ignore[arg-type]
    assert name_of(other) != name_of(CUDA)
    assert facts(other)["cuda"] != facts(CUDA)["cuda"]


def test_the_versions_of_a_devices_libraries_are_in_it() -> None:
    cuda = facts(CUDA)["cuda"]
    assert isinstance(cuda, dict)
    assert {"triton", "nvidia-cublas"} <= cuda["libraries"].keys()
    assert any(name.startswith("nvidia-cudnn") for name in cuda["libraries"])


def test_threads_count_on_a_cpu_alone() -> None:
    assert name_of(replace(CPU, threads=3)) != name_of(CPU)
    assert name_of(replace(CUDA, threads=3)) == name_of(CUDA)


def test_an_engine_keeps_the_facts_that_its_fingerprint_is_a_hash_of(tiny: Assets) -> None:
    made = engine(tiny)
    assert fingerprint(made.facts) == made.fingerprint
    assert (made.facts["slots"], made.facts["weights"]) == (made.slots, tiny.digest())


def test_what_the_libraries_say_of_themselves_is_in_it() -> None:
    """Whatever made it so: here it is the number of threads, set after all the settings."""
    before = torch.get_num_threads()
    names = set[str]()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            names.add(name_of())
    finally:
        torch.set_num_threads(before)
    assert len(names) == 2
    libraries = facts()["libraries"]
    assert isinstance(libraries, dict)
    assert any("MKL-DNN v" in line for line in libraries["torch"])
    assert libraries["openmp"]["dynamic"] == 0

"""The choice of hardware, and the refusal of too much memory before it is allocated."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts import hardware
from seedcast.gpu_consumers.engines.chattts.hardware import (
    HEADROOM,
    MIB,
    RUNTIME,
    Hardware,
    choose,
    ensure_fits,
    static_memory,
)
from seedcast.gpu_consumers.engines.chattts.kernels import attention_cpu
from seedcast.gpu_consumers.engines.chattts.load import prepare
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY
from seedcast.settings import GpuSettings

SMALL = Hardware(torch.device("cpu"), "float32", slots=16, context=512, threads=2)
HUGE = replace(SMALL, slots=4096, context=4096)  # two terabytes of cache at full size


def settings(**changes: object) -> GpuSettings:
    return GpuSettings.model_validate({"device": "cpu"} | changes)


@pytest.mark.parametrize(
    ("limit", "free"), [("max", 900), (str(300 * MIB), 200), (str(2000 * MIB), 900), (None, 900)]
)
def test_a_containers_limit_counts_but_the_files_it_caches_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None, free: int
) -> None:
    if limit:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
        (tmp_path / "memory.stat").write_text(f"anon {100 * MIB}\nfile {150 * MIB}\n")
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=900 * MIB))
    assert hardware.free_memory(torch.device("cpu")) == free * MIB


def test_float16_is_refused_on_a_cpu() -> None:
    with pytest.raises(
        EngineFailed, match=r"SEEDCAST_GPU_PRECISION.*float32, bfloat16 or int8 on a CPU"
    ):
        choose(settings(precision="float16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_cuda_device_is_refused() -> None:
    with pytest.raises(EngineFailed, match="SEEDCAST_GPU_DEVICE"):
        choose(settings(device="cuda"))


def test_auto_precision_is_bfloat16_only_if_it_is_fast() -> None:
    expected = "bfloat16" if torch.cpu._is_amx_tile_supported() else "float32"
    assert choose(settings()).precision == expected
    assert choose(settings(precision="bfloat16")).dtype is torch.bfloat16
    assert choose(settings(precision="float32")).dtype is torch.float32


def test_settings_are_kept_and_the_rest_is_chosen() -> None:
    configured = choose(settings(slots=48, context=768, threads=3))
    assert (configured.slots, configured.context, configured.threads) == (48, 768, 3)
    chosen = choose(settings())
    assert (chosen.slots, chosen.context, chosen.device.type) == (64, 1024, "cpu")
    assert chosen.threads == len(psutil.Process().cpu_affinity())


def test_memory_that_fits_is_returned_by_part() -> None:
    parts = ensure_fits(TINY, SMALL)
    assert parts == static_memory(TINY, SMALL)
    assert parts["cache"] == 2 * 16 * TINY.layers * 512 * TINY.hidden * 4
    half = static_memory(TINY, replace(SMALL, precision="bfloat16"))
    assert half["cache"] * 2 == parts["cache"]
    assert half["weights"] < parts["weights"]
    assert half["states"] == parts["states"]


def test_loading_takes_the_float32_checkpoint_and_the_runtime_for_any_number_of_slots() -> None:
    checkpoint = FULL.layers * (4 * FULL.hidden**2 + 3 * FULL.hidden * FULL.intermediate) * 4
    parts = [
        static_memory(FULL, replace(SMALL, precision=precision, slots=slots))
        for precision in ("float32", "bfloat16", "int8")
        for slots in (16, 128)
    ]
    assert len({part["loading"] for part in parts}) == 1
    assert parts[0]["loading"] > checkpoint + RUNTIME
    on_a_device = static_memory(FULL, replace(SMALL, device=torch.device("cuda")))
    assert parts[0]["loading"] - on_a_device["loading"] == checkpoint


@pytest.mark.parametrize(
    ("precision", "slots", "peak"),
    [
        ("float32", 64, 8_973),
        ("bfloat16", 64, 6_285),
        ("int8", 64, 5_236),
        ("float32", 128, 14_378),
    ],
)
def test_the_estimate_is_near_the_measured_peak_at_full_size(
    precision: str, slots: int, peak: int
) -> None:
    """`peak` is the benchmark's highest resident set in MiB, at a context of 704."""
    measured = replace(SMALL, precision=precision, slots=slots, context=704)
    total = sum(static_memory(FULL, measured).values()) // MIB
    assert 0.9 * peak < total < 1.1 * peak


def test_a_machine_that_can_hold_the_parts_but_not_load_them_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = replace(SMALL, slots=64)
    parts = static_memory(FULL, large)
    free = (sum(parts.values()) - parts["loading"] // 2) / HEADROOM
    monkeypatch.setattr(hardware, "free_memory", lambda _device: int(free))
    with pytest.raises(EngineFailed, match=r"loading [0-9,]+.*SEEDCAST_GPU_SLOTS to [1-9]"):
        ensure_fits(FULL, large)
    monkeypatch.setattr(hardware, "free_memory", lambda _device: int(free + parts["loading"]))
    assert ensure_fits(FULL, large) == parts


def test_the_refusal_names_the_largest_number_of_slots_that_fits() -> None:
    with pytest.raises(EngineFailed) as caught:
        ensure_fits(FULL, HUGE)
    limit = int(re.sub(r"\D", "", caught.value.expected.split("MiB")[0])) * MIB
    assert limit <= HEADROOM * psutil.virtual_memory().total
    slots = int(re.search(r"SEEDCAST_GPU_SLOTS to (\d+)", caught.value.remedy)[1])
    assert sum(static_memory(FULL, replace(HUGE, slots=slots)).values()) <= limit + MIB
    assert sum(static_memory(FULL, replace(HUGE, slots=slots + 1)).values()) > limit
    # Half of them, since the free memory changes from one moment to the next.
    ensure_fits(FULL, replace(HUGE, slots=slots // 2))


def test_weights_that_do_not_fit_need_another_machine() -> None:
    with pytest.raises(EngineFailed, match="larger machine"):
        ensure_fits(replace(FULL, layers=10_000_000), SMALL)


def test_torch_has_the_threads_that_are_asked_for_whatever_numba_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """numba sets those of OpenMP when its own start: both libraries have one OpenMP."""
    before = torch.get_num_threads()
    monkeypatch.setattr(attention_cpu, "use_threads", lambda _: torch.set_num_threads(2))
    try:
        prepare(Hardware(torch.device("cpu"), "float32", slots=4, context=512, threads=1))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)

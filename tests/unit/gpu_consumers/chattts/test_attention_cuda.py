"""The attention of CUDA devices agrees with that of CPUs, and it compiles.

Triton's interpreter runs it here; tests/gpu runs it on a device.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import triton
from torch import Tensor
from triton._C.libtriton import native_specialize_impl
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import CUDABackend
from triton.compiler import ASTSource

from seedcast.gpu_consumers.engines.chattts.kernels import attention_cuda, rowwise_torch
from seedcast.gpu_consumers.engines.chattts.kernels.attention_cpu import attend
from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import BLOCK
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL

# query, key, value, keys, values, position
Arguments = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
Result = tuple[Tensor, Tensor, Tensor]  # the result of `attend`, and the keys and values after it

LENGTHS = (1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 6)
HEADS, SIZE = 2, 16
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def arguments(dtype: torch.dtype, order: list[int], garbage: float | None = None) -> Arguments:
    """Return a row for each length, in some order.

    `garbage` fills the cache from each row's position on.
    """
    random = torch.Generator().manual_seed(1)
    position = torch.tensor(LENGTHS) - 1
    projected = torch.randn(len(LENGTHS), 3, HEADS, SIZE, generator=random)
    keys, values = torch.randn(
        2, len(LENGTHS), HEADS, max(LENGTHS), SIZE, generator=random
    ).unbind()
    if garbage is not None:
        for row, own in enumerate(position.tolist()):
            keys[row, :, own:] = values[row, :, own:] = garbage
    query = projected[order, 0] * 3
    key, value = projected[order].to(dtype)[:, 1:].unbind(1)  # with strides, as in the decoder
    return query, key, value, keys[order].to(dtype), values[order].to(dtype), position[order]


ORDER = list(range(len(LENGTHS)))
CALLS = {f"{dtype}": arguments(dtype, ORDER) for dtype in DTYPES} | {
    "garbage": arguments(torch.float32, ORDER, garbage=float("nan")),
    "reversed": arguments(torch.float32, ORDER[::-1]),
}


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """The result of each of CALLS in Triton's interpreter."""
    folder = tmp_path_factory.mktemp("interpreted")
    calls, results = folder / "calls", folder / "results"
    torch.save(list(CALLS.values()), calls)
    module = "tests.unit.gpu_consumers.chattts.interpreted"
    command = [sys.executable, "-m", module, str(calls), str(results)]
    subprocess.run(command, env=os.environ | {"TRITON_INTERPRET": "1"}, check=True)
    return dict(zip(CALLS, torch.load(results), strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_it_computes_and_writes_what_the_cpus_attention_does(
    interpreted: dict[str, Result], name: str
) -> None:
    """The CPU's has no float16, so it gets float32, which holds every value of the others."""
    query, key, value, keys, values, position = (
        tensor.clone().contiguous() if n in (0, 5) else tensor.float()
        for n, tensor in enumerate(CALLS[name])
    )
    keys, values = keys.clone(), values.clone()
    expected = attend(query, key.contiguous(), value.contiguous(), keys, values, position)
    result, keys_after, values_after = interpreted[name]
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)
    for cache, expected_cache in ((keys_after, keys), (values_after, values)):
        assert torch.equal(cache.float().nan_to_num(), expected_cache.nan_to_num())


def test_garbage_from_its_position_on_does_not_reach_a_row(interpreted: dict[str, Result]) -> None:
    assert torch.equal(interpreted["garbage"][0], interpreted["torch.float32"][0])


def test_a_row_has_the_same_bits_in_another_slot(interpreted: dict[str, Result]) -> None:
    assert torch.equal(interpreted["reversed"][0].flip(0), interpreted["torch.float32"][0])


class Launch:
    """Takes the place of the kernel, and keeps what it is launched with."""

    def __init__(self) -> None:
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __getitem__(self, grid: tuple[int, ...]) -> "Launch":
        return self

    def __call__(self, *arguments: Any, **options: Any) -> None:
        self.arguments, self.options = arguments, options


def launch(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> Launch:
    """Return a launch as the decoder makes it at full size, but for the number of rows."""
    rows, positions = 2, 1024
    heads, size = FULL.heads, FULL.head_size
    projected = torch.zeros(rows, 3, heads, size, dtype=dtype)
    query, key = rowwise_torch.rotate(projected, *torch.zeros(2, rows, size))
    keys, values = torch.zeros(2, rows, heads, positions, size, dtype=dtype)
    position = torch.zeros(rows, dtype=torch.int64)
    made = Launch()
    with monkeypatch.context() as patch:
        patch.setattr(attention_cuda, "_attend", made)
        value = projected[:, 2].to(dtype)
        attention_cuda.attend(query, key.to(dtype), value, keys, values, position)
    return made


def compiled(launched: Launch, capability: int) -> Any:
    """Compile the kernel as a launch would on a device: triton looks at what 16 divides."""
    names = attention_cuda._attend.arg_names
    types, constants, attributes = {}, {}, {}
    for index, (name, value) in enumerate(zip(names, launched.arguments, strict=False)):
        kind, divisible = native_specialize_impl(CUDABackend, value, False, True, True)
        types[name], attributes[index,] = kind, CUDABackend.parse_attr(divisible or "")
    options = dict(launched.options)
    for name in names[len(launched.arguments) :]:
        types[name], constants[names.index(name),] = "constexpr", options.pop(name)
    source = ASTSource(attention_cuda._attend, types, constants, attributes)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def resources(cubin: bytes, file: Path) -> dict[str, int]:
    """Return registers, bytes of stack and so on, of one thread."""
    file.write_bytes(cubin)
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    command = [tool, "--dump-resource-usage", file]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", printed)}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("capability", [80, 90, 100])
def test_it_compiles_to_wide_asynchronous_loads_without_spills(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capability: int, dtype: torch.dtype
) -> None:
    """Compiling needs no device. Four warps of 128 registers leave room for four programs."""
    program = compiled(launch(monkeypatch, dtype), capability)
    asynchronous = re.findall(r"cp\.async\.c.\.shared.*, (0x\w+),", program.asm["ptx"])
    assert set(asynchronous) == {"0x10"}, "loads of the cache that are not 16 bytes wide"
    used = resources(program.asm["cubin"], tmp_path / "kernel.cubin")
    assert used["REG"] <= 128
    assert (used["STACK"], used["LOCAL"]) == (0, 0)

"""The attention of CUDA devices against that of CPUs, in Triton's interpreter; that it compiles. tests/gpu runs it on a device."""

import os
import subprocess
import sys

import pytest
import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gpu_consumers.engines.chattts.kernels import attention_cuda
from gpu_consumers.engines.chattts.kernels.attention_cpu import attend
from gpu_consumers.engines.chattts.kernels.attention_cuda import BLOCK

Case = tuple[
    Tensor, Tensor, Tensor, Tensor, Tensor, Tensor
]  # query, key, value, keys, values, position

LENGTHS = (1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 6)
HEADS, SIZE = 2, 16
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def case(dtype: torch.dtype, order: list[int], beyond: float | None = None) -> Case:
    """A row for each length, in some order; `beyond` fills the cache from each row's position on."""
    random = torch.Generator().manual_seed(1)
    position = torch.tensor(LENGTHS) - 1
    projected = torch.randn(len(LENGTHS), 3, HEADS, SIZE, generator=random)
    keys, values = torch.randn(
        2, len(LENGTHS), HEADS, max(LENGTHS), SIZE, generator=random
    ).unbind()
    if beyond is not None:
        for row, own in enumerate(position.tolist()):
            keys[row, :, own:] = values[row, :, own:] = beyond
    query, (key, value) = (
        projected[order, 0] * 3,
        projected[order].to(dtype)[:, 1:].unbind(1),
    )  # with strides, as in the decoder
    return query, key, value, keys[order].to(dtype), values[order].to(dtype), position[order]


ORDER = list(range(len(LENGTHS)))
CASES = {f"{dtype}": case(dtype, ORDER) for dtype in DTYPES} | {
    "garbage": case(torch.float32, ORDER, beyond=float("nan")),
    "reversed": case(torch.float32, ORDER[::-1]),
}


@pytest.fixture(scope="module")
def interpreted(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Of each case the result, the keys and the values after it."""
    folder = tmp_path_factory.mktemp("interpreted")
    torch.save(list(CASES.values()), folder / "given")
    command = [
        sys.executable,
        "-m",
        "tests.unit.gpu_consumers.chattts.interpreted",
        str(folder / "given"),
        str(folder / "found"),
    ]
    subprocess.run(command, env=os.environ | {"TRITON_INTERPRET": "1"}, check=True)
    return dict(zip(CASES, torch.load(folder / "found"), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_it_computes_and_writes_what_the_cpus_does(
    interpreted: dict[str, tuple[Tensor, Tensor, Tensor]], name: str
) -> None:
    """The CPU's has no float16, and float32 holds what the others hold."""
    query, key, value, keys, values, position = (
        tensor.clone().contiguous() if n in (0, 5) else tensor.float()
        for n, tensor in enumerate(CASES[name])
    )
    keys, values = keys.clone(), values.clone()
    expected = attend(query, key.contiguous(), value.contiguous(), keys, values, position)
    found, found_keys, found_values = interpreted[name]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    for cache, after in ((found_keys, keys), (found_values, values)):
        assert torch.equal(cache.float().nan_to_num(), after.nan_to_num())


def test_garbage_from_its_position_on_does_not_reach_a_row(
    interpreted: dict[str, tuple[Tensor, Tensor, Tensor]],
) -> None:
    assert torch.equal(interpreted["garbage"][0], interpreted["torch.float32"][0])


def test_a_row_has_the_same_bits_in_another_slot(
    interpreted: dict[str, tuple[Tensor, Tensor, Tensor]],
) -> None:
    assert torch.equal(interpreted["reversed"][0].flip(0), interpreted["torch.float32"][0])


@pytest.mark.parametrize("cache", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_down_to_machine_code(capability: int, cache: str) -> None:
    """No device is needed for it."""
    kernel = attention_cuda._attend
    types = dict.fromkeys(kernel.arg_names, "i32")
    types |= {
        "query": "*fp32",
        "out": "*fp32",
        "position": "*i64",
        "scale": "fp32",
        "size": "constexpr",
        "block": "constexpr",
    }
    types |= dict.fromkeys(("key", "value", "keys", "values"), f"*{cache}")
    constants = {
        (kernel.arg_names.index(name),): value for name, value in (("size", 64), ("block", BLOCK))
    }
    compiled = triton.compile(
        ASTSource(kernel, types, constants),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": 4},
    )
    assert compiled.asm["cubin"]

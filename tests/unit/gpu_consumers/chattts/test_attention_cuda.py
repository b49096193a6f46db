"""The attention of CUDA devices agrees with that of CPUs, and it compiles.

Triton's interpreter runs it here; tests/gpu runs it on a device.
"""

import os
import subprocess
import sys

import pytest
import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from seedcast.gpu_consumers.engines.chattts.kernels import attention_cuda
from seedcast.gpu_consumers.engines.chattts.kernels.attention_cpu import attend
from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import BLOCK

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


@pytest.mark.parametrize("cache", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_down_to_machine_code(capability: int, cache: str) -> None:
    """Compiling needs no device."""
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
    source, target = ASTSource(kernel, types, constants), GPUTarget("cuda", capability, 32)
    compiled = triton.compile(source, target=target, options={"num_warps": 4})
    assert compiled.asm["cubin"]

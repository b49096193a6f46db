"""The Triton attention on a device: scaled dot product attention up to each row's position.

No row's result depends on another row.
"""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from seedcast.gpu_consumers.engines.chattts.kernels.attention_cuda import BLOCK, attend

ROWS, HEADS, POSITIONS, SIZE = 32, 12, 512, 64
EDGES = (0, 1, BLOCK - 2, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, POSITIONS - 1)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)

# query, key, value, keys, values, position
Arguments = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def arguments(device: torch.device, dtype: torch.dtype) -> Arguments:
    random = torch.Generator().manual_seed(1)
    query, key, value = torch.randn(3, ROWS, HEADS, SIZE, generator=random).to(device).unbind()
    keys, values = (
        torch.randn(2, ROWS, HEADS, POSITIONS, SIZE, generator=random).to(device, dtype).unbind()
    )
    position = torch.randint(0, POSITIONS, (ROWS,), generator=random)
    position[: len(EDGES)] = torch.tensor(EDGES)
    return query * 3, key.to(dtype), value.to(dtype), keys, values, position.to(device)


@DTYPES
def test_it_is_scaled_dot_product_attention(device: torch.device, dtype: torch.dtype) -> None:
    query, key, value, keys, values, position = arguments(device, dtype)
    result = attend(query, key, value, keys, values, position)
    for row, own in enumerate(position.tolist()):
        assert torch.equal(keys[row, :, own], key[row])
        assert torch.equal(values[row, :, own], value[row])
        valid = (query[row][:, None], keys[row, :, : own + 1], values[row, :, : own + 1])
        expected = scaled_dot_product_attention(*(tensor.double() for tensor in valid))[:, 0]
        torch.testing.assert_close(result[row].double(), expected, rtol=0, atol=1e-5)


@DTYPES
def test_slot_neighbours_and_garbage_do_not_matter(
    device: torch.device, dtype: torch.dtype
) -> None:
    query, key, value, keys, values, position = arguments(device, dtype)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(2)).to(device)
    moved = [tensor[order].contiguous() for tensor in (query, key, value, keys, values, position)]
    for row, own in enumerate(moved[-1].tolist()):
        for cache in moved[3:5]:
            cache[row, :, own:] = float("nan")
    expected = attend(query, key, value, keys, values, position)
    assert torch.equal(attend(*moved), expected[order])

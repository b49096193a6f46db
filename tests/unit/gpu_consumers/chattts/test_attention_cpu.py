"""Attention over a row's own cache gives the exact result.

Neither stale positions nor other rows can change a bit of it.
"""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from seedcast.gpu_consumers.engines.chattts.kernels.attention_cpu import attend, use_threads

ROWS, HEADS, POSITIONS = 17, 4, 96
GARBAGE = [float("nan"), float("inf"), 3e38, -3e38]


@dataclass(frozen=True)
class Inputs:
    query: Tensor
    key: Tensor
    value: Tensor
    keys: Tensor
    values: Tensor
    position: Tensor

    def attended(self) -> Tensor:
        """Return the result of `attend` on copies of the cache, since it writes into it."""
        return attend(
            self.query, self.key, self.value, self.keys.clone(), self.values.clone(), self.position
        )


def inputs(dtype: torch.dtype, size: int = 16) -> Inputs:
    random = torch.Generator().manual_seed(size)
    query, key, value = (torch.randn(ROWS, HEADS, size, generator=random) for _ in range(3))
    keys, values = (
        torch.randn(ROWS, HEADS, POSITIONS, size, generator=random).to(dtype) for _ in range(2)
    )
    position = torch.randint(0, POSITIONS, (ROWS,), generator=random)
    position[:3] = torch.tensor([0, POSITIONS - 1, 1])
    return Inputs(query * 3, key.to(dtype), value.to(dtype), keys, values, position)


DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        (torch.float32, 16),
        (torch.bfloat16, 16),
        pytest.param(torch.float32, 64, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_it_is_scaled_dot_product_attention_up_to_each_rows_position(
    dtype: torch.dtype, size: int
) -> None:
    given = inputs(dtype, size)
    result = given.attended()
    assert result.dtype == torch.float32
    for row, last in enumerate(given.position.tolist()):
        keys, values = (
            torch.cat([cache[row, :, :last], new[row][:, None]], 1).float()
            for cache, new in ((given.keys, given.key), (given.values, given.value))
        )
        expected = scaled_dot_product_attention(given.query[row][:, None], keys, values)[:, 0]
        torch.testing.assert_close(result[row], expected, rtol=1e-5, atol=2e-6)


@DTYPES
def test_it_writes_the_new_position_and_nothing_else(dtype: torch.dtype) -> None:
    given = inputs(dtype)
    keys, values = given.keys.clone(), given.values.clone()
    attend(given.query, given.key, given.value, keys, values, given.position)
    rows = torch.arange(ROWS)
    for cache, before, new in ((keys, given.keys, given.key), (values, given.values, given.value)):
        expected = before.clone()
        expected[rows, :, given.position] = new
        assert torch.equal(cache, expected)


@DTYPES
@pytest.mark.parametrize("garbage", GARBAGE)
def test_stale_values_from_a_rows_position_on_do_not_change_a_bit(
    dtype: torch.dtype, garbage: float
) -> None:
    given = inputs(dtype)
    keys, values = given.keys.clone(), given.values.clone()
    for row, last in enumerate(given.position.tolist()):
        # the row's own position is written before it is read
        keys[row, :, last:] = values[row, :, last:] = garbage
    assert torch.equal(replace(given, keys=keys, values=values).attended(), given.attended())


@DTYPES
@pytest.mark.parametrize("garbage", GARBAGE)
def test_values_of_other_rows_do_not_change_a_bit(dtype: torch.dtype, garbage: float) -> None:
    given = inputs(dtype)
    expected = given.attended()
    for row in (0, 1, 8, ROWS - 1):
        others = torch.arange(ROWS) != row
        changed = Inputs(*(part.clone() for part in vars(given).values()))
        for part in (changed.query, changed.key, changed.value, changed.keys, changed.values):
            part[others] = garbage
        changed.position[others] = POSITIONS - 1 - changed.position[others]
        assert torch.equal(changed.attended()[row], expected[row])


@DTYPES
def test_a_row_has_the_same_bits_in_every_slot_and_with_any_threads(dtype: torch.dtype) -> None:
    given = inputs(dtype)
    expected = given.attended()
    order = torch.arange(ROWS).flip(0)
    reversed_rows = Inputs(*(part[order].contiguous() for part in vars(given).values()))
    try:
        use_threads(1)
        assert torch.equal(reversed_rows.attended()[order], expected)
    finally:
        use_threads(2)

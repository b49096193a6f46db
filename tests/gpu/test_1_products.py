"""Every matrix product of the full-size model gives a row the same bits in every slot.

Whatever the other rows are, and every time.
"""

import pytest
import torch

from seedcast.gpu_consumers.engines.chattts.kernels.linear import prepare
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL

HIDDEN, WIDE = FULL.hidden, FULL.intermediate
SHAPES = {  # outputs, inputs
    "query, key, value": (3 * HIDDEN, HIDDEN),
    "output": (HIDDEN, HIDDEN),
    "gate, up": (2 * WIDE, HIDDEN),
    "down": (HIDDEN, WIDE),
}
HEADS = {
    "code head": (FULL.codebooks * FULL.audio_tokens, HIDDEN),
    "text head": (FULL.text_tokens, HIDDEN),
}
PRODUCTS = [
    pytest.param(shape, dtype, id=f"{name} {dtype}")
    for name, shape in SHAPES.items()
    for dtype in (torch.float32, torch.bfloat16, torch.float16)
]
PRODUCTS += [
    pytest.param(shape, torch.float32, id=f"{name} {torch.float32}")
    for name, shape in HEADS.items()
]


@pytest.mark.parametrize("rows", [16, 64, 100, 256])
@pytest.mark.parametrize(("shape", "dtype"), PRODUCTS)
def test_a_row_has_the_same_product_in_every_slot(
    device: torch.device, rows: int, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    random = torch.Generator().manual_seed(rows)
    weight, row, others = (
        torch.randn(count, shape[1], generator=random).to(device, dtype)
        for count in (shape[0], 1, rows)
    )
    product = prepare(weight, rows)
    expected = product(row.expand(rows, -1).contiguous())
    assert torch.equal(expected, expected[:1].expand_as(expected))
    for slot in range(rows):
        mixed = others.clone()
        mixed[slot] = row
        assert torch.equal(product(mixed)[slot], expected[0]), f"slot {slot} of {rows}"

"""Matrix products whose shape never changes: one row a slot, and every row the same program.

A library may compute the last rows of a product by another program than the first ones, so that equal rows come out
with other bits (measured: oneDNN's float32 on AVX2 takes six rows at a time, and the rest otherwise). So each shape is
probed when the engine is loaded, in the form and the number of rows that it will run with, and what fails is not used.
"""

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from seedcast.errors import EngineFailed

Linear = Callable[[Tensor], Tensor]  # (rows, inputs), which is rounded to the weight's type, to (rows, outputs) in that type

_PADDING = (1, 6, 8, 12, 16, 32, 48)  # the rows are filled up to a multiple of one of these
_PROBES = 3


def prepare(weight: Tensor, rows: int) -> Linear:
    """The product with a weight (outputs, inputs). Raises EngineFailed where no form of it treats all rows alike."""
    packed, filled = _form(rows, *weight.shape, weight.dtype, weight.device, torch.get_num_threads())
    product = _packed(weight, filled) if packed else lambda x: linear(x, weight)
    if filled == rows:
        return lambda x: product(x.to(weight.dtype))
    return lambda x: product(pad(x.to(weight.dtype), (0, 0, 0, filled - rows)))[:rows]


@cache
def _form(rows: int, outputs: int, inputs: int, dtype: torch.dtype, device: torch.device, threads: int) -> tuple[bool, int]:
    """Whether packed, and the number of rows, for this number of threads (which rows are shared among).

    Packed is 1.3 to 1.6 times as fast (16 to 128 rows of float32, AVX2, 2 cores).
    """
    random = torch.Generator().manual_seed(outputs * 65_537 + inputs)
    weight = torch.randn(outputs, inputs, generator=random).to(device, dtype)
    for packed, filled in _forms(rows, dtype, device):
        product = _packed(weight, filled) if packed else lambda x: linear(x, weight)
        if symmetric(product, filled, inputs, dtype, device):
            return packed, filled
    raise EngineFailed(
        f"the product of ({rows}, {inputs}) and ({inputs}, {outputs}) in {dtype}",
        expected="the same bits for the same row in every slot",
        got="others",
        remedy="set SEEDCAST_GPU_SLOTS to another number, a multiple of 48 where possible",
    )


def symmetric(product: Linear, rows: int, inputs: int, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a row has the same product in every slot, among equals and among others."""
    random = torch.Generator().manual_seed(rows)
    for _ in range(_PROBES):
        row, others = (torch.randn(count, inputs, generator=random).to(device, dtype) for count in (1, rows))
        alone = product(row.expand(rows, -1).contiguous())
        others[::2] = row
        mixed = product(others)[::2]
        if not (torch.equal(alone, alone[:1].expand_as(alone)) and torch.equal(mixed, alone[: len(mixed)])):
            return False
    return True


def _forms(rows: int, dtype: torch.dtype, device: torch.device) -> Iterator[tuple[bool, int]]:
    counts = list(dict.fromkeys(-(-rows // multiple) * multiple for multiple in _PADDING))
    # Without the instructions for it oneDNN computes bfloat16 by a reference that is far slower.
    hardware = dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if device.type == "cpu" and torch.backends.mkldnn.enabled and hardware:
        yield from ((True, count) for count in counts)
    yield from ((False, count) for count in counts)


def _packed(weight: Tensor, rows: int) -> Linear:
    """oneDNN lays the weight out for this number of rows once, instead of at every step."""
    layout = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, layout, None, "none", [], "")
